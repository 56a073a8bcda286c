"""What the page's script reads: an index of all problems, and packed, the details of each."""

import base64
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from knm.jsonio import dumps
from knm.records import TokenChange
from knm.report.page.asked import Asked
from knm.report.page.palette import run_kind, verdict_kind
from knm.report.page.runs import Bench, Row
from knm.report.schema import KNN_COUNTS, ProblemResult, Sample, place_changes
from knm.sandbox import Judgement, Verdict
from knm.sandbox.types import EXCERPT_CHARACTERS, excerpt, excerpt_of_end

_SHOWN_NEIGHBOURS: Final = 4

MOST_PACKED: Final = 5_000_000
"""Bytes of the packed details, which a page holds in base64: with the rest it is below 8 MB."""

_CHANGE_CHARACTERS: Final = 100
_BEST_RATIO: Final = 10
"""Texts of reports are not packed better than this."""


@dataclass(frozen=True)
class Bounds:
    """How much of each sample a page shows, in characters, and in changes of those that do not
    decide. `statement` bounds the statement of a problem.
    """

    evidence: int = EXCERPT_CHARACTERS + 100  # what reports keep by default, with the mark
    program: int = 20_000
    statement: int = 20_000
    changes: int = 64

    @property
    def tighter(self) -> "Bounds":
        """Half of everything, the changes first."""
        if self.changes:
            return replace(self, changes=self.changes // 8)
        return Bounds(*(value // 2 for value in asdict(self).values()))


def page_data(bench: Bench) -> str:
    """JSON text for a script element: no `<`, so nothing in it can end the element.

    Programs and changes are the bulk of a page and repeat themselves, so `details` is deflated; the
    script unpacks it once, after the first paint. Where they are too much for a page, all texts are
    cut to the same bounds, and `cut` holds these.
    """
    bounds, packed = _pack_within(bench)
    index = {
        "runs": [
            {"label": run.label, "kind": run_kind(number)} for number, run in enumerate(bench.runs)
        ],
        "verdicts": {verdict.value: verdict_kind(verdict) for verdict in Verdict},
        "faults": [verdict.value for verdict in Verdict if verdict.is_infrastructure],
        "flips": {flip.value: count for flip, count in bench.flips.items()},
        "fields": list(dict.fromkeys(name for row in bench.rows for name in row.fields)),
        "problems": [_summary(row) for row in bench.rows],
        "cut": None if bounds == Bounds() else asdict(bounds),
        "details": base64.b64encode(packed).decode("ascii"),
    }
    text = _encode(index).decode("utf-8")
    return text.replace("<", "\\u003c")


def _encode(value: Any) -> bytes:
    # A lone surrogate has no UTF-8; its backslash form is its JSON escape.
    return dumps(value).encode("utf-8", "backslashreplace")


def _pack(bench: Bench, bounds: Bounds) -> bytes:
    return zlib.compress(_encode(_all_details(bench, bounds)), level=5, wbits=-zlib.MAX_WBITS)


def _pack_within(bench: Bench) -> tuple[Bounds, bytes]:
    """The details within `MOST_PACKED`, and the widest bounds that it takes, about."""
    bounds, most = Bounds(), MOST_PACKED * _BEST_RATIO
    while True:
        while _characters(bench, bounds) > most and bounds.program > 1:
            bounds = bounds.tighter  # without packing what cannot fit
        packed = _pack(bench, bounds)
        if len(packed) <= MOST_PACKED or bounds.program <= 1:
            return bounds, packed
        most = _characters(bench, bounds) * MOST_PACKED // len(packed)


def _characters(bench: Bench, bounds: Bounds) -> int:
    """How much text the details hold, about."""
    count = 0
    for row in bench.rows:
        for result in filter(None, row.results):
            for sample in result.samples:
                judgement, changes = sample.judgement, len(sample.changes)
                if sample is not result.sample:
                    changes = min(changes, bounds.changes)
                count += _CHANGE_CHARACTERS * changes
                count += min(len(_shown_text(sample) or ""), bounds.program)
                for told in (judgement.expected, judgement.got, judgement.stderr):
                    count += min(len(told or ""), bounds.evidence)
    return count


def _summary(row: Row) -> dict[str, Any]:
    return {
        "id": row.question_id,
        "title": row.title,
        "flip": row.flip.value,
        "errata": next((entry.errata for entry in row.results if entry and entry.errata), None),
        "fields": dict(row.fields),
        "outcomes": [entry and _outcome(entry) for entry in row.results],
    }


def _outcome(result: ProblemResult) -> dict[str, Any]:
    judgement, done = result.judgement, result.all_interventions
    passed, samples = result.passed_samples
    return {
        "verdict": judgement.verdict.value,
        "class": judgement.error_class,
        "tests": [judgement.tests_passed, judgement.tests_total],
        "passed": passed,
        "samples": samples,
        "decides": result.samples.index(result.sample),
        "tokens": result.completion_tokens,
        "changes": sum(use.argmax_changes for use in done) if done else None,
        "seconds": round(result.generation_seconds, 3),
    }


class _Numbers(dict[str, int]):
    """Texts that stand once in the details, and their numbers by which they are named."""

    def of(self, text: str) -> int:
        return self.setdefault(text, len(self))


def _all_details(bench: Bench, bounds: Bounds) -> dict[str, Any]:
    """By problem in the order of the index, run and sample; what is alike lies together.

    Evidence is named by its texts' numbers in `texts`, a change's neighbours by their records'
    numbers in `records`.
    """
    records, texts = _Numbers(), _Numbers()
    return {
        "asked": [_asked(bench.asked.get(row.question_id), row, bounds) for row in bench.rows],
        "programs": _each(bench, lambda sample, _: _cut(_shown_text(sample), bounds.program)),
        "facts": _each(bench, lambda sample, _: _facts(sample)),
        "evidence": _each(bench, lambda sample, _: _evidence(sample.judgement, texts, bounds)),
        "changes": _each(
            bench,
            lambda sample, decides: [*_changes(sample, records, None if decides else bounds)],
        ),
        "texts": list(texts),
        "records": list(records),
    }


def _each(bench: Bench, made: Callable[[Sample, bool], Any]) -> list[list[list[Any] | None]]:
    """What is made of each sample, and of whether it decides; None where a run lacks a problem."""
    return [
        [
            None
            if result is None
            else [made(sample, sample is result.sample) for sample in result.samples]
            for result in row.results
        ]
        for row in bench.rows
    ]


def _asked(asked: Asked | None, row: Row, bounds: Bounds) -> dict[str, Any]:
    hashes = [result.prompt_hash for result in row.results if result and result.prompt_hash]
    return {
        "statement": asked and _cut(asked.statement, bounds.statement),
        "around": asked and asked.around,
        "hash": next(iter(hashes), None),
    }


def _cut(text: str | None, most: int) -> str | None:
    return None if text is None else excerpt(text, most)


def _shown_text(sample: Sample) -> str | None:
    """The program, or the completion when it shows why there is none."""
    return sample.text if sample.program is None else sample.program


def _facts(sample: Sample) -> dict[str, Any]:
    judgement, completion, done = sample.judgement, sample.completion, sample.interventions
    return {
        "extracted": sample.program is not None,
        "verdict": judgement.verdict.value,
        "class": judgement.error_class,
        "message": judgement.message,
        "failing_test": judgement.failing_test,
        "tests_passed": judgement.tests_passed,
        "tests_total": judgement.tests_total,
        "prompt_tokens": 0 if completion is None else completion.prompt_tokens,
        "completion_tokens": 0 if completion is None else completion.completion_tokens,
        "finish_reason": None if completion is None else completion.finish_reason,
        "generation_seconds": round(0.0 if completion is None else completion.seconds, 3),
        "judge_seconds": round(sample.judge_seconds, 3),
        "knn": done and {name: getattr(done, name) for name in KNN_COUNTS},
    }


def _evidence(judgement: Judgement, texts: _Numbers, bounds: Bounds) -> list[int | None] | None:
    """Input, expected, got and standard error of the failing test; None where nothing is told."""
    told = [
        _cut(judgement.failing_input, bounds.evidence),
        _cut(judgement.expected, bounds.evidence),
        _cut(judgement.got, bounds.evidence),
        excerpt_of_end(judgement.stderr, bounds.evidence) or None,
    ]
    if all(text is None for text in told):
        return None
    return [None if text is None else texts.of(text) for text in told]


def _changes(sample: Sample, records: _Numbers, bounds: Bounds | None) -> Iterator[list[Any]]:
    program = sample.program or ""
    most = None if bounds is None else bounds.changes
    placed = zip(sample.changes[:most], place_changes(sample)[:most], strict=True)
    for change, place in placed:
        yield _change(change, place, program, records)


def _change(change: TokenChange, place: int | None, program: str, records: _Numbers) -> list[Any]:
    return [
        change.position,
        change.lm_token,
        change.token,
        None if place is None else _utf16_place(program, place),
        [
            (  # a tuple, which the garbage collector need not visit: there are many
                entry.token,
                f"{entry.distance:.4g}",
                records.of(entry.record),
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
