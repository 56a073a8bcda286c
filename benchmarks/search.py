"""Search on a CPU: each Faiss index against exact search, in one run on the same queries.

    python -m benchmarks.search --threads 2

Keys are drawn like hidden states of text: 20,000 clusters in 48 dimensions whose variance falls as
1/rank, a spread within each cluster, an orthonormal map to 512 dimensions and isotropic noise
there; stored as float16. Queries are stored keys moved by as much noise again. Exact search is the
`torch` searcher, which is given the same batches. Recall@16 is what `knm index` measures and writes
into the manifest: 500 moved keys against exact search.

HNSW is built over the first rows alone, as building takes longest, and compared with exact search
of those.
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from knm.datastore import (
    PROVENANCE_DTYPE,
    Calibration,
    Datastore,
    IndexOptions,
    Manifest,
    RecordOrigin,
    build_index,
)
from knm.models import ModelIdentity
from knm.retrieval import Searcher, open_searcher

DIM: Final = 512
RANK: Final = 48
CLUSTERS: Final = 20_000
SPREAD: Final = 0.3  # within a cluster, of the spread between them
NOISE: Final = 0.05
K: Final = 16
PIECE: Final = 50_000
BATCHES: Final = (1, 16)


def main() -> None:
    """Draw keys, build indexes, search."""
    options = parse()
    torch.set_num_threads(options.threads)
    import faiss

    faiss.omp_set_num_threads(options.threads)
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        figures = measure(options, Path(scratch))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    print(f"peak memory {peak:.1f} GiB")
    if options.json:
        options.json.write_text(json.dumps({**figures, "peak_gib": peak}, indent=1) + "\n")


def measure(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Figures of each index, over all rows and, for HNSW, over the first."""
    lists = IndexOptions(nlist=options.nlist // 2, nprobe=options.nprobe)
    codes = replace(lists, nlist=options.nlist, m=options.codes, refine=options.refine)
    figures: dict[str, Any] = {"dim": DIM, "threads": options.threads}
    for rows, plans in (
        (options.rows, {"ivf": lists, "ivf-pq": codes}),
        (options.hnsw_rows, {"hnsw": IndexOptions()}),
    ):
        store = drawn_datastore(rows, scratch / f"{rows}-{len(plans)}")
        seconds = {kind: timed(partial(build_index, store, kind, plans[kind])) for kind in plans}
        store = replace(store, manifest=Manifest.load(store.path))
        exact = open_searcher("torch", store, "cpu")
        for kind in plans:
            info = store.manifest.indexes[kind]
            megabytes = (store.path / info.file).stat().st_size / 1e6
            print(
                f"{kind}: {rows:,} x {DIM}, built in {seconds[kind]:.0f} s, {megabytes:,.0f} MB, "
                f"recall@16 {info.recall_at_16:.3f}",
                flush=True,
            )
            figures[kind] = {
                "rows": rows,
                "build_seconds": seconds[kind],
                "megabytes": megabytes,
                **asdict(info),
                **compare(exact, kind, store, options.rounds),
            }
    return figures


def drawn_datastore(rows: int, path: Path) -> Datastore:
    """A datastore on disk of the first `rows` keys, with values and provenance of zeros."""
    path.mkdir()
    draw = np.random.default_rng(0)
    centres = draw.standard_normal((CLUSTERS, RANK), dtype=np.float32)
    basis = np.linalg.qr(draw.standard_normal((DIM, RANK)))[0].T.astype(np.float32)
    axes = basis * (4 * np.arange(1, RANK + 1, dtype=np.float32)[:, None] ** -0.5)
    keys = np.lib.format.open_memmap(path / "keys.npy", "w+", np.dtype("<f2"), (rows, DIM))
    for start in range(0, rows, PIECE):
        size = min(PIECE, rows - start)
        inside = draw.standard_normal((size, RANK), dtype=np.float32)
        latent = centres[draw.integers(0, CLUSTERS, size)] + SPREAD * inside
        noise = draw.standard_normal((size, DIM), dtype=np.float32)
        keys[start : start + size] = latent @ axes + NOISE * noise
    keys.flush()
    manifest = Manifest(
        model=ModelIdentity("drawn", "drawn", "drawn", "float32", DIM, 1),
        key_dtype="float16",
        dim=DIM,
        capacity=rows,
        corpus_hash="drawn",
        examples_hash="drawn",
        mining={},
        packages={},
        count=rows,
        content_hash="drawn",
        calibration=Calibration(DIM * NOISE**2, None, None),
    )
    manifest.save(path)
    return Datastore(
        path=path,
        manifest=manifest,
        keys=np.load(path / "keys.npy", mmap_mode="r"),
        values=np.zeros(rows, np.int32),
        provenance=np.zeros(rows, PROVENANCE_DTYPE),
        records=(RecordOrigin("drawn"),),
    )


def moved_keys(store: Datastore, count: int) -> Tensor:
    """Queries (count, D) float32."""
    draw = np.random.default_rng(1)
    keys = store.read_keys(np.sort(draw.integers(0, len(store), count)))
    noise = draw.standard_normal(keys.shape, dtype=np.float32)
    return torch.from_numpy(draw.permutation(keys + np.float32(NOISE) * noise))


def compare(exact: Searcher, kind: str, store: Datastore, rounds: int) -> dict[str, Any]:
    """Median milliseconds of a search by the index and exactly, in turns on the same queries."""
    index = open_searcher(f"faiss-{kind}", store, "cpu")
    queries = moved_keys(store, max(BATCHES) * rounds)
    figures = {}
    for batch in BATCHES:
        slow, fast = [], []
        for asked in queries[: batch * rounds].split(batch):
            # What comes after exact search finds the caches full of other keys, as in decoding.
            slow.append(timed(partial(exact.search, asked, K)))
            fast.append(timed(partial(index.search, asked, K)))
        one, other = 1e3 * statistics.median(slow), 1e3 * statistics.median(fast)
        print(
            f"  {batch:2} queries: exact {one:8.2f} ms, {kind} {other:6.2f} ms: "
            f"{one / other:6.1f} times as fast",
            flush=True,
        )
        figures[f"batch {batch}"] = {"exact_ms": one, "index_ms": other}
    return figures


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--hnsw-rows", type=int, default=100_000)
    parser.add_argument("--nlist", type=int, default=2048, help="of IVF-PQ; IVF has half as many")
    parser.add_argument("--nprobe", type=int, default=16)
    parser.add_argument("--codes", type=int, default=32, help="of IVF-PQ, bytes a key")
    parser.add_argument("--refine", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--scratch", type=Path, help="where files of 4 GB go")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
