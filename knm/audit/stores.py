"""The datastores of an audit: mined, spoiled where they are controls, and made safe, alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from knm.audit.tampering import tamper
from knm.corpora import CorpusRecord, corpus_hash
from knm.datastore import Datastore, MiningOptions, build_index, mine
from knm.datastore.thin import condense_datastore
from knm.errors import UserError
from knm.models import EncodedExample, LoadedModel, encode_corpus
from knm.problems import PromptTemplate
from knm.retrieval.adapting import train_adaptor
from knm.retrieval.adaptor import load_adaptor

IN_DOMAIN: Final = "in-domain"
OFF_DOMAIN: Final = "off-domain"
ORACLE: Final = "oracle"

INDEXED_ROWS: Final = 50_000
"""From so many on a CPU searches an index, as it does the embedded datastore."""


@dataclass(frozen=True)
class StoreKind:
    """What a datastore is made from, and how.

    `corpus` is IN_DOMAIN, OFF_DOMAIN or ORACLE; `positions` are mined instead of the audit's;
    `tampering` is a name in `knm.audit.tampering.TAMPERINGS`; of the entries `share` stay
    (None: all).
    """

    corpus: str
    positions: str | None = None
    tampering: str | None = None
    share: float | None = None


STORES: Final[Mapping[str, StoreKind]] = {
    IN_DOMAIN: StoreKind(IN_DOMAIN),
    "mistakes": StoreKind(IN_DOMAIN, positions="mistakes"),
    "condensed": StoreKind(IN_DOMAIN, share=0.25),
    ORACLE: StoreKind(ORACLE),
    OFF_DOMAIN: StoreKind(OFF_DOMAIN),
    "shuffled": StoreKind(IN_DOMAIN, tampering="shuffled"),
    "random": StoreKind(IN_DOMAIN, tampering="random"),
}


@dataclass(frozen=True)
class Materials:
    """What datastores are made of.

    `records_of` gives the records of a corpus by its name, `adaptors` says whether datastores get
    the adaptor that learned weights go by, `indexed_rows` from how many entries on they get an
    index on a CPU. What was encoded is kept: a curve uses it many times.
    """

    loaded: LoadedModel
    template: PromptTemplate
    mining: MiningOptions
    directory: Path
    records_of: Callable[[str], Sequence[CorpusRecord]]
    adaptors: bool = False
    indexed_rows: int = INDEXED_ROWS
    _encoded: dict[str, list[EncodedExample]] = field(default_factory=dict)

    def examples_of(self, corpus: str) -> list[EncodedExample]:
        """The records of a corpus, encoded as they will be decoded."""
        if corpus not in self._encoded:
            records = self.records_of(corpus)
            self._encoded[corpus] = encode_corpus(self.loaded.tokenizer, records, self.template)
        return self._encoded[corpus]


def build_store(name: str, materials: Materials, programs: int) -> Datastore:
    """Build the datastore `name` of `STORES` from the first `programs` records of its corpus.

    All kinds take the same steps, so that what makes a datastore safe is tried on the useless ones
    too. What is there already is not made again.

    Raises:
        UserError: the corpus is not there, or the directory holds another datastore.
    """
    kind, loaded = STORES[name], materials.loaded
    # 1. The real one.
    records = materials.records_of(kind.corpus)[:programs]
    examples = materials.examples_of(kind.corpus)[:programs]
    options = replace(materials.mining, positions=kind.positions or materials.mining.positions)
    whole = kind.tampering is None and kind.share is None
    source = name if whole else kind.corpus
    store = mine(
        loaded,
        examples,
        materials.directory / f"{source}-{len(records)}",
        options,
        corpus_hash=corpus_hash(records),
    )
    # 2. What the control does to it.
    if kind.tampering is not None:
        directory = materials.directory / f"{name}-{len(records)}"
        store = tamper(kind.tampering, store, directory, device=loaded.device)
    if kind.share is not None:
        directory = materials.directory / f"{name}-{len(records)}"
        store = _open_finished(directory) or condense_datastore(
            store, directory, share=kind.share, device=loaded.device
        )
    # 3. What tells when to trust it. How far it can be trusted at all was measured when it was
    #    written; the mistakes alone do not tell.
    if materials.adaptors and _is_reliability_known(store) and load_adaptor(store) is None:
        train_adaptor(store, loaded.device).save(store.path)
    # 4. What makes it quick where exact search is not.
    large = len(store) >= materials.indexed_rows
    if loaded.device.type == "cpu" and large and not store.manifest.indexes:
        build_index(store, "ivf")
        store = Datastore.open(store.path, expect=loaded.identity)
    return store


def _open_finished(directory: Path) -> Datastore | None:
    """The datastore of an earlier call, if there is one."""
    try:
        return Datastore.open(directory)
    except UserError:
        return None


def _is_reliability_known(store: Datastore) -> bool:
    calibration = store.manifest.calibration
    return calibration is not None and calibration.reliability is not None


def store_bytes(store: Datastore) -> int:
    """The size of all files of a datastore."""
    return sum(file.stat().st_size for file in store.path.iterdir() if file.is_file())
