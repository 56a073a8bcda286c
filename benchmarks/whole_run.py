"""A whole `pytest bench` against the engine alone, on the embedded model: what the harness costs.

    python -m benchmarks.whole_run --rounds 3

Each round runs `pytest bench --fresh` as `tox run -e bench` does, from the command line to its end
(without the pytest plugins of libraries for tests of one's own), and a process that decodes the
same problems by the same engine and times nothing else (`--part`, an engine that is loaded and
compiled); the order turns by round. Rates are tokens per second of wall time; the ratio is the
median of those within a round.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.decode_embedded import ROOT, complete
from knm.bench import make_options, prepare_run
from knm.models import load_model

_SLOTS = 32
_WITHOUT = ("-p", "no:hypothesispytest", "-p", "no:anyio")


def main() -> None:
    """Run the rounds and print a line of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="of both")
    parser.add_argument("--limit", type=int, help="only the first N problems")
    parser.add_argument("--part", action="store_true", help="the engine alone, in this process")
    options = parser.parse_args()
    if options.part:
        print(json.dumps(alone(options.limit)))
        return
    rates: dict[str, list[float]] = {"whole": [], "alone": []}
    for number in range(options.rounds):
        for name in sorted(rates, reverse=number % 2 == 0):
            tokens, seconds = RUNS[name](options.limit)
            rates[name].append(tokens / seconds)
            speed = f"{tokens / seconds:7.1f} /s"
            print(f"{name:6} {tokens:7} tokens {seconds:7.1f} s {speed}", flush=True)
    ratios = [whole / alone for whole, alone in zip(rates["whole"], rates["alone"], strict=True)]
    middle = statistics.median(ratios)
    print(f"whole / alone {middle:.2f} (of {min(ratios):.2f} to {max(ratios):.2f})")


def alone(limit: int | None) -> tuple[int, float]:
    """Tokens, and seconds of decoding them, by an engine that has decoded before."""
    run = prepare_run(make_options({}), ROOT)
    requests = [run.requests(problem)[0] for problem in run.problem_set.problems][:limit]
    loaded = load_model(device="cpu")
    complete(loaded, requests[:_SLOTS], _SLOTS, None)
    done, seconds = complete(loaded, requests, _SLOTS, None)
    return sum(each.completion_tokens for each in done), seconds


def run_alone(limit: int | None) -> tuple[int, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.whole_run", "--part"]
    command += [] if limit is None else ["--limit", str(limit)]
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    tokens, seconds = json.loads(answer.stdout.splitlines()[-1])
    return tokens, seconds


def run_whole(limit: int | None) -> tuple[int, float]:
    """Tokens of the report of `pytest bench`, and the seconds of the whole command."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        command = [sys.executable, "-m", "pytest", "bench", "-q", "--fresh", "--device", "cpu"]
        command += ["--batch-size", str(_SLOTS), "--results", str(report), *_WITHOUT]
        command += [] if limit is None else ["--limit", str(limit)]
        environment = os.environ | {"KNM_CACHE_DIR": directory}
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=False, capture_output=True, env=environment)
        seconds = time.perf_counter() - started
        return json.loads(report.read_text())["knm"]["totals"]["completion_tokens"], seconds


RUNS = {"whole": run_whole, "alone": run_alone}

if __name__ == "__main__":
    main()
