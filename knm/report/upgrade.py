"""Results as older versions of knm wrote them, made into those of today. The only place that knows.

Schemas 1 and 2 held the fields of completion and judgement side by side, those of the sample that
decides; what retrieval did was `knn`, and schema 1 kept the first change alone.
"""

from collections.abc import Mapping
from typing import Any, Final

_SAMPLE: Final = {"program": "program", "judge_seconds": "judge_seconds"}
_COMPLETION: Final = {
    "completion": "text",
    "finish_reason": "finish_reason",
    "prompt_tokens": "prompt_tokens",
    "completion_tokens": "completion_tokens",
    "generation_seconds": "seconds",
}
_JUDGEMENT: Final = (
    "verdict",
    "error_class",
    "message",
    "tests_passed",
    "tests_total",
    "failing_test",
    "lenient_accepted",
)


def upgrade_result(value: Any) -> Any:
    """A result's JSON as the current schema has it; whatever is no older result is left as it is.

    A field that is missing or wrong stays so: who reads the result will say it.
    """
    if not isinstance(value, Mapping) or value.keys().isdisjoint(("completion", "verdict", "knn")):
        return value
    question_id, samples = value.get("question_id"), value.get("samples") or [value]
    upgraded = {
        "question_id": question_id,
        "samples": [_sample(each, question_id) for each in samples]
        if isinstance(samples, list)
        else samples,
    }
    return {**upgraded, "errata": value["errata"]} if "errata" in value else upgraded


def _sample(value: Any, question_id: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    sample = {name: value[old] for old, name in _SAMPLE.items() if old in value}
    sample["judgement"] = {name: value[name] for name in _JUDGEMENT if name in value}
    if "completion" in value:
        missing = value["completion"] is None
        sample["completion"] = None if missing else _completion(value, question_id)
    return sample


def _completion(value: Mapping[str, Any], question_id: Any) -> dict[str, Any]:
    completion = {name: value[old] for old, name in _COMPLETION.items() if old in value}
    completion["id"] = question_id
    if "knn" in value:
        completion["interventions"] = _interventions(value["knn"])
    return completion


def _interventions(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    changes = value.get("changes")
    if "changes" not in value:
        first = value.get("first_change")
        changes = [] if first is None else [first]
    if isinstance(changes, list):
        changes = [
            {"start": None, **change} if isinstance(change, Mapping) else change
            for change in changes
        ]
    return {"weights": [], **value, "changes": changes}
