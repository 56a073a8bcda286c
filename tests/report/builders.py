"""Small synthetic results and report files, as a run of the bench would leave them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from knm.codec import from_json, to_json
from knm.jsonio import write_json
from knm.records import Completion, Interventions, TokenChange
from knm.report import (
    ProblemResult,
    Report,
    RunHeader,
    Sample,
    judged_test,
    load_report,
    validate_document,
)
from knm.sandbox import Judgement, Verdict

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


def interventions(**changes: Any) -> Interventions:
    """What retrieval did to a completion, with fields replaced; parts may be given as JSON."""
    fields = {"steps": 20, "searched": 20, "argmax_changes": 0, "weights": [], "changes": []}
    made = [
        {"start": None, **(to_json(change) if isinstance(change, TokenChange) else change)}
        for change in changes.get("changes", ())
    ]
    return from_json(Interventions, {**fields, **changes, "changes": made}, "a test")


def result(
    question_id: str,
    verdict: Verdict = Verdict.ACCEPTED,
    *,
    completion: str | None = "```lua\nprint(1)\n```",
    program: str | None = "print(1)",
    knn: Mapping[str, Any] | None = None,
    prompt_tokens: int = 100,
    completion_tokens: int = 20,
    finish_reason: str | None = "stop",
    generation_seconds: float = 0.5,
    judge_seconds: float = 0.1,
    errata: str | None = None,
    title: str | None = None,
    fields: Mapping[str, Any] | None = None,
    **judged: Any,
) -> ProblemResult:
    """An ordinary result of one sample; `judged` replaces fields of its judgement.

    `knn` are fields of `interventions`.
    """
    passed = 4 if verdict is Verdict.ACCEPTED else 1
    judgement: dict[str, Any] = {
        "failing_test": None if passed == 4 else 1,
        "tests_passed": passed,
        "tests_total": 4,
        "lenient_accepted": verdict is Verdict.ACCEPTED,
    }
    written = None
    if completion is not None:
        written = Completion(
            question_id,
            completion,
            finish_reason,
            prompt_tokens,
            completion_tokens,
            generation_seconds,
            None if knn is None else interventions(**knn),
        )
    sample = Sample(written, program, Judgement(verdict, **{**judgement, **judged}), judge_seconds)
    return ProblemResult(question_id, (sample,), errata, title, fields=fields or {})


def of_samples(*results: ProblemResult) -> ProblemResult:
    """One result of the samples of several."""
    return replace(results[0], samples=tuple(each.sample for each in results))


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
        "tests": [canary, *(judged_test(entry, entry.judgement.message) for entry in results)],
        "knm": header(**settings).section(results),
    }


def write_report(path: Path, results: list[ProblemResult], **settings: Any) -> Report:
    """Write a report file, which has to be valid, and read it back."""
    content = document(results, **settings)
    assert list(validate_document(content)) == []
    write_json(path, content)
    return load_report(path)


def without_times(value: Any) -> Any:
    """A report's content without what differs from run to run: dates, times, rates, memory."""
    times = {"created", "duration", "throughput", "seconds", "judge_seconds"}
    times |= {"cpu_seconds", "wall_seconds", "peak_memory_bytes"}
    if isinstance(value, dict):
        return {name: without_times(value[name]) for name in value if name not in times}
    return [without_times(entry) for entry in value] if isinstance(value, list) else value
