import pytest

from knm.corpora import load_corpus
from knm.packaged import EMBEDDED_CORPUS


@pytest.fixture(scope="session")
def dev_records():
    """A few short programs that the store has not seen."""
    records = load_corpus(EMBEDDED_CORPUS / "dev.jsonl")[:30]
    return tuple(sorted(records, key=lambda record: len(record.statement))[:4])
