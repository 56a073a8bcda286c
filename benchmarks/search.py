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
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
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
from knm.retrieval import open_searcher

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
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        figures = measure(options, Path(scratch))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1 << 20)
    print(f"peak memory of a process {peak:.1f} GiB")
    if options.json:
        options.json.write_text(json.dumps({**figures, "peak_gib": peak}, indent=1) + "\n")


def measure(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Figures of each index, over all rows and, for HNSW, over the first."""
    lists = IndexOptions(nlist=options.nlist // 2, nprobe=options.nprobe)
    codes = replace(lists, nlist=options.nlist, refine=options.refine)
    figures: dict[str, Any] = {"dim": DIM, "threads": options.threads}
    for rows, plans in (
        (options.rows, {"ivf": lists, "ivf-pq": codes}),
        (options.hnsw_rows, {"hnsw": IndexOptions()}),
    ):
        path = scratch / f"{rows}-{len(plans)}"
        alone(options.threads, draw_datastore, rows, path)
        for kind, plan in plans.items():
            seconds = alone(options.threads, build, path, kind, plan)
            info = Manifest.load(path).indexes[kind]
            megabytes = (path / info.file).stat().st_size / 1e6
            print(
                f"{kind}: {rows:,} x {DIM}, built in {seconds:.0f} s, {megabytes:,.0f} MB, "
                f"recall@16 {info.recall_at_16:.3f}",
                flush=True,
            )
            figures[kind] = {
                "rows": rows,
                "build_seconds": seconds,
                "megabytes": megabytes,
                **asdict(info),
                **alone(options.threads, compare, path, kind, options.rounds),
            }
    return figures


def alone(threads: int, work: Callable[..., Any], *arguments: Any) -> Any:
    """Do something in a process of its own, so that memory goes back before the next thing."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, limit_threads, (threads,)) as pool:
        return pool.submit(work, *arguments).result()


def limit_threads(threads: int) -> None:
    """Let torch and Faiss use so many threads."""
    import faiss

    torch.set_num_threads(threads)
    faiss.omp_set_num_threads(threads)


def build(path: Path, kind: str, options: IndexOptions) -> float:
    """Seconds that building an index takes."""
    return timed(partial(build_index, open_drawn(path), kind, options))


def open_drawn(path: Path) -> Datastore:
    """The drawn keys, with values and provenance of zeros."""
    manifest = Manifest.load(path)
    return Datastore(
        path=path,
        manifest=manifest,
        keys=np.load(path / "keys.npy", mmap_mode="r"),
        values=np.zeros(manifest.count, np.int32),
        provenance=np.zeros(manifest.count, PROVENANCE_DTYPE),
        records=(RecordOrigin("drawn"),),
    )


def draw_datastore(rows: int, path: Path) -> None:
    """Write `rows` keys and a manifest."""
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


def moved_keys(store: Datastore, count: int) -> Tensor:
    """Queries (count, D) float32."""
    draw = np.random.default_rng(1)
    keys = store.read_keys(np.sort(draw.integers(0, len(store), count)))
    noise = draw.standard_normal(keys.shape, dtype=np.float32)
    return torch.from_numpy(draw.permutation(keys + np.float32(NOISE) * noise))


def compare(path: Path, kind: str, rounds: int) -> dict[str, Any]:
    """Milliseconds of a search by the index and exactly, in turns on the same queries.

    Of all rounds the fastest counts: what else the machine does only adds.
    """
    store = open_drawn(path)
    exact, index = (open_searcher(name, store, "cpu") for name in ("torch", f"faiss-{kind}"))
    queries = moved_keys(store, max(BATCHES) * rounds)
    figures = {}
    for batch in BATCHES:
        slow, fast = [], []
        for asked in torch.split(queries[: batch * rounds], batch):
            # What comes after exact search finds the caches full of other keys, as in decoding.
            slow.append(timed(partial(exact.search, asked, K)))
            fast.append(timed(partial(index.search, asked, K)))
        one, other = 1e3 * min(slow), 1e3 * min(fast)
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
    parser.add_argument("--refine", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--scratch", type=Path, help="where files of 4 GB go")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
