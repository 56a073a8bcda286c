"""Faiss indexes over a datastore's keys, each with its measured recall."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from knm.datastore.calibration import evenly_spaced
from knm.datastore.exact import nearest, stored_keys, stream_chunks
from knm.datastore.index_kinds import IndexOptions, train_index
from knm.datastore.index_reading import OpenIndex, import_faiss
from knm.datastore.manifest import IndexInfo, Manifest
from knm.datastore.store import Datastore
from knm.errors import UserError
from knm.progress import progress_bar

_CHUNK_ROWS: Final = 65_536
_RECALL_SAMPLE: Final = 500
_RECALL_K: Final = 16


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
    path = datastore.path / f"{kind}.index"
    temporary = path.with_suffix(".partial")
    faiss.write_index(index, str(temporary))
    temporary.replace(path)
    info = IndexInfo(
        file=path.name,
        **{"nlist": None, "nprobe": None, **empty.options},
        seed=options.seed,
        trained_on=empty.trained_on,
        recall_at_16=0.0,
        faiss_version=faiss.__version__,
    )
    recall = _recall(OpenIndex(datastore, index, info), options.seed)
    info = replace(info, recall_at_16=recall)
    manifest = Manifest.load(datastore.path)  # another index may have been noted meanwhile
    replace(manifest, indexes={**manifest.indexes, kind: info}).save(datastore.path)
    return path


def _recall(opened: OpenIndex, seed: int) -> float:
    """Share of the 16 exact neighbours of moved keys that the index finds too."""
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
