import atexit
import gc
import os
import signal
from collections.abc import Iterator
from typing import Final

import pytest
import torch
from hypothesis import settings

from knm.corpora import load_corpus
from knm.datastore import Datastore, MiningOptions, mine
from knm.models import LoadedModel, encode_corpus, load_model
from knm.packaged import EMBEDDED_CORPUS
from knm.problems import load_template
from knm.sandbox import Sandbox, SandboxUnavailable, open_sandbox

# Where tests run in the background, processes that they start would ignore an interrupt too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Each of the many processes that tests start would compile the whole package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Nor is garbage to be looked for when the tests are over.
atexit.register(gc.freeze)

# How long an example takes says more of the machine's other work than of ours.
settings.register_profile("knm", deadline=None)
settings.load_profile("knm")
# Small tensors gain nothing from threads and wait long for them on a busy machine.
torch.set_num_threads(1)

# Whole runs and hundreds of attacks in one file: begun last, they would keep one process waiting.
LONG_FILES: Final = (
    "test_plugin.py",
    "test_selection.py",
    "test_sharing.py",
    "test_selfcheck.py",
    "test_exploring.py",
    "test_api.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest; a file's tests stay together."""
    items.sort(key=lambda item: item.path.name not in LONG_FILES)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The local sandbox with the limits of a run."""
    try:
        opened = open_sandbox("local")
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    with opened:
        yield opened


@pytest.fixture(scope="session")
def embedded() -> LoadedModel:
    """The embedded LM, float32 on the CPU."""
    return load_model(device="cpu")


@pytest.fixture(scope="session")
def small_store(embedded, tmp_path_factory) -> Datastore:
    """What the embedded LM makes of the first programs of its corpus."""
    records = load_corpus(EMBEDDED_CORPUS / "train.jsonl")[:10]
    examples = encode_corpus(embedded.tokenizer, records, load_template("task"))
    directory = tmp_path_factory.mktemp("stores") / "small"
    return mine(embedded, examples, directory, MiningOptions(), corpus_hash="small")
