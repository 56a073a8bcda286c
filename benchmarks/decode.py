"""Tokens per second with and without kNN.

    python -m benchmarks.decode --problems FILE --model DIR --datastore DIR --batch-size 64
    python -m benchmarks.decode --shape qwen3-4b --slots 64 --stores 24000x2560 1000000x512

The first is real work (see `benchmarks.work`). The second takes random weights and prompts of one
length, against plain `generate`; the floor of a step is the time to read the weights, the written
keys and values of the context and the datastore's keys once, at the measured bandwidth of a copy.
"""

import argparse
import json
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.devices import copy_bandwidth, device_name, timed
from benchmarks.synthetic import (
    SHAPES,
    HostFaiss,
    as_requests,
    random_datastore,
    random_model,
    random_prompts,
    retriever_of,
)
from benchmarks.work import add_work_options, measure_work
from knm.engine import GenerationOptions, open_engine
from knm.engine.architectures import read_decoder
from knm.engine.devices import open_program
from knm.engine.program import Mode
from knm.engine.state import Admission
from knm.models import LoadedModel
from knm.records import GREEDY
from knm.retrieval import Retriever, corrected


@dataclass
class Row:
    """One line of the table. Seconds are of the whole run, prefill included."""

    name: str
    tokens_per_second: float
    prompts: int
    new_tokens: int
    seconds: float
    step_ms: float | None = None
    floor_ms: float | None = None


def main() -> None:
    """Run everything that was asked for."""
    options = parse()
    if options.problems is not None:
        measure_work(options)
        return
    device = "cuda" if torch.cuda.is_available() else "cpu"
    loaded = random_model(options.shape, device)
    vocabulary = loaded.identity.vocab_size
    prompts = random_prompts(options.slots, options.prompt_tokens, vocabulary)
    rows: list[Row] = []

    def note(row: Row) -> None:
        rows.append(row)
        print(json.dumps(asdict(row)), flush=True)

    gigabytes = copy_bandwidth(device)
    print(f"copy bandwidth {gigabytes:.0f} GB/s on {device_name(device)}", flush=True)
    with torch.inference_mode():
        if "generate-1" not in options.skip:
            note(plain("generate, batch 1", loaded, prompts[:1], options.baseline_tokens))
        if "generate" not in options.skip:
            note(plain(f"generate, batch {len(prompts)}", loaded, prompts, options.baseline_tokens))
        if "faiss" not in options.skip:
            note(faiss_wrapper(loaded, prompts, options, device))
        if "static" not in options.skip:
            note(static(loaded, prompts, options.baseline_tokens))
    ours = Ours(loaded, prompts, options, gigabytes)
    note(ours.measure("slots, no kNN", None, 0))
    for size, dim in options.stores:
        store = random_datastore(loaded, size, dim, device)
        retriever = retriever_of(loaded, store)
        note(ours.measure(f"slots, kNN {size:,} x {dim}", retriever, store.keys.nbytes))
        del retriever, store
        torch.cuda.empty_cache()
    report(rows, options, gigabytes, device)


