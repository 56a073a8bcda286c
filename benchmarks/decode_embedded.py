"""Decoding the bench's own problems with the embedded model on a CPU: `generate` against slots.

    python -m benchmarks.decode_embedded --threads 2 --json figures.json

Plain `generate` is measured on every n-th problem (`--sample`), the slots on all of them; with a
datastore by its IVF index, and with `--exact` by exact search too.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from knm.bench import make_options, prepare_run
from knm.datastore import Datastore
from knm.embedded.store import ensure_embedded_datastore
from knm.engine import GenerationOptions, open_engine
from knm.models import LoadedModel, encode_prompt, load_model
from knm.records import Completion, Request
from knm.retrieval import DEFAULT_PRESET, Retriever, resolve_preset

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Run everything and print one table."""
    options = parse()
    store_path = ROOT / "datastore" / "embedded"
    ensure_embedded_datastore(store_path, print)
    torch.set_num_threads(options.threads)
    run = prepare_run(make_options({}), ROOT)
    preset = resolve_preset(DEFAULT_PRESET)
    requests = [run.requests(problem)[0] for problem in run.problem_set.problems]
    loaded = load_model(device="cpu")
    figures: dict[str, Any] = {}
    texts: dict[str, dict[str, str]] = {}

    def note(name: str, tokens: int, seconds: float) -> None:
        speed = tokens / seconds
        figures[name] = {"tokens": tokens, "seconds": seconds, "tokens_per_second": speed}
        print(f"{name:44} {tokens:7} tokens {seconds:7.1f} s {speed:8.1f} /s", flush=True)

    for size in options.batches:
        every = options.sample if size == 1 else max(1, options.sample // 2)
        spent, tokens = generate(loaded, requests[::every], size)
        note(f"generate, left-padded batches of {size}", tokens, spent)
    store = Datastore.open(store_path, expect=loaded.identity)
    settings: list[tuple[str, str | None]] = [("no kNN", None), ("kNN faiss-ivf", "faiss-ivf")]
    if options.exact:
        settings.append(("kNN exact", "torch"))
    for slots in options.slots:
        for name, searcher in settings:
            retriever = None
            if searcher is not None:
                retriever = Retriever(
                    store, replace(preset, searcher=searcher), device=loaded.device
                )
                assert retriever.search_choice is not None
                print(retriever.search_choice.line)
            label = f"{slots} slots, {name}"
            done, spent = complete(loaded, requests, slots, retriever)
            note(label, sum(each.completion_tokens for each in done), spent)
            texts[label] = {each.id: each.text for each in done}
            if options.json:
                options.json.write_text(json.dumps({"figures": figures, "texts": texts}, indent=1))


def complete(
    loaded: LoadedModel, requests: list[Request], slots: int, retriever: Retriever | None
) -> tuple[list[Completion], float]:
    """Completions by slots, and the seconds that they took."""
    engine = open_engine(loaded, GenerationOptions(512, slots), retriever)
    started = time.perf_counter()
    return engine.complete(requests), time.perf_counter() - started


def generate(loaded: LoadedModel, requests: list[Request], size: int) -> tuple[float, int]:
    """Seconds and tokens, up to each end, of `generate` in batches padded on the left."""
    started, tokens = time.perf_counter(), 0
    for start in range(0, len(requests), size):
        batch = requests[start : start + size]
        prompts = [encode_prompt(loaded.tokenizer, request.prompt) for request in batch]
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        output = loaded.model.generate(
            ids, attention_mask=mask, max_new_tokens=512, do_sample=False, pad_token_id=0
        )
        written = output[:, width:]
        tokens += int((written != 0).sum())
    return time.perf_counter() - started, tokens


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sample", type=int, default=8)
    parser.add_argument("--batches", type=int, nargs="*", default=[1, 8, 16])
    parser.add_argument("--slots", type=int, nargs="*", default=[32, 16])
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
