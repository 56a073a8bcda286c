"""Small synthetic results and report files, as a run of the bench would leave them."""

from pathlib import Path
from typing import Any

from knm.jsonio import write_json
from knm.report import ProblemResult, Report, knm_section, load_report
from knm.sandbox import Verdict

CONFIGURATION = {
    "model": "embedded",
    "language": "lua",
    "limits": {"cpu_seconds": 5.0, "memory_bytes": 2**29},
    "max_new_tokens": 512,
    "samples": 1,
    "sampling": {"temperature": 0.0, "top_p": 1.0, "seed": 0},
    "knn": None,
}
HASHES = {"problem_set": "1" * 64, "prompt": "2" * 64, "model": "3" * 64, "datastore": None}


def result(question_id: str, verdict: Verdict = Verdict.ACCEPTED, **changes: Any) -> ProblemResult:
    """An ordinary result; `changes` replaces fields."""
    passed = 4 if verdict is Verdict.ACCEPTED else 1
    fields: dict[str, Any] = {
        "question_id": question_id,
        "completion": "```lua\nprint(1)\n```",
        "program": "print(1)",
        "verdict": verdict,
        "error_class": None,
        "message": "",
        "failing_test": None if passed == 4 else 1,
        "tests_passed": passed,
        "tests_total": 4,
        "lenient_accepted": verdict is Verdict.ACCEPTED,
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "finish_reason": "stop",
        "generation_seconds": 0.5,
        "judge_seconds": 0.1,
        "knn": None,
    }
    return ProblemResult(**{**fields, **changes})


def document(
    results: list[ProblemResult],
    configuration: dict[str, Any] | None = None,
    hashes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A report file's content; the arguments replace parts of the usual settings."""
    tests: list[dict[str, Any]] = [{"nodeid": "bench/test_canary.py::test_it", "outcome": "passed"}]
    for entry in results:
        outcome = "error" if entry.verdict.is_infrastructure else "failed"
        tests.append(
            {
                "nodeid": f"bench/test_bench.py::test_problem[{entry.question_id}]",
                "outcome": "passed" if entry.accepted else outcome,
                "metadata": {"knm": entry.to_json()},
            }
        )
    section = knm_section(
        CONFIGURATION | (configuration or {}),
        results,
        hashes=HASHES | (hashes or {}),
        environment={"git": None},
    )
    return {"created": 0.0, "duration": 1.0, "exitcode": 1, "tests": tests, "knm": section}


def write_report(path: Path, results: list[ProblemResult], **settings: Any) -> Report:
    """Write a report file and read it back."""
    write_json(path, document(results, **settings))
    return load_report(path)
