"""How long `knm diff` takes on two reports of 499 problems, start-up included.

    python -m benchmarks.reports [--problems N] [--samples N] [--repeats N]

Writes two synthetic reports into a temporary directory, one of them with kNN and as many changes
per problem as a report keeps, and runs the command as a user does.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from knm.jsonio import write_text
from knm.records import Completion, Interventions, Neighbour, TokenChange
from knm.report import ProblemResult, RunHeader, Sample, judged_test, validate_document
from knm.sandbox import Judgement, Verdict

CHANGES = 64
NEIGHBOURS = 4
LINES = 40
FAILURES = (Verdict.WRONG_OUTPUT, Verdict.SYNTAX_ERROR, Verdict.RUNTIME_ERROR, Verdict.TIMEOUT)


def synthetic_sample(draw: random.Random, name: str, *, knn: bool) -> Sample:
    """A sample of the usual size; a third passes."""
    program = "\n".join(
        f"local value_{line} = tonumber(io.read('*n')) + {draw.randrange(1000)}"
        for line in range(LINES)
    )
    accepted = draw.random() < 1 / 3
    verdict = Verdict.ACCEPTED if accepted else draw.choice(FAILURES)
    changes = tuple(
        TokenChange(
            8 * place,
            None,
            " tonumber",
            " io",
            tuple(
                Neighbour(
                    " io",
                    draw.uniform(1, 900),
                    f"train-{draw.randrange(2000):05}",
                    draw.randrange(400),
                )
                for _ in range(NEIGHBOURS)
            ),
        )
        for place in range(CHANGES)
    )
    completion = Completion(
        id=name,
        text=f"```lua\n{program}\n```",
        finish_reason="stop",
        prompt_tokens=400,
        completion_tokens=512,
        seconds=1.5,
        interventions=Interventions(512, 512, 90, (), changes) if knn else None,
    )
    judgement = Judgement(
        verdict,
        error_class="index-nil" if verdict is Verdict.RUNTIME_ERROR else None,
        message="" if accepted else "main.lua:7: attempt to index a nil value",
        failing_test=None if accepted else 3,
        tests_passed=12 if accepted else 3,
        tests_total=12,
        lenient_accepted=accepted,
    )
    return Sample(completion, program, judgement, judge_seconds=0.1)


def write_synthetic_report(
    path: Path, problems: int, samples: int, *, knn: bool, seed: int
) -> None:
    """A valid report, indented as pytest-json-report does it."""

    draw = random.Random(seed)
    results = [
        ProblemResult(name, tuple(synthetic_sample(draw, name, knn=knn) for _ in range(samples)))
        for name in (f"problem_{number:04}" for number in range(problems))
    ]
    header = RunHeader(
        configuration={
            "model": "synthetic",
            "language": "lua",
            "limits": {},
            "max_new_tokens": 512,
            "knn": {"preset": "dense"} if knn else None,
        },
        hashes={"problem_set": "1" * 64, "prompt": "2" * 64},
        environment={},
        selected=problems,
        created=0.0,
    )
    document = {
        "created": 0.0,
        "duration": 1.0,
        "exitcode": 1,
        "summary": {"total": problems},
        "tests": [judged_test(result, result.judgement.message) for result in results],
        "knm": header.section(results),
    }
    assert not list(validate_document(document))
    write_text(path, json.dumps(document, indent=1))


def time_command(command: list[str]) -> tuple[float, float]:
    """Seconds by the clock, and of CPU time (what counts where others use the machine too)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the sizes of the reports and the times of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=499)
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        paths = [Path(directory) / name for name in ("base.json", "knn.json")]
        for seed, path in enumerate(paths):
            write_synthetic_report(
                path, options.problems, options.samples, knn=bool(seed), seed=seed
            )
            print(f"{path.name}: {options.problems} problems, {path.stat().st_size / 1e6:.1f} MB")
        for view in ([], ["--flips", "full"], ["--markdown"], ["--json"]):
            command = [sys.executable, "-m", "knm.cli", "diff", *map(str, paths), *view]
            wall, cpu = zip(*(time_command(command) for _ in range(options.repeats)), strict=True)
            label = " ".join(["knm diff", *view])
            print(
                f"{label:<22}  wall: {statistics.median(wall):.2f} s, at best {min(wall):.2f} s;"
                f" CPU: median {statistics.median(cpu):.2f} s"
            )


if __name__ == "__main__":
    main()