class Ours:
    """The slot engine on one model: whole runs, and steps by themselves."""

    def __init__(
        self, loaded: LoadedModel, prompts: list[list[int]], options: Any, gigabytes: float
    ) -> None:
        self._loaded = loaded
        self._prompts = prompts
        self._options = options
        self._bandwidth = gigabytes * 1e9
        self._decoder = read_decoder(loaded.model)

    def measure(self, name: str, retriever: Retriever | None, key_bytes: int) -> Row:
        """Tokens per second of a run with prefill, and the median step at full slots."""
        step = self._step_ms(retriever)
        options = self._options
        generation = GenerationOptions(options.new_tokens, options.slots)
        engine = open_engine(self._loaded, generation, retriever, notify=print)
        requests = as_requests(self._prompts, options.new_tokens)
        engine.complete(requests)  # captures the graphs
        seconds, done = timed(lambda: engine.complete(requests))
        tokens = sum(each.completion_tokens for each in done)
        floor = (self._read_bytes() + key_bytes) / self._bandwidth * 1e3
        return Row(name, tokens / seconds, len(requests), options.new_tokens, seconds, step, floor)

    def _step_ms(self, retriever: Retriever | None) -> float:
        options = self._options
        capacity = -(-(options.prompt_tokens + options.new_tokens) // 256) * 256
        program = open_program(self._decoder, retriever, options.slots, capacity)
        started = time.perf_counter()
        program.admit(
            [Admission(prompt, 0, GREEDY, corrected=True) for prompt in self._prompts],
            range(options.slots),
        )
        program.run(Mode.GREEDY).wait()
        print(f"prefill and capture {time.perf_counter() - started:.2f} s", flush=True)
        steps = program.interval
        spent = []
        for _ in range(max(3, options.new_tokens // steps // 2)):
            seconds, snapshot = timed(lambda: program.run(Mode.GREEDY))
            snapshot.wait()
            spent.append(seconds / steps * 1e3)
        return sorted(spent)[len(spent) // 2]

    def _read_bytes(self) -> int:
        decoder, options = self._decoder, self._options
        written: int = options.prompt_tokens + options.new_tokens // 2
        token = 2 * len(decoder.layers) * decoder.key_value_heads * decoder.head_dim
        cache: int = options.slots * written * token * decoder.embedding.element_size()
        return decoder.weight_bytes + cache


def plain(
    name: str,
    loaded: LoadedModel,
    prompts: list[list[int]],
    new_tokens: int,
    retriever: Retriever | None = None,
    **settings: Any,
) -> Row:
    """`generate` on prompts of one length, which need no padding."""
    ids = torch.tensor(prompts, device=loaded.device)

    def run(tokens: int) -> Any:
        return loaded.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            do_sample=False,
            **settings,
        )

    correcting = nullcontext() if retriever is None else corrected(loaded.model, retriever)
    with correcting:
        run(4)
        if settings:
            run(new_tokens)  # compiles
        seconds, _ = timed(lambda: run(new_tokens))
    tokens = len(prompts) * new_tokens
    return Row(name, tokens / seconds, len(prompts), new_tokens, seconds)


def static(loaded: LoadedModel, prompts: list[list[int]], new_tokens: int) -> Row:
    """`generate` with a static cache, which it compiles."""
    name = f"generate, static cache and compile, batch {len(prompts)}"
    return plain(name, loaded, prompts, new_tokens, cache_implementation="static")


def faiss_wrapper(loaded: LoadedModel, prompts: list[list[int]], options: Any, device: str) -> Row:
    """`generate` corrected from a flat Faiss index on the host, as published wrappers do."""
    size, dim = options.faiss
    store = random_datastore(loaded, size, dim, device)
    retriever = retriever_of(loaded, store, HostFaiss(store))
    name = f"generate, batch {len(prompts)}, Faiss on the host {size:,} x {dim}"
    return plain(name, loaded, prompts, 8, retriever)


def report(rows: list[Row], options: Any, gigabytes: float, device: str) -> None:
    """Print the table and write the JSON."""
    print(f"\n{'':58}  tokens/s  ms/step  floor")
    for row in rows:
        step = "" if row.step_ms is None else f"{row.step_ms:8.2f}"
        floor = "" if row.floor_ms is None else f"{row.floor_ms:6.2f}"
        print(f"{row.name:58} {row.tokens_per_second:9.0f} {step:>8} {floor:>6}")
    if options.json:
        document = {
            "shape": {options.shape: SHAPES[options.shape]},
            "device": device_name(device),
            "copy_gigabytes_per_second": gigabytes,
            "torch": torch.__version__,
            "slots": options.slots,
            "prompt_tokens": options.prompt_tokens,
            "rows": [asdict(row) for row in rows],
        }
        options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--json", type=Path, nargs="?", const=Path("-"), help="write JSON, to a file or at the end"
    )
    real = parser.add_argument_group("real work: options as those of pytest bench")
    real.add_argument("--problems", metavar="NAME|PATH")
    add_work_options(real)
    real.add_argument("--device")
    real.add_argument("--draft-tokens", type=int, help="0: without drafts (default: by device)")
    synthetic = parser.add_argument_group("random weights")
    synthetic.add_argument("--shape", choices=list(SHAPES), default="qwen3-4b")
    synthetic.add_argument("--slots", type=int, default=64)
    synthetic.add_argument("--prompt-tokens", type=int, default=400)
    synthetic.add_argument("--new-tokens", type=int, default=256)
    synthetic.add_argument("--baseline-tokens", type=int, default=64)
    synthetic.add_argument("--stores", type=size_by_dim, nargs="*", default=[], metavar="ROWSxDIM")
    synthetic.add_argument(
        "--faiss", type=size_by_dim, default=(1_000_000, 512), metavar="ROWSxDIM"
    )
    synthetic.add_argument(
        "--skip", nargs="*", default=[], choices=["generate-1", "generate", "static", "faiss"]
    )
    return parser.parse_args()


def size_by_dim(text: str) -> tuple[int, int]:
    """Read `24000x2560`."""
    rows, _, dim = text.partition("x")
    return int(rows), int(dim)


if __name__ == "__main__":
    main()
