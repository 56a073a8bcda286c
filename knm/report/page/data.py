"""What the page's script reads: an index of all problems, and packed, the details of each."""

import base64
import zlib
from collections.abc import Iterator
from typing import Any, Final

from knm.jsonio import dumps
from knm.records import TokenChange
from knm.report.page.palette import run_kind, verdict_kind
from knm.report.page.runs import Bench, Row
from knm.report.schema import KNN_COUNTS, ProblemResult, place_changes
from knm.sandbox import Verdict

_SHOWN_NEIGHBOURS: Final = 4


def page_data(bench: Bench) -> str:
    """JSON text for a script element: no `<`, so nothing in it can end the element.

    Programs and changes are the bulk of a page and repeat themselves, so `details` is deflated; the
    script unpacks it once, after the first paint.
    """
    packed = zlib.compress(_encode(_all_details(bench)), level=5, wbits=-zlib.MAX_WBITS)
    index = {
        "runs": [
            {"label": run.label, "kind": run_kind(number)} for number, run in enumerate(bench.runs)
        ],
        "verdicts": {verdict.value: verdict_kind(verdict) for verdict in Verdict},
        "flips": {flip.value: count for flip, count in bench.flips.items()},
        "problems": [_summary(row) for row in bench.rows],
        "details": base64.b64encode(packed).decode("ascii"),
    }
    text = _encode(index).decode("utf-8")
    return text.replace("<", "\\u003c")


def _encode(value: Any) -> bytes:
    # A lone surrogate has no UTF-8; its backslash form is its JSON escape.
    return dumps(value).encode("utf-8", "backslashreplace")


def _summary(row: Row) -> dict[str, Any]:
    return {
        "id": row.question_id,
        "flip": row.flip.value,
        "errata": next((entry.errata for entry in row.results if entry and entry.errata), None),
        "outcomes": [
            {"verdict": entry.verdict.value, "class": entry.judgement.error_class}
            if entry
            else None
            for entry in row.results
        ],
    }


def _all_details(bench: Bench) -> dict[str, Any]:
    """Per problem, in the order of the index, and run; what is alike lies together to pack well.

    A change names the records of its neighbours by their number in `records`.
    """
    records: dict[str, int] = {}
    return {
        "programs": [[_shown_text(result) for result in row.results] for row in bench.rows],
        "facts": [[_facts(result) for result in row.results] for row in bench.rows],
        "changes": [[*_changes(row, records)] for row in bench.rows],
        "records": list(records),
    }


def _shown_text(result: ProblemResult | None) -> str | None:
    """The program, or the completion when it shows why there is none."""
    if result is None:
        return None
    return result.text if result.program is None else result.program


def _facts(result: ProblemResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    judgement, completion, done = result.judgement, result.sample.completion, result.interventions
    return {
        "extracted": result.program is not None,
        "message": judgement.message,
        "failing_test": judgement.failing_test,
        "tests_passed": judgement.tests_passed,
        "tests_total": judgement.tests_total,
        "prompt_tokens": result.prompt_tokens,
        "completion_tokens": result.completion_tokens,
        "finish_reason": None if completion is None else completion.finish_reason,
        "generation_seconds": round(result.generation_seconds, 3),
        "judge_seconds": round(result.judge_seconds, 3),
        "knn": done and {name: getattr(done, name) for name in KNN_COUNTS},
    }


def _changes(row: Row, records: dict[str, int]) -> Iterator[list[Any]]:
    for result in row.results:
        changes = () if result is None else result.changes
        places = [] if result is None else place_changes(result.sample)
        program = "" if result is None else result.program or ""
        yield [
            _change(change, place, program, records)
            for change, place in zip(changes, places, strict=True)
        ]


def _change(
    change: TokenChange, place: int | None, program: str, records: dict[str, int]
) -> list[Any]:
    return [
        change.position,
        change.lm_token,
        change.token,
        None if place is None else _utf16_place(program, place),
        [
            (  # a tuple, which the garbage collector need not visit: there are many
                entry.token,
                f"{entry.distance:.4g}",
                records.setdefault(entry.record, len(records)),
                entry.offset,
            )
            for entry in change.neighbours[:_SHOWN_NEIGHBOURS]
        ],
        *([] if change.tally is None else [str(change.tally)]),
    ]


def _utf16_place(text: str, place: int) -> int:
    """Where a place is for scripts, which count in UTF-16."""
    if text.isascii():
        return place
    return len(text[:place].encode("utf-16-le", "surrogatepass")) // 2
