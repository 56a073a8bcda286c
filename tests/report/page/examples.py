"""Small runs for a page: one of each outcome, and text that tries to break out of its place."""

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

from knm.report import ProblemResult
from knm.report.page import Bench, join_runs
from knm.sandbox import Verdict
from tests.report.builders import result, write_report

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


def embedded_data(page: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The index and the details that a page's script reads."""
    found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', page, re.S)
    assert found is not None
    index = json.loads(found[1])
    packed = base64.b64decode(index["details"])
    return index, json.loads(zlib.decompress(packed, wbits=-zlib.MAX_WBITS))
