"""Small runs for a page: one of each outcome, and text that tries to break out of its place."""

import base64
import json
import random
import re
import zlib
from pathlib import Path
from typing import Any

from knm.report import ProblemResult, Report, judged_test, load_report
from knm.report.page import Asked, Bench, join_runs
from knm.sandbox import Verdict
from tests.report.builders import header, of_samples, result, write_report

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\u2028&quot;"

BASE_PROGRAM = 'local n = tonumber(io.read("*l"))\nlocal total = 0\nprint(total)'
BASE_TEXT = f"```lua\n{BASE_PROGRAM}\n```"
KNN_PROGRAM = 'local n = io.read("*n")\nlocal total = n\nprint(total)'
KNN_TEXT = f"```lua\n{KNN_PROGRAM}\n```"

CHANGES: list[dict[str, Any]] = [
    {
        "position": 7,
        "start": KNN_TEXT.index(" io"),
        "lm_token": " tonumber",
        "token": " io",
        "neighbours": [
            {"token": " io", "distance": 1.25, "record": "train-1", "offset": 12},
            {"token": " tonumber", "distance": 2.5, "record": "train-2", "offset": 3},
        ],
    },
    {
        "position": 18,
        "start": KNN_TEXT.index(" n\n"),
        "lm_token": " 0",
        "token": " n",
        "neighbours": [],
    },
]
WEIGHTS = [0, 0, 0, 0, 0, 0, 0, 20, 0, 0]
KNN = {
    "steps": 24,
    "searched": 20,
    "argmax_changes": 2,
    "weights": WEIGHTS,
    "changes": CHANGES,
}


def baseline_results() -> list[ProblemResult]:
    """A run of the LM alone."""
    return [
        result("gained_1", Verdict.WRONG_OUTPUT, program=BASE_PROGRAM, completion=BASE_TEXT),
        result("lost_1"),
        result("same_1"),
        result("never_1", Verdict.RUNTIME_ERROR, error_class="index-nil", message="boom"),
        result("faulty_1", Verdict.SANDBOX_FAULT),
    ]


def knn_results() -> list[ProblemResult]:
    """The same problems with retrieval."""
    return [
        result(
            "gained_1",
            program=KNN_PROGRAM,
            completion=KNN_TEXT,
            completion_tokens=24,
            knn=KNN,
        ),
        result("lost_1", Verdict.SYNTAX_ERROR, error_class="unbalanced-block"),
        result("same_1"),
        result("never_1", Verdict.NO_CODE, program=None, completion=HOSTILE),
        result("faulty_1"),
    ]


def example_bench(folder: Path) -> Bench:
    """Both runs side by side."""
    return join_runs(
        [
            write_report(folder / "baseline.json", baseline_results()),
            write_report(folder / "knn.json", knn_results(), configuration={"knn": {"k": 16}}),
        ]
    )


FIELDS: dict[str, dict[str, Any]] = {
    "p1": {"difficulty": "easy", "contest_date": "2024-06-01", "rating": 30},
    "p2": {"difficulty": "hard", "contest_date": "2024-06-30"},
    "p3": {"difficulty": "easy", "contest_date": "2024-07-01", "rating": 9},
    "p4": {"difficulty": "hard", "contest_date": "2024-07-02", "rating": 200},
}
TITLES = {"p1": '=1+1, "quoted"', "p2": "Z", "p3": "Y", "p4": "'"}


def sampled_bench(folder: Path) -> Bench:
    """Two runs of three samples each; the last samples of a problem are those that pass."""
    passed = ({"p1": 1, "p2": 2, "p3": 0, "p4": 0}, {"p1": 1, "p2": 3, "p3": 0, "p4": 3})
    reports = [
        write_report(
            folder / f"{name}.json",
            [_sampled(problem, count) for problem, count in counts.items()],
            configuration={"samples": 3},
        )
        for name, counts in zip("ab", passed, strict=True)
    ]
    asked = {"p1": Asked("Add <b>two</b> numbers.", ("# Problem\n", "\nin Lua"))}
    return join_runs(reports, asked)


def _sampled(problem: str, passed: int) -> ProblemResult:
    told: dict[str, Any] = {
        "failing_input": "3 4\n",
        "expected": "first line\nthe sum 25 here\n",
        "got": "first line\nthe sum 26 here\n",
        "stderr": "hm",
    }
    samples = []
    for number in range(3):
        accepted = number >= 3 - passed
        samples.append(
            result(
                problem,
                Verdict.ACCEPTED if accepted else Verdict.WRONG_OUTPUT,
                program=f"print({problem[1]}, {number})",
                title=TITLES[problem],
                fields=FIELDS[problem],
                **({} if accepted else told),
            )
        )
    return of_samples(*samples)


def embedded_data(page: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The index and the details that a page's script reads."""
    found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', page, re.S)
    assert found is not None
    index = json.loads(found[1])
    packed = base64.b64decode(index["details"])
    return index, json.loads(zlib.decompress(packed, wbits=-zlib.MAX_WBITS))


def sampled_report(path: Path) -> Report:
    """A run of 499 problems with 8 samples each, as large as those of real models are."""
    draw = random.Random(0)
    lines = [f"local v{n} = tonumber(io.read('*n')) + {draw.random()}" for n in range(4000)]
    results = []
    for number in range(499):
        name = f"abc{number}_{'abcdefg'[number % 7]}"
        samples = []
        for _ in range(8):
            program = "\n".join(draw.sample(lines, 25))
            told = " ".join(str(draw.randrange(10**9)) for _ in range(100))
            samples.append(
                result(
                    name,
                    draw.choice([Verdict.ACCEPTED, Verdict.WRONG_OUTPUT]),
                    program=program,
                    completion=f"```lua\n{program}\n```",
                    failing_input=told,
                    expected=told[:200],
                    got=told[200:400],
                )
            )
        results.append(of_samples(*samples))
    settings = header({"samples": 8})
    tests = [judged_test(entry, "") for entry in results]
    section = settings.section(results)
    path.write_text(json.dumps({"tests": tests, "knm": section}), encoding="utf-8")
    return load_report(path)
