"""What one step's correction costs, without the LM: reading the logits, searching, the new logits.

    python -m benchmarks.correction --datastore DIR --preset residual

Queries are stored keys moved by noise, logits are drawn; on a GPU each part is a CUDA graph that is
replayed, as the engine does. A time holds those left of it.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

import torch
from torch import Tensor

from benchmarks.devices import device_name, timed
from knm.datastore import Datastore
from knm.retrieval import (
    Fusion,
    LMOutput,
    MinedPredictions,
    Neighbours,
    Searcher,
    open_searcher,
    resolve_preset,
)

REPLAYS: Final = 10
NOISE: Final = 0.3  # of the keys' own spread


def main() -> None:
    """Print milliseconds by rows and neighbours."""
    options = parse()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    store = Datastore.open(options.datastore)
    preset = resolve_preset(options.preset)
    preset.check_store(store.path, store.manifest)
    vocabulary = max(options.vocabulary, int(store.values.max(initial=0)) + 1)
    print(f"{device_name(device)}, {len(store):,} keys x {store.manifest.dim}, {preset.name}")
    searcher = open_searcher("torch", store, device)
    known = None
    if store.likely is not None:
        known = MinedPredictions(store.likely, torch.device(device))
    fuse = preset.build_fusion(preset.temperature_for(store), known)
    figures = []
    for rows in options.rows:
        queries = draw_queries(searcher, len(store), rows, device)
        for k in options.neighbours:
            spent = measure(searcher, fuse, queries, k, vocabulary)
            figures.append({"rows": rows, "neighbours": k, **spent})
            told = ", ".join(f"{name} {ms:.3f}" for name, ms in spent.items())
            print(f"{rows} rows, {k} neighbours, ms: {told}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def draw_queries(searcher: Searcher, entries: int, rows: int, device: str) -> Tensor:
    """Some of the keys (rows, D), moved by noise."""
    draw = torch.Generator(device).manual_seed(0)
    chosen = torch.randint(entries, (rows,), generator=draw, device=device)
    keys = searcher.keys(chosen).float()
    return keys + NOISE * keys.std() * torch.randn(keys.shape, generator=draw, device=device)


def measure(
    searcher: Searcher, fuse: Fusion, queries: Tensor, k: int, vocabulary: int
) -> dict[str, float]:
    """Milliseconds of each part and those before it, the median of five."""
    rows, device = len(queries), queries.device.type
    draw = torch.Generator(device).manual_seed(1)
    logits = torch.randn(rows, vocabulary, generator=draw, device=device).bfloat16()
    weight = torch.ones(rows, device=device)

    def search() -> tuple[LMOutput, Neighbours]:
        return LMOutput.read(logits), searcher.search(queries, k)

    def correct() -> Tensor:
        lm, found = search()
        return fuse(lm, weight, found).token

    def write_out() -> tuple[Tensor, Tensor]:
        lm, found = search()
        fused = fuse(lm, weight, found)
        return fused.token, fused.dense()

    parts: dict[str, Callable[[], Any]] = {
        "read": lambda: LMOutput.read(logits),
        "search": search,
        "greedy": correct,
        "sampled": write_out,
    }
    return {name: _milliseconds(call, device) for name, call in parts.items()}


def _milliseconds(call: Callable[[], Any], device: str) -> float:
    if device == "cpu":
        call()
        return 1e3 * median(timed(call)[0] for _ in range(5))
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    with torch.cuda.stream(stream):
        for _ in range(2):  # kernels are compiled
            call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        kept = call()

    def replay() -> None:
        for _ in range(REPLAYS):
            graph.replay()

    spent = median(timed(replay)[0] for _ in range(5)) / REPLAYS
    del kept
    return 1e3 * spent


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datastore", type=Path, required=True)
    parser.add_argument("--preset", default="residual", help="of kinds that ask no output head")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 16, 64, 256, 512])
    parser.add_argument("--neighbours", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--vocabulary", type=int, default=151_936)
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
