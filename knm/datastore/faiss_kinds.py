"""The kinds of Faiss indexes over a datastore's keys: what each takes, and how it is trained.

Options are checked without Faiss, whose import takes long: whoever trains hands it over.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import ModuleType
from typing import Any, Final

import numpy as np

from knm.datastore.store import Array, Datastore
from knm.errors import UserError, named

_TRAIN_PER_CENTRE: Final = 40  # rows that k-means sees for each centre; Faiss warns below 39
_TRAIN_ROUNDS: Final = 10
_PQ_TRAIN_ROWS: Final = 65_536
_LISTS_PROBED: Final = 32
_REFINE: Final = 8
_SCANNED_BITS: Final = 4
_LINKS: Final = 32
_BREADTH: Final = 128
_BUILD_BREADTH: Final = 80


class IndexKind(StrEnum):
    """Which index."""

    FLAT = "flat"
    IVF = "ivf"
    IVF_PQ = "ivf-pq"
    HNSW = "hnsw"


@dataclass(frozen=True)
class IndexOptions:
    """How an index is built and searched; None: by the datastore's size.

    `ivf`, `ivf-pq`: `nlist` lists of which `nprobe` are searched. `ivf-pq`: keys as `m` codes of
    `nbits` bits, and `refine` times as many candidates as neighbours are asked for, which are then
    measured by their stored keys. `hnsw`: `m` links of a key, and `ef` keys kept in view while
    searching. `seed` draws what is trained on.
    """

    nlist: int | None = None
    nprobe: int | None = None
    m: int | None = None
    nbits: int | None = None
    ef: int | None = None
    refine: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class TrainedIndex:
    """A trained index, without rows where it was just trained, and the options that made it."""

    index: Any
    options: Mapping[str, int] = field(default_factory=dict)
    trained_on: int = 0


@dataclass(frozen=True)
class IndexMaking:
    """How a kind of index is made.

    `takes` are the options that mean something to it, `classes` Faiss's names of what it is.
    """

    build: Callable[[ModuleType, Datastore, IndexOptions], TrainedIndex]
    takes: tuple[str, ...]
    classes: tuple[str, ...]


def train_index(
    faiss: ModuleType, datastore: Datastore, kind: str, options: IndexOptions
) -> TrainedIndex:
    """An empty index `kind` for the keys of `datastore`, trained on a bounded sample of them.

    Raises:
        UserError: unknown kind, an option that it does not take, or one out of range.
    """
    check_options(kind, options)
    return KINDS[kind].build(faiss, datastore, options)


def check_options(kind: str, options: IndexOptions) -> None:
    """Refuse what no datastore could have.

    Raises:
        UserError: unknown kind, or an option that it does not take.
    """
    if kind not in KINDS:
        raise UserError(f"{named('kind')} {kind}: unknown; choose one of {', '.join(KINDS)}")
    takes = KINDS[kind].takes
    for name in ("nlist", "nprobe", "m", "nbits", "ef", "refine"):
        value = getattr(options, name)
        if value is not None and name not in takes:
            known = ", ".join(named(each) for each in takes) or "none"
            raise UserError(
                f"{named(name)} {value}: not an option of a {kind} index; it takes {known}"
            )


def _build_flat(faiss: ModuleType, datastore: Datastore, options: IndexOptions) -> TrainedIndex:
    del options
    return TrainedIndex(faiss.IndexFlatL2(datastore.manifest.dim))


def _build_ivf(faiss: ModuleType, datastore: Datastore, options: IndexOptions) -> TrainedIndex:
    nlist, nprobe = _lists(datastore, options)
    dim, centres = datastore.manifest.dim, faiss.IndexFlatL2(datastore.manifest.dim)
    if _rounds_queries(datastore):
        index = faiss.IndexIVFFlat(centres, dim, nlist)
    else:
        stored, residual = _as_stored(faiss, datastore), False
        index = faiss.IndexIVFScalarQuantizer(
            centres, dim, nlist, stored, faiss.METRIC_L2, residual
        )
    trained_on = _train(index, datastore, nlist * _TRAIN_PER_CENTRE, options.seed)
    return TrainedIndex(index, {"nlist": nlist, "nprobe": nprobe}, trained_on)


def _build_ivf_pq(faiss: ModuleType, datastore: Datastore, options: IndexOptions) -> TrainedIndex:
    nlist, nprobe = _lists(datastore, options)
    rows, dim = len(datastore), datastore.manifest.dim
    # One code for four dimensions, in four bits: Faiss scans these in registers, several times as
    # fast as half as many of eight bits, and measuring candidates again makes up for them.
    m = _codes(dim) if options.m is None else options.m
    if not 1 <= m <= dim or dim % m:
        raise UserError(f"{named('m')} {m}: must divide the width of the keys, {dim}")
    fitting = max(1, min(_SCANNED_BITS, (rows // _TRAIN_PER_CENTRE).bit_length() - 1))
    nbits = fitting if options.nbits is None else options.nbits
    if not 1 <= nbits <= 12 or 2**nbits > rows:
        raise UserError(
            f"{named('nbits')} {nbits}: must be from 1 to 12, and 2^nbits at most {rows} rows"
        )
    refine = _REFINE if options.refine is None else options.refine
    if refine < 1:
        raise UserError(f"{named('refine')} {refine}: must be at least 1")
    made_of = faiss.IndexIVFPQFastScan if nbits == _SCANNED_BITS else faiss.IndexIVFPQ
    index = made_of(faiss.IndexFlatL2(dim), dim, nlist, m, nbits)
    index.pq.cp.seed = options.seed
    index.pq.cp.niter = _TRAIN_ROUNDS
    sample = max(nlist * _TRAIN_PER_CENTRE, min(_PQ_TRAIN_ROWS, 2**nbits * _TRAIN_PER_CENTRE))
    trained_on = _train(index, datastore, sample, options.seed)
    made = {"nlist": nlist, "nprobe": nprobe, "m": m, "nbits": nbits, "refine": refine}
    return TrainedIndex(index, made, trained_on)


def _build_hnsw(faiss: ModuleType, datastore: Datastore, options: IndexOptions) -> TrainedIndex:
    m = _LINKS if options.m is None else options.m
    ef = _BREADTH if options.ef is None else options.ef
    if not 2 <= m <= 128:
        raise UserError(f"{named('m')} {m}: must be from 2 to 128 links")
    if ef < 1:
        raise UserError(f"{named('ef')} {ef}: must be at least 1")
    index = faiss.IndexHNSWSQ(datastore.manifest.dim, _as_stored(faiss, datastore), m)
    index.hnsw.efConstruction = _BUILD_BREADTH
    index.train(datastore.read_keys(slice(0, 1)))  # learns nothing, but must be called
    again = {"refine": 1} if _rounds_queries(datastore) else {}
    return TrainedIndex(index, {"m": m, "ef": ef, **again})


def _as_stored(faiss: ModuleType, datastore: Datastore) -> int:
    """Faiss's name of the keys' own dtype: half of float32 to read, and nothing is lost."""
    name = {"float16": "QT_fp16", "bfloat16": "QT_bf16"}[datastore.manifest.key_dtype]
    quantizer: int = getattr(faiss.ScalarQuantizer, name)
    return quantizer


def _rounds_queries(datastore: Datastore) -> bool:
    """Whether Faiss measures keys of this dtype from a rounded query: by up to 15 % otherwise."""
    return datastore.manifest.key_dtype == "bfloat16"


def _lists(datastore: Datastore, options: IndexOptions) -> tuple[int, int]:
    """How many lists there are and how many of them are probed."""
    rows = len(datastore)
    # Many short lists: comparing a query with their centres costs less than reading long ones.
    fitting = max(1, min(4 * math.isqrt(rows), rows // _TRAIN_PER_CENTRE))
    nlist = fitting if options.nlist is None else options.nlist
    nprobe = min(nlist, _LISTS_PROBED) if options.nprobe is None else options.nprobe
    if not 1 <= nlist <= rows:
        raise UserError(f"{named('nlist')} {nlist}: must be from 1 to the number of rows, {rows}")
    if not 1 <= nprobe <= nlist:
        raise UserError(f"{named('nprobe')} {nprobe}: must be from 1 to {named('nlist')}, {nlist}")
    return nlist, nprobe


def _codes(dim: int) -> int:
    """The most codes of at least 4 dimensions each that divide the width, at least one."""
    return next(m for m in range(max(1, dim // 4), 0, -1) if dim % m == 0)


def _train(index: Any, datastore: Datastore, rows: int, seed: int) -> int:
    """Train an IVF index on `rows` keys at most; how many they were."""
    index.cp.seed = seed
    index.cp.niter = _TRAIN_ROUNDS
    sample: Array = np.random.default_rng(seed).permutation(len(datastore))[:rows]
    sample.sort()  # a memory map is read fastest from front to back
    index.train(datastore.read_keys(sample))
    return len(sample)


KINDS: Final[Mapping[str, IndexMaking]] = {
    IndexKind.FLAT: IndexMaking(_build_flat, (), ("IndexFlat",)),
    IndexKind.IVF: IndexMaking(
        _build_ivf, ("nlist", "nprobe"), ("IndexIVFScalarQuantizer", "IndexIVFFlat")
    ),
    IndexKind.IVF_PQ: IndexMaking(
        _build_ivf_pq,
        ("nlist", "nprobe", "m", "nbits", "refine"),
        ("IndexIVFPQ", "IndexIVFPQFastScan"),
    ),
    IndexKind.HNSW: IndexMaking(_build_hnsw, ("m", "ef"), ("IndexHNSWSQ", "IndexHNSWFlat")),
}


def kind_of(faiss: ModuleType, index: Any) -> str | None:
    """The kind of an index that another program made; None if it is of none."""
    classes = {name: tuple(getattr(faiss, each) for each in KINDS[name].classes) for name in KINDS}
    return next((name for name in KINDS if isinstance(index, classes[name])), None)


def options_made(index: Any, kind: str) -> dict[str, int]:
    """The options that an index of `kind` says of itself, and those that it is searched with."""
    made = {
        name: getattr(index, name)
        for name in ("nlist", "nprobe")
        if kind in (IndexKind.IVF, IndexKind.IVF_PQ) and hasattr(index, name)
    }
    if kind == IndexKind.IVF_PQ:
        made |= {"m": index.pq.M, "nbits": index.pq.nbits, "refine": _REFINE}
    if kind == IndexKind.HNSW:
        made |= {"ef": index.hnsw.efSearch}
    return made
