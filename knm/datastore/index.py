"""Faiss indexes over a datastore's keys, each with its measured recall."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
import torch

from knm.datastore.calibration import evenly_spaced
from knm.datastore.exact import nearest, stored_keys, stream_chunks
from knm.datastore.manifest import IndexInfo, Manifest
from knm.datastore.store import Datastore
from knm.errors import UserError

_CHUNK_ROWS: Final = 65_536
_TRAIN_PER_LIST: Final = 40  # rows that k-means sees for each list; Faiss warns below 39
_TRAIN_ROUNDS: Final = 10
_RECALL_SAMPLE: Final = 500
_RECALL_K: Final = 16


@dataclass(frozen=True)
class IndexOptions:
    """`nlist` lists of which `nprobe` are searched (None: by the datastore's size), and a seed."""

    nlist: int | None = None
    nprobe: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class _Empty:
    """A trained index without rows, and what made it."""

    index: Any
    nlist: int | None = None
    nprobe: int | None = None
    trained_on: int = 0


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


def build_index(datastore: Datastore, kind: str, options: IndexOptions | None = None) -> Path:
    """Build the index `kind` (`flat`, `ivf`) as `<kind>.index` and note it in the manifest.

    The manifest gets what was built and its recall@16 against exact search, for 500 stored keys
    moved as far as unseen text lies from them. Open the datastore again to use the index.

    Raises:
        UserError: unknown kind, an option that does not fit, no rows, or no Faiss.
    """
    if kind not in _BUILDERS:
        raise UserError(f"--index {kind}: unknown; choose one of {', '.join(_BUILDERS)}")
    if len(datastore) == 0:
        raise UserError(f"{datastore.path}: empty, there is nothing to index")
    options = options or IndexOptions()
    faiss = import_faiss()
    empty = _BUILDERS[kind](faiss, datastore, options)
    index = empty.index
    for start in range(0, len(datastore), _CHUNK_ROWS):
        index.add(datastore.read_keys(slice(start, start + _CHUNK_ROWS)))
    path = datastore.path / f"{kind}.index"
    temporary = path.with_suffix(".partial")
    faiss.write_index(index, str(temporary))
    temporary.replace(path)
    info = IndexInfo(
        file=path.name,
        nlist=empty.nlist,
        nprobe=empty.nprobe,
        seed=options.seed,
        trained_on=empty.trained_on,
        recall_at_16=_recall(datastore, index, options.seed),
        faiss_version=faiss.__version__,
    )
    manifest = Manifest.load(datastore.path)  # another index may have been noted meanwhile
    replace(manifest, indexes={**manifest.indexes, kind: info}).save(datastore.path)
    return path


def _build_flat(faiss: ModuleType, datastore: Datastore, options: IndexOptions) -> _Empty:
    if options.nlist is not None or options.nprobe is not None:
        raise UserError("--nlist, --nprobe: a flat index has no lists: build ivf instead")
    return _Empty(faiss.IndexFlatL2(datastore.manifest.dim))


def _build_ivf(faiss: ModuleType, datastore: Datastore, options: IndexOptions) -> _Empty:
    rows, dim = len(datastore), datastore.manifest.dim
    # Many short lists: comparing a query with their centres costs less than reading long ones.
    fitting = max(1, min(4 * math.isqrt(rows), rows // _TRAIN_PER_LIST))
    nlist = fitting if options.nlist is None else options.nlist
    nprobe = min(nlist, 32) if options.nprobe is None else options.nprobe
    if not 1 <= nlist <= rows:
        raise UserError(f"--nlist {nlist}: must be from 1 to the number of rows, {rows}")
    if not 1 <= nprobe <= nlist:
        raise UserError(f"--nprobe {nprobe}: must be from 1 to --nlist, {nlist}")
    sample = np.random.default_rng(options.seed).permutation(rows)[: nlist * _TRAIN_PER_LIST]
    sample.sort()  # a memory map is read fastest from front to back
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(dim), dim, nlist)
    index.cp.seed = options.seed
    index.cp.niter = _TRAIN_ROUNDS
    index.nprobe = nprobe
    index.train(datastore.read_keys(sample))
    return _Empty(index, nlist, nprobe, trained_on=len(sample))


_BUILDERS: Final[Mapping[str, Callable[[ModuleType, Datastore, IndexOptions], _Empty]]] = {
    "flat": _build_flat,
    "ivf": _build_ivf,
}
INDEX_KINDS: Final = tuple(_BUILDERS)


def _recall(datastore: Datastore, index: Any, seed: int) -> float:
    """Share of the 16 exact neighbours of moved keys that the index finds too."""
    rows = evenly_spaced(np.arange(len(datastore)), _RECALL_SAMPLE)
    calibration = datastore.manifest.calibration
    moved = (calibration and calibration.mistake_distance_median) or 0.0
    dim = datastore.manifest.dim
    noise = np.random.default_rng(seed).standard_normal((len(rows), dim), dtype=np.float32)
    queries = datastore.read_keys(rows) + noise * np.float32(math.sqrt(moved / dim))
    k = min(_RECALL_K, len(datastore))
    _, exact = nearest(
        torch.from_numpy(queries),
        stream_chunks(datastore, _CHUNK_ROWS, torch.device("cpu")),
        lambda ids: stored_keys(datastore, ids),
        k,
    )
    _, found = index.search(queries, k)
    hits = sum(
        len(np.intersect1d(a, b)) for a, b in zip(exact.numpy(), np.asarray(found), strict=True)
    )
    return hits / exact.numel()
