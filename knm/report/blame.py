"""Which entries of a datastore made gains in a run, and which made losses.

An entry counts for a change if it spoke for the token that was taken: it was among the recorded
neighbours with that token. That is a trace and no proof: a problem is gained by all of its changes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError, named
from knm.report import text
from knm.report.diff import diff_reports
from knm.report.document import Report
from knm.report.schema import ProblemResult


class Effect(StrEnum):
    """What became of a problem: against a baseline the first four, else the last two."""

    GAINED = "gained"
    LOST = "lost"
    FAILED = "still failed"
    KEPT = "still passed"
    PASSED = "passed"
    NOT_PASSED = "failed"


_GOOD: Final = frozenset({Effect.GAINED, Effect.PASSED})
_BAD: Final = frozenset({Effect.LOST, Effect.NOT_PASSED})
AGAINST_BASELINE: Final = (Effect.GAINED, Effect.LOST, Effect.FAILED, Effect.KEPT)
ALONE: Final = (Effect.PASSED, Effect.NOT_PASSED)


@dataclass(frozen=True)
class Use:
    """How often an entry, or any entry of a record, spoke for changed tokens, by effect.

    `offset` and `token` are None for a record. `uses` counts changes, `problems` problems. `trial`
    is what came of an entry that is a trial, in words.
    """

    record: str
    offset: int | None
    token: str | None
    uses: Mapping[Effect, int]
    problems: Mapping[Effect, int]
    trial: str | None = None

    @property
    def good(self) -> int:
        """Problems gained, or without a baseline passed."""
        return sum(count for effect, count in self.problems.items() if effect in _GOOD)

    @property
    def bad(self) -> int:
        """Problems lost, or without a baseline failed."""
        return sum(count for effect, count in self.problems.items() if effect in _BAD)

    @property
    def name(self) -> str:
        """Record, and of an entry its offset."""
        return self.record if self.offset is None else f"{self.record}:{self.offset}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        own = {} if self.offset is None else {"offset": self.offset, "token": self.token}
        tried = {} if self.trial is None else {"trial": self.trial}
        return {
            "record": self.record,
            **own,
            **tried,
            "uses": {effect.value: count for effect, count in self.uses.items()},
            "problems": {effect.value: count for effect, count in self.problems.items()},
        }


@dataclass(frozen=True)
class Blame:
    """Entries and records that changed tokens, those in the most problems first.

    `problems` holds the ids of each effect.
    """

    report: Path
    baseline: Path | None
    problems: Mapping[Effect, tuple[str, ...]]
    entries: tuple[Use, ...]
    records: tuple[Use, ...]

    def harmful_records(self) -> tuple[str, ...]:
        """Records that were used in more lost problems than gained ones.

        Raises:
            UserError: there was no baseline, so that nothing is known to be lost.
        """
        if self.baseline is None:
            raise UserError(
                f"knm blame: which records do harm shows against a {named('baseline')} alone"
            )
        return tuple(sorted(use.record for use in self.records if use.bad > use.good))

    def to_json(self, top: int | None = None) -> dict[str, Any]:
        """Plain JSON, with the first `top` entries and records."""
        return {
            "report": str(self.report),
            "baseline": self.baseline and str(self.baseline),
            "problems": {effect.value: list(ids) for effect, ids in self.problems.items()},
            "entries": [use.to_json() for use in self.entries[:top]],
            "records": [use.to_json() for use in self.records[:top]],
            "entries_used": len(self.entries),
            "records_used": len(self.records),
        }


def blame(report: Report, baseline: Report | None = None, *, force: bool = False) -> Blame:
    """Trace the changes of a run to the entries behind them, against a run without them or not.

    Raises:
        UserError: the run had no datastore, or the runs are not comparable and `force` is off.
    """
    if all(result.interventions is None for result in report.results):
        raise UserError(
            f"{report.path}: decoded without a datastore, so there is nobody to blame; name the "
            f"report of a run with {named('knn')}"
        )
    effects = _alone(report) if baseline is None else _against(report, baseline, force)
    order = ALONE if baseline is None else AGAINST_BASELINE
    entries: defaultdict[tuple[str, int, str], list[tuple[Effect, str]]] = defaultdict(list)
    records: defaultdict[str, list[tuple[Effect, str]]] = defaultdict(list)
    trials: dict[tuple[str, int, str], str] = {}
    for result in report.results:
        if result.question_id not in effects:
            continue
        seen = (effects[result.question_id], result.question_id)
        for supporters in _supporters(result):
            for entry, trial in supporters.items():
                entries[entry].append(seen)
                if trial is not None:
                    trials[entry] = trial
            for record in {record for record, _, _ in supporters}:
                records[record].append(seen)
    return Blame(
        report=report.path,
        baseline=None if baseline is None else baseline.path,
        problems={
            effect: tuple(name for name, found in effects.items() if found is effect)
            for effect in order
        },
        entries=_ranked(
            _use(*entry, seen, order, trials.get(entry)) for entry, seen in entries.items()
        ),
        records=_ranked(_use(record, None, None, seen, order) for record, seen in records.items()),
    )


def render_blame(found: Blame, top: int) -> str:
    """Tables of the entries and records behind gains and behind losses, `top` lines each."""
    named = {Effect.GAINED, Effect.LOST}
    blocks = [
        [
            line
            for effect, ids in found.problems.items()
            for line in (
                text.id_list(effect.value, ids)
                if effect in named
                else [f"{effect.value} {len(ids)}"]
            )
        ]
    ]
    for what, uses in (("entries", found.entries), ("records", found.records)):
        good, bad = list(found.problems)[:2]
        for effect, chosen in (
            (good, sorted((use for use in uses if use.good), key=lambda use: use.bad - use.good)),
            (bad, sorted((use for use in uses if use.bad), key=lambda use: use.good - use.bad)),
        ):
            title = f"{what} used in {effect.value} problems"
            blocks.append(_table(title, chosen, top, list(found.problems)))
    return "\n\n".join("\n".join(block) for block in blocks)


def _table(title: str, uses: Sequence[Use], top: int, effects: Sequence[Effect]) -> list[str]:
    head = f"{title}: {len(uses)}"
    if not uses:
        return [head]
    rows = [
        (
            use.name,
            "" if use.token is None else f"{text.quote(use.token)} {use.trial or ''}".rstrip(),
            *(f"{use.problems[effect]} ({use.uses[effect]})" for effect in effects),
        )
        for use in uses[:top]
    ]
    columns = ("", "token", *(f"{effect.value}" for effect in effects))
    return [f"{head}; problems (changes)", *text.table([columns, *rows])]


def _supporters(result: ProblemResult) -> Iterator[dict[tuple[str, int, str], str | None]]:
    """For each change the entries that spoke for it, as record, offset and token.

    With each what came of it, where it is a trial.
    """
    for change in result.changes:
        yield {
            (entry.record, entry.offset, entry.token): None
            if entry.came_of_it is None
            else f"instead of {text.quote(entry.lm_token or '')}: {entry.came_of_it}"
            for entry in change.supporters
        }


def _use(
    record: str,
    offset: int | None,
    token: str | None,
    seen: Sequence[tuple[Effect, str]],
    order: Sequence[Effect],
    trial: str | None = None,
) -> Use:
    uses = Counter(effect for effect, _ in seen)
    problems = Counter(effect for effect, _ in set(seen))
    return Use(
        record,
        offset,
        token,
        {effect: uses[effect] for effect in order},
        {effect: problems[effect] for effect in order},
        trial,
    )


def _ranked(uses: Iterator[Use]) -> tuple[Use, ...]:
    def rank(use: Use) -> tuple[int, int, str, int, str]:
        problems, changes = sum(use.problems.values()), sum(use.uses.values())
        return -problems, -changes, use.record, use.offset or 0, use.token or ""

    return tuple(sorted(uses, key=rank))


def _alone(report: Report) -> dict[str, Effect]:
    return {
        result.question_id: Effect.PASSED if result.accepted else Effect.NOT_PASSED
        for result in report.results
        if not result.verdict.is_infrastructure
    }


def _against(report: Report, baseline: Report, force: bool) -> dict[str, Effect]:
    diff = diff_reports(baseline, report, force=force)
    left_out = {*diff.uncounted, *diff.b.unmatched}
    gained, lost = set(diff.gained), set(diff.lost)
    return {
        name: Effect.GAINED
        if name in gained
        else Effect.LOST
        if name in lost
        else Effect.KEPT
        if result.accepted
        else Effect.FAILED
        for result in report.results
        if (name := result.question_id) not in left_out
    }
