"""What the page's script reads: an index of all problems, and packed, the details of each."""

import base64
import zlib
from collections.abc import Iterator
from typing import Any

from knm.jsonio import dumps
from knm.report.page.changes import Change, Place, changes_of, place_changes
from knm.report.page.palette import run_kind, verdict_kind
from knm.report.page.runs import Bench, Row, Run
from knm.report.schema import ProblemResult
from knm.sandbox import Verdict


def page_data(bench: Bench) -> str:
    """JSON text for a script element: no `<`, so nothing in it can end the element.

    Programs are the bulk of a page and much alike, so `details` (a list in the order of `problems`)
    is deflated; the script unpacks it once, after the first paint.
    """
    details = [[*_details(bench, row)] for row in bench.rows]
    packed = zlib.compress(_encode(details), level=6, wbits=-zlib.MAX_WBITS)
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
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _encode(value: Any) -> bytes:
    # A lone surrogate has no UTF-8; its backslash form is its JSON escape.
    return dumps(value).encode("utf-8", "backslashreplace")


def _summary(row: Row) -> dict[str, Any]:
    return {
        "id": row.question_id,
        "flip": row.flip.value,
        "outcomes": [
            {"verdict": entry.verdict.value, "class": entry.error_class} if entry else None
            for entry in row.results
        ],
    }


def _details(bench: Bench, row: Row) -> Iterator[dict[str, Any] | None]:
    unaided = _unaided(bench, row)
    for run, result in zip(bench.runs, row.results, strict=True):
        if result is None:
            yield None
            continue
        changes = changes_of(result)
        comparable = unaided is not None and _same_text(unaided[0], run)
        places = place_changes(result, changes, unaided[1] if unaided and comparable else None)
        yield {
            # Without a program the completion is what shows why.
            "program": result.program if result.program is not None else result.completion,
            "extracted": result.program is not None,
            "message": result.message,
            "failing_test": result.failing_test,
            "tests_passed": result.tests_passed,
            "tests_total": result.tests_total,
            "prompt_tokens": result.prompt_tokens,
            "completion_tokens": result.completion_tokens,
            "finish_reason": result.finish_reason,
            "generation_seconds": round(result.generation_seconds, 3),
            "judge_seconds": round(result.judge_seconds, 3),
            "knn": result.knn
            and {name: result.knn[name] for name in ("steps", "searched", "argmax_changes")},
            "changes": [
                _change(change, place, result.program or "")
                for change, place in zip(changes, places, strict=True)
            ],
        }


def _unaided(bench: Bench, row: Row) -> tuple[Run, ProblemResult] | None:
    """The first result that the LM alone gave."""
    pairs = zip(bench.runs, row.results, strict=True)
    return next(
        (
            (run, entry)
            for run, entry in pairs
            if entry and entry.knn is None and entry.completion is not None
        ),
        None,
    )


def _same_text(a: Run, b: Run) -> bool:
    """Whether, but for retrieval, both runs decode the same."""
    return all(
        a.report.hashes.get(name) == b.report.hashes.get(name) for name in ("model", "prompt")
    )


def _change(change: Change, place: Place | None, program: str) -> dict[str, Any]:
    return {
        "position": change.position,
        "lm_token": change.lm_token,
        "token": change.token,
        # Scripts count in UTF-16.
        "start": place and len(program[: place.start].encode("utf-16-le", "surrogatepass")) // 2,
        "exact": place and place.exact,
        "neighbours": [
            [entry.token, float(f"{entry.distance:.5g}"), entry.record, entry.offset]
            for entry in change.neighbours
        ],
    }
