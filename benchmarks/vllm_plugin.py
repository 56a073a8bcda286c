"""vLLM with and without the datastore behind its head, against our engine: one run, one table.

    python -m benchmarks.vllm_plugin --datastore DIR [--limit 20] [--preset trusted]

The embedded bench, greedy; every engine is a process of its own, the model in float32 on the CPU.
Rates are of decoding, prefill included and loading left out. Completions that differ between vLLM
and our engine are counted, and of those the ones that part where vLLM gives its two likeliest
tokens logarithms of probabilities within `TIE`. Needs vLLM: `tox run -e vllm --notest` makes an
environment.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from knm.packaged import EMBEDDED_MODEL

TIE: Final = 1e-3
LENGTH: Final = 512


@dataclass(frozen=True)
class Written:
    """What an engine wrote: tokens per prompt, and, if asked for, how near the second came.

    `gaps` are differences of log-probabilities of the two likeliest tokens at each step.
    """

    seconds: float
    tokens: list[list[int]]
    gaps: list[list[float]] | None = None

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return sum(map(len, self.tokens)) / self.seconds


@dataclass(frozen=True)
class Task:
    """What a child is asked: `length` tokens at most after each prompt, of ids, ended by `ends`.

    `ranks` of vLLM share the `model`, a directory; `gaps` are wanted too.
    """

    prompts: list[list[int]]
    ends: list[int]
    length: int = LENGTH
    gaps: bool = False
    ranks: int = 1
    model: str = str(EMBEDDED_MODEL)


def main() -> None:
    """Measure, or be one of the engines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datastore", required=True)
    parser.add_argument("--preset", default="trusted")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--child", choices=list(CHILDREN))
    options = parser.parse_args()
    if options.child:
        print(json.dumps(asdict(CHILDREN[options.child](Task(**json.load(sys.stdin))))))
        return
    task = Task(bench_prompts(options.limit), end_ids())
    corrected = {"KNM_DATASTORE": options.datastore, "KNM_PRESET": options.preset}
    print(
        f"{len(task.prompts)} prompts, preset {options.preset}, {os.cpu_count()} cores", flush=True
    )
    runs = {}
    for name, engine, environment in (
        ("vLLM", "vllm", {}),
        ("vLLM, weight 0", "vllm", {**corrected, "KNM_KNN_LAMBDA": "0"}),
        ("vLLM, corrected", "vllm", corrected),
        ("ours", "ours", {}),
        ("ours, corrected", "ours", corrected),
    ):
        run = runs[name] = run_child(engine, task, environment)
        total = sum(map(len, run.tokens))
        print(f"{name:16} {run.rate:8.0f} tokens/s {total:8} tokens", flush=True)
    plain = runs["vLLM"]
    print(f"corrected / plain: {runs['vLLM, corrected'].rate / plain.rate:.2f}")
    print(f"weight 0 as plain: {compare(plain, runs['vLLM, weight 0'])}")
    for name in ("", ", corrected"):
        environment = corrected if name else {}
        told = compare(runs[f"ours{name}"], runs[f"vLLM{name}"], task, environment)
        print(f"vLLM{name} as ours: {told}")


def bench_prompts(limit: int | None) -> list[list[int]]:
    """Token ids of the embedded bench's prompts."""
    from knm.engine.requests import encode_request
    from knm.judging.requests import problem_request
    from knm.models.loading import read_tokenizer
    from knm.problems import load_problems, load_template

    tokenizer = read_tokenizer("embedded")
    template = load_template("task")
    problems = load_problems("embedded").problems[:limit]
    return [
        encode_request(tokenizer, problem_request(problem, template, "lua")) for problem in problems
    ]


def end_ids() -> list[int]:
    """The tokens that end a completion of our engine."""
    from knm.engine.stopping import end_tokens
    from knm.models import load_model

    return sorted(end_tokens(load_model("embedded", dtype="float32", device="cpu")))


