"""The embedded datastore: mined from the packaged corpus when it is first needed."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from knm.corpora import summarize_corpus
from knm.datastore import CorpusExamples, Datastore, MiningOptions, build_index, mine
from knm.datastore.manifest import Manifest
from knm.errors import UserError
from knm.models import ChatEncoding, identify_model, load_model
from knm.packaged import EMBEDDED, EMBEDDED_CORPUS
from knm.problems import load_template

MINING: Final = MiningOptions(positions="all")


def ensure_embedded_datastore(directory: Path, notify: Callable[[str], None]) -> None:
    """Mine or resume the embedded datastore unless it is up to date, and say so beforehand.

    It gets an IVF index: on a CPU exact search would take several times as long as the LM.

    All positions, not the mistakes alone: a store needs evidence of where the LM is right, or it
    cannot tell when to keep silent. One that belongs to other weights or another corpus is a
    leftover of an earlier version and is replaced.
    """
    corpus = EMBEDDED_CORPUS / "train.jsonl"
    if _up_to_date(directory, summarize_corpus(corpus).content_hash):
        _ensure_index(directory)
        return
    notify(f"mining the embedded datastore into {directory}, once: a minute or more of two cores")
    _discard_finished(directory)
    loaded = load_model(EMBEDDED, dtype="float32", device="cpu")
    examples = CorpusExamples(corpus, loaded.tokenizer, ChatEncoding(load_template("task")))
    try:
        mine(loaded, examples, directory, MINING)
    except UserError:
        if not directory.is_dir():
            raise
        shutil.rmtree(directory)
        mine(loaded, examples, directory, MINING)
    _ensure_index(directory)


def _ensure_index(directory: Path) -> None:
    store = Datastore.open(directory)
    if "ivf" not in store.manifest.indexes:
        build_index(store, "ivf")


def _up_to_date(directory: Path, corpus: str) -> bool:
    identity = identify_model(EMBEDDED, "float32")
    try:
        store = Datastore.open(directory, expect=identity)
    except UserError:
        return False
    manifest: Manifest = store.manifest
    calibration = manifest.calibration
    return (
        calibration is not None
        and calibration.reliability is not None
        and manifest.domain is not None
        and manifest.domain.frame is not None
        and manifest.model.config_hash == identity.config_hash
        and manifest.corpus_hash == corpus
        and manifest.mining["positions"] == MINING.positions
        and manifest.likely
    )


def _discard_finished(directory: Path) -> None:
    """Remove a datastore that is finished and, as was found, of an earlier version."""
    with suppress(UserError):
        if Manifest.load(directory).finished:
            shutil.rmtree(directory)
