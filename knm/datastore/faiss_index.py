"""Faiss indexes over a datastore's keys: their kinds, building them and searching them.

Options are checked without a model library, whose import takes seconds; it is loaded to search.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from knm.datastore.manifest import IndexInfo, Manifest
from knm.datastore.store import Array, Datastore
from knm.errors import UserError, named
from knm.progress import progress_bar

if TYPE_CHECKING:
    from torch import Tensor

_TRAIN_PER_CENTRE: Final = 40  # rows that k-means sees for each centre; Faiss warns below 39
_TRAIN_ROUNDS: Final = 10
_PQ_TRAIN_ROWS: Final = 65_536
_LISTS_PROBED: Final = 32
_REFINE: Final = 8
_SCANNED_BITS: Final = 4
_LINKS: Final = 32
_BREADTH: Final = 128
_BUILD_BREADTH: Final = 80
_CHUNK_ROWS: Final = 65_536
_RECALL_SAMPLE: Final = 500
_RECALL_K: Final = 16
# Faiss takes fewer than 20 queries one by one and larger batches through matrix products, which
# round differently. A query alone must find what it finds among others.
_AT_ONCE: Final = 16


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
class IndexKind:
    """`takes` are the options that mean something to it."""

    build: Callable[[ModuleType, Datastore, IndexOptions], TrainedIndex]
    takes: tuple[str, ...]


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


KINDS: Final[Mapping[str, IndexKind]] = {
    "flat": IndexKind(_build_flat, ()),
    "ivf": IndexKind(_build_ivf, ("nlist", "nprobe")),
    "ivf-pq": IndexKind(_build_ivf_pq, ("nlist", "nprobe", "m", "nbits", "refine")),
    "hnsw": IndexKind(_build_hnsw, ("m", "ef")),
}
INDEX_KINDS: Final = tuple(KINDS)


def import_faiss() -> ModuleType:
    """Import Faiss where it is used, so that all else works without it.

    Raises:
        UserError: it is not installed.
    """
    try:
        import faiss
    except ImportError:
        raise UserError(
            "Faiss is not installed: python -m pip install faiss-cpu, or search with the torch "
            "searcher, which needs no index"
        ) from None
    module: ModuleType = faiss
    return module


@dataclass(frozen=True)
class OpenIndex:
    """A Faiss index over the keys of `datastore`, set to search as `info` says."""

    datastore: Datastore
    index: Any
    info: IndexInfo

    def __post_init__(self) -> None:
        if self.info.nprobe is not None:
            self.index.nprobe = self.info.nprobe
        if self.info.ef is not None:
            self.index.hnsw.efSearch = self.info.ef

    def search(self, queries: "Tensor", k: int) -> "tuple[Tensor, Tensor]":
        """Find k neighbours of `queries` (B, D) float32 on the CPU.

        Returns squared distances (B, k) float32, ascending, and ids (B, k) int64; -1 at infinite
        distance where nothing was found or the query is not finite. A row's result is the same to
        the bit whatever the other rows are. Where the index holds codes in place of keys,
        distances are measured to the stored keys.
        """
        import torch

        from knm.datastore.exact import sort_neighbours

        lost = ~queries.isfinite().all(-1, keepdim=True)
        asked = queries.masked_fill(lost, 0.0)
        wanted = k * (self.info.refine or 1)
        distances = torch.empty((len(asked), wanted))
        ids = torch.empty((len(asked), wanted), dtype=torch.int64)
        for start in range(0, len(asked), _AT_ONCE):
            piece = slice(start, start + _AT_ONCE)
            near, labels = self.index.search(asked[piece].numpy(), wanted)
            distances[piece], ids[piece] = torch.from_numpy(near), torch.from_numpy(labels)
            if self.info.refine is not None:
                distances[piece] = self._measure(asked[piece], ids[piece])
        ids.masked_fill_(lost, -1)
        distances, ids = sort_neighbours(distances.clamp_min(0.0), ids)
        return distances[:, :k], ids[:, :k]

    def _measure(self, queries: "Tensor", ids: "Tensor") -> "Tensor":
        """Squared distances (B, C) of queries (B, D) to the stored keys `ids` (B, C)."""
        from knm.datastore.exact import stored_keys

        keys = stored_keys(self.datastore, ids.clamp_min(0))
        return (keys - queries[:, None]).square_().sum(-1)


def open_index(datastore: Datastore, kind: str) -> OpenIndex:
    """Open the index `kind` of `datastore`, memory-mapped where Faiss can.

    Raises:
        UserError: it was not built, does not fit the datastore, or no Faiss.
    """
    faiss = import_faiss()
    info = datastore.manifest.indexes.get(kind)
    path = datastore.path / (f"{kind}.index" if info is None else info.file)
    remedy = f"run `knm index --kind {kind}` on it, or use the torch searcher"
    if info is None or not path.is_file():
        raise UserError(f"{datastore.path}: has no {kind} index: {remedy}")
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    except RuntimeError as error:
        raise UserError(f"{path}: damaged: {str(error).splitlines()[-1]}: {remedy}") from None
    if index.ntotal != len(datastore) or index.d != datastore.manifest.dim:
        raise UserError(
            f"{path}: indexes {index.ntotal} rows of {index.d}, the datastore has "
            f"{len(datastore)} of {datastore.manifest.dim}: {remedy}"
        )
    return OpenIndex(datastore, index, info)


def build_index(datastore: Datastore, kind: str, options: IndexOptions | None = None) -> Path:
    """Build the index `kind`, a name in `INDEX_KINDS`, and note it in the manifest.

    The manifest gets what was built and its recall@16 against exact search, for 500 stored keys
    moved as far as unseen text lies from them. Open the datastore again to use the index.

    Raises:
        UserError: `datastore` holds trials, unknown kind, an option that does not fit, no rows, or
            no Faiss.
    """
    datastore.expect_tokens("an index", "they are searched exactly, among those of one exchange")
    if len(datastore) == 0:
        raise UserError(f"{datastore.path}: empty, there is nothing to index")
    options = options or IndexOptions()
    faiss = import_faiss()
    empty = train_index(faiss, datastore, kind, options)
    index = empty.index
    starts = range(0, len(datastore), _CHUNK_ROWS)
    for start in progress_bar(starts, label=f"indexing {kind}", total=len(starts)):
        index.add(datastore.read_keys(slice(start, start + _CHUNK_ROWS)))
    return _keep(datastore, kind, empty, options.seed)


def adopt_index(datastore: Datastore, index: Any, source: Path) -> str:
    """Keep an index of these keys that another program made, read from `source`; its kind.

    Raises:
        UserError: it is of no kind that is known, does not hold these rows, or measures otherwise.
    """
    faiss = import_faiss()
    remedy = "leave it out, and build one with `knm index`"
    kind = _kind_of(faiss, index)
    if kind is None:
        raise UserError(
            f"{source}: a {type(index).__name__}, which is none of {', '.join(KINDS)}: {remedy}"
        )
    if index.ntotal != len(datastore) or index.d != datastore.manifest.dim:
        raise UserError(
            f"{source}: indexes {index.ntotal} rows of {index.d}, the keys are {len(datastore)} of "
            f"{datastore.manifest.dim}: {remedy}"
        )
    if index.metric_type != faiss.METRIC_L2:
        raise UserError(f"{source}: does not measure squared L2 distances: {remedy}")
    made = {
        name: getattr(index, name)
        for name in ("nlist", "nprobe")
        if kind in ("ivf", "ivf-pq") and hasattr(index, name)
    }
    if kind == "ivf-pq":
        made |= {"m": index.pq.M, "nbits": index.pq.nbits, "refine": _REFINE}
    if kind == "hnsw":
        made |= {"ef": index.hnsw.efSearch}
    _keep(datastore, kind, TrainedIndex(index, made), seed=0)
    return kind


def _kind_of(faiss: ModuleType, index: Any) -> str | None:
    kinds = {
        "flat": (faiss.IndexFlat,),
        "ivf": (faiss.IndexIVFScalarQuantizer, faiss.IndexIVFFlat),
        "ivf-pq": (faiss.IndexIVFPQ, faiss.IndexIVFPQFastScan),
        "hnsw": (faiss.IndexHNSWSQ, faiss.IndexHNSWFlat),
    }
    return next((name for name, classes in kinds.items() if isinstance(index, classes)), None)


def _keep(datastore: Datastore, kind: str, filled: TrainedIndex, seed: int) -> Path:
    """Write a filled index, measure its recall and note it in the manifest."""
    faiss = import_faiss()
    path = datastore.path / f"{kind}.index"
    temporary = path.with_suffix(".partial")
    faiss.write_index(filled.index, str(temporary))
    temporary.replace(path)
    info = IndexInfo(
        file=path.name,
        **{"nlist": None, "nprobe": None, **filled.options},
        seed=seed,
        trained_on=filled.trained_on,
        recall_at_16=0.0,
        faiss_version=faiss.__version__,
    )
    recall = _recall(OpenIndex(datastore, filled.index, info), seed)
    info = replace(info, recall_at_16=recall)
    manifest = Manifest.load(datastore.path)  # another index may have been noted meanwhile
    replace(manifest, indexes={**manifest.indexes, kind: info}).save(datastore.path)
    return path


def _recall(opened: OpenIndex, seed: int) -> float:
    """Share of the 16 exact neighbours of moved keys that the index finds too."""
    import torch

    from knm.datastore.calibration import evenly_spaced
    from knm.datastore.exact import nearest, stored_keys, stream_chunks

    datastore = opened.datastore
    rows = evenly_spaced(np.arange(len(datastore)), _RECALL_SAMPLE)
    moved = datastore.manifest.mistake_distance_median or 0.0
    dim = datastore.manifest.dim
    noise = np.random.default_rng(seed).standard_normal((len(rows), dim), dtype=np.float32)
    queries = torch.from_numpy(
        datastore.read_keys(rows) + noise * np.float32(math.sqrt(moved / dim))
    )
    k = min(_RECALL_K, len(datastore))
    _, exact = nearest(
        queries,
        stream_chunks(datastore, _CHUNK_ROWS, torch.device("cpu")),
        lambda ids: stored_keys(datastore, ids),
        k,
    )
    _, found = opened.search(queries, k)
    hits = sum(len(np.intersect1d(a, b)) for a, b in zip(exact, found, strict=True))
    return hits / exact.numel()
