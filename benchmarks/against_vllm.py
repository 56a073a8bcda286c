"""Our engine and vLLM on the embedded bench's prompts, on a CPU: one run, in turns.

    python -m benchmarks.against_vllm --vllm ENVIRONMENT/bin/python --rounds 3

Each engine is a process of its own that loads, decodes a few prompts to warm up and then all of
them whenever it is its turn: greedy, float32, as many at a time and up to as many tokens as a run
of the bench. vLLM runs as it does by itself (compiled, with its cache of prefixes), or with
`--eager` without the first, which takes minutes on a slow machine. Beside the seconds stand those
of all processor cores together, which other load on the machine changes less. Completions are
compared token by token. The environment is one with vLLM; this project need not be installed there.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
_WARM_UP: Final = 4  # prompts
_LENGTH: Final = 512
_SLOTS: Final = 32

Write = Callable[[list[list[int]]], list[list[int]]]


def main() -> None:
    """Measure, or be one of the engines."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--vllm", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int, help="only the first problems")
    parser.add_argument("--eager", action="store_true", help="vLLM without compiling the model")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path)
    parser.add_argument("--engine", choices=list(_ENGINES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        serve(options.engine, eager=options.eager)
        return
    with ExitStack() as stack:
        ours = stack.enter_context(Child("ours", sys.executable, options))
        vllm = stack.enter_context(Child("vllm", options.vllm, options))
        task = ours.ask({"limit": options.limit})
        for child in (ours, vllm):
            child.ask({**task, "prompts": task["prompts"][:_WARM_UP]})
        rounds = [{"ours": ours.ask(task), "vllm": vllm.ask(task)} for _ in range(options.rounds)]
    report(rounds)
    if options.json:
        options.json.write_text(json.dumps(rounds), encoding="utf-8")


def report(rounds: list[dict[str, Any]]) -> None:
    """Print rates, their ratio, and how many completions are equal."""
    for turn in rounds:
        for name, one in turn.items():
            tokens = sum(map(len, one["tokens"]))
            print(
                f"{name:5} {tokens:7} tokens {one['seconds']:7.1f} s {tokens / one['seconds']:7.0f}"
                f" tokens/s, {one['processor_seconds']:7.1f} s of the cores"
            )
    for measure in ("seconds", "processor_seconds"):
        ratios = [_rate(turn["ours"], measure) / _rate(turn["vllm"], measure) for turn in rounds]
        told = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"ours / vLLM, tokens by {measure}: median {statistics.median(ratios):.2f} ({told})")
    pairs = list(zip(rounds[0]["ours"]["tokens"], rounds[0]["vllm"]["tokens"], strict=True))
    print(f"{sum(one == other for one, other in pairs)} of {len(pairs)} completions are equal")


def _rate(one: dict[str, Any], measure: str) -> float:
    return sum(map(len, one["tokens"])) / float(one[measure])


class Child:
    """An engine in a process of its own, which does nothing until it is asked."""

    def __init__(self, name: str, python: str, options: Any) -> None:
        command = [python, "-m", "benchmarks.against_vllm", "--engine", name]
        self._process = subprocess.Popen(
            [*command, *(["--eager"] if options.eager else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "OMP_NUM_THREADS": str(options.threads),
                "OMP_WAIT_POLICY": "PASSIVE",  # the other one's cores are not to be burnt
            },
        )

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def ask(self, task: dict[str, Any]) -> dict[str, Any]:
        """Its answer, which is the last thing that it writes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith('{"'):
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise SystemExit(f"{self._process.args!r} ended without an answer")


def serve(name: str, *, eager: bool) -> None:
    """Answer tasks on standard input: what the prompts are, or what follows them."""
    write: Write | None = None
    for line in sys.stdin:
        task = json.loads(line)
        if "prompts" not in task:
            print(json.dumps(bench_prompts(task["limit"])), flush=True)
            continue
        write = write or _ENGINES[name](task["ends"], eager)
        started, used = time.perf_counter(), processor_seconds()
        tokens = write(task["prompts"])
        measured = {
            "seconds": time.perf_counter() - started,
            "processor_seconds": processor_seconds() - used,
            "tokens": tokens,
        }
        print(json.dumps(measured), flush=True)


def processor_seconds() -> float:
    """What this process and the children that ended have used of all cores."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def bench_prompts(limit: int | None) -> dict[str, Any]:
    """Token ids of the prompts, and the tokens that end a completion."""
    from knm.bench import make_options, prepare_run
    from knm.engine.requests import encode_request
    from knm.engine.stopping import end_tokens
    from knm.models import load_model

    loaded = load_model("embedded", dtype="float32", device="cpu")
    run = prepare_run(make_options({"limit": limit}), ROOT)
    requests = [run.requests(problem)[0] for problem in run.problem_set]
    prompts = [encode_request(loaded.tokenizer, request) for request in requests]
    return {"prompts": prompts, "ends": sorted(end_tokens(loaded))}


def open_vllm(ends: list[int], eager: bool) -> Write:
    """vLLM in this process."""
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    os.environ["VLLM_PLUGINS"] = ""
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    from vllm import LLM, SamplingParams

    from knm.packaged import EMBEDDED_MODEL

    engine = LLM(
        model=str(EMBEDDED_MODEL),
        dtype="float32",
        max_model_len=2048,
        max_num_seqs=_SLOTS,
        enforce_eager=eager,
        kv_cache_memory_bytes=1 << 30,
        disable_log_stats=True,
    )
    how = SamplingParams(temperature=0, max_tokens=_LENGTH, stop_token_ids=ends)

    def write(prompts: list[list[int]]) -> list[list[int]]:
        engine.reset_prefix_cache()  # of the round before
        asked: Any = [{"prompt_token_ids": prompt} for prompt in prompts]
        outputs = engine.generate(asked, how, use_tqdm=False)
        return [list(output.outputs[0].token_ids) for output in outputs]

    return write


def open_ours(ends: list[int], eager: bool) -> Write:  # noqa: ARG001
    """Our engine in this process."""
    from knm.engine import GenerationOptions, open_engine
    from knm.models import load_model
    from knm.records import Request

    loaded = load_model("embedded", dtype="float32", device="cpu")
    engine = open_engine(loaded, GenerationOptions(_LENGTH, _SLOTS))

    def write(prompts: list[list[int]]) -> list[list[int]]:
        # The engine reads text; vLLM is given the ids of that text.
        requests = [
            Request(str(number), loaded.tokenizer.decode(prompt), chat=False)
            for number, prompt in enumerate(prompts)
        ]
        return [list(done.tokens) for done in engine.complete(requests)]

    return write


_ENGINES: Final = {"ours": open_ours, "vllm": open_vllm}


if __name__ == "__main__":
    main()
