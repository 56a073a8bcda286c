"""A problem set as large as the original one: how much time and memory it takes to load and judge.

    python -m benchmarks.large_set [--problems 499] [--mebibytes 16] [--workers 2] [--samples 1]

The set is made in a temporary directory (`TMPDIR`), in the encoding of the original data set, and
removed at the end; 499 problems of 16 MiB are 8 GB of tests in a file of 3.2 GB. A few different
bodies of tests are made and go round: what is done with each problem does not depend on the others.
Each figure is of a process of its own. Memory is what the largest process of a step held at most,
the files that it reads not included.
"""

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from knm.jsonio import dumps, write_jsonl
from knm.problems import encode_private_tests
from knm.progress import progress_bar
from knm.testcases import TestCase

TESTS = 16
BODIES = 4
SPARE_BYTES = 2 << 30
# Reads all of its input, as a solution does, and costs little beside.
COLLECT = ("pytest", "bench", "--collect-only", "-qq")
REFERENCE = 'print(#io.read("*a"))'


@dataclass(frozen=True)
class Step:
    """What one process took: seconds on the wall and of CPU, and memory in MiB."""

    name: str
    seconds: float
    cpu_seconds: float
    mebibytes: float


def make_set(path: Path, problems: int, mebibytes: int) -> None:
    """Write a problem set in which each problem has tests of `mebibytes`."""
    bodies = [make_tests(random.Random(seed), mebibytes << 20) for seed in range(BODIES)]
    with path.open("w", encoding="utf-8") as file:
        for number in progress_bar(range(problems), label="writing", unit="problem"):
            # By hand: a JSON writer would look through all of the encoded text, again and again.
            head = dumps({"question_id": f"large-{number}", "question_content": "Count bytes."})
            file.write(f'{head[:-1]}, "private_test_cases": "{bodies[number % BODIES]}"}}\n')


def make_tests(generator: random.Random, size: int) -> str:
    """Encoded tests whose inputs are `size` bytes together: numbers, and grids."""
    lines = [" ".join(map(str, generator.choices(range(10**5), k=170))) for _ in range(600)]
    tests = []
    for index in range(TESTS):
        # Every third is of few lines that come again and again, as grids have them.
        few = lines[:8] if index % 3 == 0 else lines
        length = size // TESTS // 1000
        text = "\n".join(generator.choices(few, k=length)) + "\n"
        tests.append(TestCase(text, f"{len(text)}\n"))
    return encode_private_tests(tests)


def measure(name: str, command: Sequence[str]) -> Step:
    """What a command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    # In a process between, whose children are this command's alone.
    script = (
        "import json, resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr)\n"
        "print(json.dumps(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command], check=True, stdout=subprocess.PIPE
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Step(name, time.perf_counter() - started, cpu, json.loads(done.stdout) / 1024)


def main() -> None:
    """Make the set, measure, print, remove it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--problems", type=int, default=499)
    parser.add_argument("--mebibytes", type=int, default=16, help="of tests of one problem")
    parser.add_argument("--workers", type=int, default=2, help="that judge")
    parser.add_argument("--samples", type=int, default=1, help="programs of each problem")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    needed = options.problems * options.mebibytes << 19
    if shutil.disk_usage(tempfile.gettempdir()).free < needed + SPARE_BYTES:
        sys.exit(f"{tempfile.gettempdir()}: less than {needed:,} bytes to spare; set TMPDIR")
    with tempfile.TemporaryDirectory(prefix="knm-large-") as folder:
        path, programs = Path(folder, "large.jsonl"), Path(folder, "programs.jsonl")
        make_set(path, options.problems, options.mebibytes)
        write_jsonl(
            programs,
            [
                {"question_id": f"large-{number}", "solution": REFERENCE, "reasoning": ""}
                for number in range(options.problems)
                for _ in range(options.samples)
            ],
        )
        steps = [
            measure(name, [sys.executable, "-m", *command])
            for name, command in (
                ("collect the embedded set", COLLECT),
                ("collect", (*COLLECT, f"--problems={path}")),
                (
                    "judge",
                    (
                        *("knm.cli", "judge", f"--completions={programs}", f"--problems={path}"),
                        *(f"--out={folder}/report.json", f"--workers={options.workers}"),
                    ),
                ),
            )
        ]
        size = path.stat().st_size
        report = json.loads(Path(folder, "report.json").read_text())
    accepted = report["knm"]["totals"]["passed"]
    assert accepted == options.problems, f"only {accepted} of the references were accepted"
    if options.json:
        print(dumps({"file_bytes": size, "steps": [asdict(step) for step in steps]}, pretty=True))
        return
    decoded = options.problems * options.mebibytes / 1024
    print(f"{options.problems} problems, {decoded:.1f} GiB of tests in {size / 1e9:.2f} GB\n")
    print("| step | s | CPU s | peak MiB |\n|---|---|---|---|")
    for step in steps:
        print(
            f"| {step.name} | {step.seconds:.1f} | {step.cpu_seconds:.1f} | {step.mebibytes:.0f} |"
        )


if __name__ == "__main__":
    main()