def run_child(engine: str, task: Task, environment: Mapping[str, str]) -> Written:
    """Let an engine write in a process of its own.

    Raises:
        CalledProcessError: it failed, and said why on standard error.
    """
    command = [sys.executable, "-m", "benchmarks.vllm_plugin", "--datastore", "-"]
    done = subprocess.run(
        [*command, "--child", engine],
        input=json.dumps(asdict(task)),
        env={**without_settings(os.environ), **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Written(**json.loads(done.stdout.splitlines()[-1]))


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment that asks for no datastore."""
    return {name: text for name, text in environment.items() if not name.startswith("KNM_")}


def write_with_vllm(task: Task) -> Written:
    """Greedy completions of vLLM in this process."""
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    from vllm import LLM, SamplingParams

    engine = LLM(
        model=task.model,
        dtype="float32",
        max_model_len=2048,
        max_num_seqs=32,
        enforce_eager=True,
        tensor_parallel_size=task.ranks,
        kv_cache_memory_bytes=1 << 29,
        enable_prefix_caching=False,
        disable_log_stats=True,
    )
    how = SamplingParams(
        temperature=0,
        max_tokens=task.length,
        stop_token_ids=task.ends,
        logprobs=2 if task.gaps else None,
    )
    asked: Any = [{"prompt_token_ids": prompt} for prompt in task.prompts]
    engine.generate(asked[:1], how, use_tqdm=False)
    begun = time.perf_counter()
    outputs = engine.generate(asked, how, use_tqdm=False)
    seconds = time.perf_counter() - begun
    first = [output.outputs[0] for output in outputs]
    return Written(
        seconds,
        [list(one.token_ids) for one in first],
        [[_gap(step) for step in one.logprobs] for one in first] if task.gaps else None,
    )


def _gap(step: Mapping[int, Any]) -> float:
    best, second, *_ = sorted((entry.logprob for entry in step.values()), reverse=True)
    return float(best - second)


def write_with_ours(task: Task) -> Written:
    """Greedy completions of our engine in this process."""
    from knm.datastore import Datastore
    from knm.engine import GenerationOptions, open_engine
    from knm.models import load_model
    from knm.records import Request
    from knm.retrieval import Retriever

    loaded = load_model(task.model, dtype="float32", device="cpu")
    retriever = None
    if "KNM_DATASTORE" in os.environ:
        store = Datastore.open(os.environ["KNM_DATASTORE"], expect=loaded.identity)
        retriever = Retriever(store, os.environ["KNM_PRESET"], device="cpu")
    engine = open_engine(loaded, GenerationOptions(task.length), retriever)
    # The engine reads a prompt's text; its ids, which are the same, are what vLLM is given.
    requests = [
        Request(str(number), loaded.tokenizer.decode(prompt), chat=False)
        for number, prompt in enumerate(task.prompts)
    ]
    engine.complete(requests[:1])
    begun = time.perf_counter()
    done = engine.complete(requests)
    return Written(time.perf_counter() - begun, [list(one.tokens) for one in done])


CHILDREN: Final = {"vllm": write_with_vllm, "ours": write_with_ours}


@dataclass(frozen=True)
class Agreement:
    """Of so many `completions`, how many are `equal`, and how many of the others part at a tie."""

    completions: int
    equal: int
    ties: int

    def __str__(self) -> str:
        different = self.completions - self.equal
        return f"{self.equal} of {self.completions} equal; of {different} others {self.ties} ties"


def compare(
    first: Written,
    second: Written,
    task: Task | None = None,
    environment: Mapping[str, str] | None = None,
) -> Agreement:
    """Count; where texts differ, vLLM in `environment` is asked how near two tokens were.

    Without a task nothing is asked, and no tie is known.
    """
    pairs = list(zip(first.tokens, second.tokens, strict=True))
    differing = [number for number, (one, other) in enumerate(pairs) if one != other]
    ties = 0
    if differing and task is not None:
        asked = [task.prompts[number] for number in differing]
        again = run_child("vllm", replace(task, prompts=asked, gaps=True), environment or {})
        assert again.gaps is not None
        for number, gaps in zip(differing, again.gaps, strict=True):
            place = parting(*pairs[number])
            ties += place < len(gaps) and gaps[place] < TIE
    return Agreement(len(pairs), len(pairs) - len(differing), ties)


def parting(one: Sequence[int], other: Sequence[int]) -> int:
    """The first place at which two texts differ."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


if __name__ == "__main__":
    main()
