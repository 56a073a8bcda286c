"""Mining against the bare forward pass of the trunk on the same batches, and its peak memory.

    python -m benchmarks.mining --device cpu --threads 1 --json mining-cpu.json
    python -m benchmarks.mining --device cuda --directory /dev/shm --json mining-cuda.json
    python -m benchmarks.mining --memory 4096 16384 65536

Trunk and mining take turns, in one process. On a CPU the embedded model mines the packaged corpus,
encoding included; on a GPU a random model of the shape mines random chats, half of whose tokens are
targets. All positions are stored: the most that mining can have to do. A disk that cannot take what
is mined (100-300 MB/s there) slows it down: `--directory` says where the entries go.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from benchmarks.synthetic import SHAPES, random_model
from knm.corpora import load_corpus, save_corpus
from knm.datastore import CorpusExamples, ExampleSource, MiningOptions, mine
from knm.datastore.examples import Batch, ListedExamples, cut_batches
from knm.datastore.mining import fill, fresh_manifest
from knm.datastore.mining_options import batch_tokens_on
from knm.datastore.writer import open_writer
from knm.models import (
    ChatEncoding,
    EncodedExample,
    LoadedModel,
    ModelIdentity,
    RawEncoding,
    load_model,
)
from knm.models.transfers import device_copy
from knm.packaged import EMBEDDED_CORPUS
from knm.problems import load_template

_MEBIBYTE = 1 << 20


def main() -> None:
    """Run what was asked for."""
    options = parse()
    if options.memory_of is not None:
        print(json.dumps(measure_memory(options.memory_of)))
        return
    if options.memory:
        figures: Any = [ask_memory(records) for records in options.memory]
    else:
        torch.set_num_threads(options.threads)
        figures = measure_speed(options)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


# 1. Speed


def measure_speed(options: argparse.Namespace) -> dict[str, Any]:
    """Tokens per second of trunk and mining, round by round."""
    loaded, source = setting(options)
    mining = MiningOptions(options.positions, options.batch_tokens, key_kind=options.key_kind)
    batches = [
        batch for window in source.windows(0) for batch in cut_batches(window, options.batch_tokens)
    ]
    tokens = sum(batch.tokens for batch in batches)
    run_trunk(loaded, batches[:2])  # compiles, chooses kernels, fills allocators
    run_mining(loaded, few(source), mining, options.directory)
    rounds = []
    for number in range(options.rounds):
        trunk = tokens / run_trunk(loaded, batches)
        seconds, entries = run_mining(loaded, source, mining, options.directory)
        rounds.append({"trunk": trunk, "mining": tokens / seconds, "entries": entries})
        ratio = tokens / seconds / trunk
        print(
            f"round {number}: trunk {trunk:9,.0f} tokens/s, mining {tokens / seconds:9,.0f}, "
            f"ratio {ratio:.3f}, {entries:,} entries",
            flush=True,
        )
    ratio = statistics.median(each["mining"] / each["trunk"] for each in rounds)
    device = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    print(f"{device}, {tokens:,} tokens in {len(batches)} batches: median ratio {ratio:.3f}")
    return {
        "device": device,
        "model": loaded.identity.name,
        "tokens": tokens,
        "options": {"positions": options.positions, "batch_tokens": options.batch_tokens},
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "rounds": rounds,
        "median_ratio": ratio,
    }


def setting(options: argparse.Namespace) -> tuple[LoadedModel, ExampleSource]:
    """Model and examples for the device."""
    if options.device == "cuda":
        loaded = random_model(options.shape, "cuda")
        examples = random_chats(options.tokens, loaded.identity.vocab_size)
        return loaded, ListedExamples(examples, "random")
    loaded = load_model(device="cpu")
    path = EMBEDDED_CORPUS / "train.jsonl"
    encoding = ChatEncoding(load_template("task"))
    return loaded, CorpusExamples(path, loaded.tokenizer, encoding, options.records)


def random_chats(tokens: int, vocabulary: int, seed: int = 0) -> list[EncodedExample]:
    """Prompts and answers of 100 to 500 tokens each, `tokens` in all."""
    draw = np.random.default_rng(seed)
    made: list[EncodedExample] = []
    while tokens > 0:
        prompt, answer = draw.integers(100, 500, 2).tolist()
        ids = tuple(draw.integers(2, vocabulary, prompt + answer).tolist())
        made.append(EncodedExample(f"chat-{len(made)}", ids, prompt))
        tokens -= len(ids)
    return made


def few(source: ExampleSource) -> ExampleSource:
    """Some of a source's first window, to warm up with."""
    window = next(source.windows(0))
    return ListedExamples(window.examples[: max(8, len(window.examples) // 16)], "few")


@torch.inference_mode()
def run_trunk(loaded: LoadedModel, batches: Sequence[Batch]) -> float:
    """Seconds of the forward pass alone."""
    trunk = loaded.model.get_decoder()
    synchronize(loaded)
    started = time.perf_counter()
    for batch in batches:
        ids = np.zeros((len(batch.examples), len(batch.examples[0].ids)), dtype=np.int64)
        for row, example in enumerate(batch.examples):
            ids[row, : len(example.ids)] = example.ids
        trunk(input_ids=device_copy(ids, loaded.device), use_cache=False)
    synchronize(loaded)
    return time.perf_counter() - started


def run_mining(
    loaded: LoadedModel, source: ExampleSource, options: MiningOptions, parent: Path | None
) -> tuple[float, int]:
    """Seconds until all entries are on the disk, and their number; nothing is calibrated."""
    with tempfile.TemporaryDirectory(dir=parent) as directory:
        fresh = fresh_manifest(loaded, source, options)
        with open_writer(Path(directory), fresh, source.origins()) as writer:
            assert writer is not None
            synchronize(loaded)
            started = time.perf_counter()
            fill(writer, loaded, source, options)
            return time.perf_counter() - started, writer.manifest.count


def synchronize(loaded: LoadedModel) -> None:
    if loaded.device.type == "cuda":
        torch.cuda.synchronize()


# 2. Memory


def ask_memory(records: int) -> dict[str, Any]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.mining", "--memory-of", str(records)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(run.stdout)
    grown = figures["peak_own_mib"] - figures["before_own_mib"]
    print(
        f"{records:8,} records, {figures['tokens']:11,} tokens: own memory grew by {grown:6,.0f} "
        f"to {figures['peak_own_mib']:6,.0f} MiB, {figures['peak_resident_mib']:6,.0f} with mapped "
        f"files; datastore {figures['datastore_mib']:6,.0f} MiB",
        flush=True,
    )
    return figures


def measure_memory(records: int) -> dict[str, Any]:
    """Mine a corpus of `records` with a tiny random model; peaks of this process."""
    torch.set_num_threads(1)
    loaded = small_model()
    with tempfile.TemporaryDirectory() as directory:
        corpus, out = Path(directory) / "corpus.jsonl", Path(directory) / "store"
        write_corpus(corpus, records)
        before = own_memory()
        watch = PeakWatch()
        source = CorpusExamples(corpus, loaded.tokenizer, RawEncoding(256, 128))
        store = mine(loaded, source, out, MiningOptions(batch_tokens=8192))
        peak = watch.stop()
        size = sum(path.stat().st_size for path in out.iterdir())
        seen = store.manifest.statistics
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "records": records,
        "tokens": 0 if seen is None else seen.tokens,
        "before_own_mib": before / _MEBIBYTE,
        "peak_own_mib": peak / _MEBIBYTE,
        "peak_resident_mib": resident / _MEBIBYTE,
        "datastore_mib": size / _MEBIBYTE,
    }


def small_model() -> LoadedModel:
    """The embedded tokenizer and one random layer: the corpus is what takes memory."""
    embedded = load_model(device="cpu")
    config = Qwen3Config(
        vocab_size=embedded.identity.vocab_size,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        head_dim=32,
        intermediate_size=64,
    )
    identity = ModelIdentity("small", "random", "embedded", "float32", 32, config.vocab_size)
    return LoadedModel(Qwen3ForCausalLM(config).eval(), embedded.tokenizer, identity)


def write_corpus(path: Path, records: int) -> None:
    """The packaged corpus over and over, under new ids."""
    packaged = load_corpus(EMBEDDED_CORPUS / "train.jsonl")

    def copies() -> Iterator[Any]:
        for number in range(records):
            yield replace(packaged[number % len(packaged)], id=f"copy-{number}")

    save_corpus(path, copies())


class PeakWatch:
    """Looks at this process's own memory twenty times a second."""

    def __init__(self) -> None:
        self._peak, self._done = own_memory(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """The highest that was seen, in bytes."""
        self._done.set()
        self._thread.join()
        return self._peak

    def _run(self) -> None:
        while not self._done.wait(0.05):
            self._peak = max(self._peak, own_memory())


def own_memory() -> int:
    """Bytes that no file backs: what the system cannot take back."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no RssAnon in /proc/self/status: measure on Linux")


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--shape", choices=list(SHAPES), default="qwen3-4b", help="on a GPU")
    parser.add_argument("--tokens", type=int, default=400_000, help="on a GPU")
    parser.add_argument("--records", type=int, default=150, help="on a CPU")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--batch-tokens", type=int)
    parser.add_argument("--positions", default="all")
    parser.add_argument("--key-kind", default="final-norm")
    parser.add_argument("--directory", type=Path, help="where entries are written (default: /tmp)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs="+", metavar="RECORDS")
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.batch_tokens is None:
        options.batch_tokens = batch_tokens_on(options.device)
    return options


if __name__ == "__main__":
    main()
