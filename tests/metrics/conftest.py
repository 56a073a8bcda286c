import pytest

from knm.corpora import load_corpus
from knm.datastore import Datastore, MiningOptions, mine
from knm.models import encode_corpus
from knm.packaged import EMBEDDED_CORPUS
from knm.problems import load_template


@pytest.fixture(scope="session")
def small_store(embedded, tmp_path_factory) -> Datastore:
    """What the embedded LM makes of the first programs of its corpus."""
    records = load_corpus(EMBEDDED_CORPUS / "train.jsonl")[:10]
    examples = encode_corpus(embedded.tokenizer, records, load_template("task"))
    directory = tmp_path_factory.mktemp("stores") / "small"
    return mine(embedded, examples, directory, MiningOptions(), corpus_hash="small")


@pytest.fixture(scope="session")
def dev_records():
    """A few short programs that the store has not seen."""
    records = load_corpus(EMBEDDED_CORPUS / "dev.jsonl")[:30]
    return tuple(sorted(records, key=lambda record: len(record.statement))[:4])
