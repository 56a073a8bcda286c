"""Small synthetic results and report files, as a run of the bench would leave them."""

from pathlib import Path
from typing import Any

from knm.jsonio import write_json
from knm.report import ProblemResult, Report, RunHeader, judged_test, load_report, validate_document
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


def header(
    configuration: dict[str, Any] | None = None,
    hashes: dict[str, Any] | None = None,
    selected: int | None = None,
) -> RunHeader:
    """The usual settings; the arguments replace parts of them."""
    return RunHeader(
        configuration=CONFIGURATION | (configuration or {}),
        hashes=HASHES | (hashes or {}),
        environment={"git": None},
        selected=selected,
        created=0.0,
    )


def document(results: list[ProblemResult], **settings: Any) -> dict[str, Any]:
    """A report file's content, a canary among its tests; `settings` are those of `header`."""
    canary: dict[str, Any] = {"nodeid": "bench/test_canary.py::test_it", "outcome": "passed"}
    return {
        "created": 0.0,
        "duration": 1.0,
        "exitcode": 1,
        "summary": {"total": len(results) + 1},
        "tests": [canary, *(judged_test(entry, entry.message) for entry in results)],
        "knm": header(**settings).section(results),
    }


def write_report(path: Path, results: list[ProblemResult], **settings: Any) -> Report:
    """Write a report file, which has to be valid, and read it back."""
    content = document(results, **settings)
    assert list(validate_document(content)) == []
    write_json(path, content)
    return load_report(path)


def without_times(value: Any) -> Any:
    """A report's content without what differs from run to run: dates, durations, rates."""
    times = {"created", "duration", "throughput", "generation_seconds", "judge_seconds"}
    if isinstance(value, dict):
        return {name: without_times(value[name]) for name in value if name not in times}
    return [without_times(entry) for entry in value] if isinstance(value, list) else value
