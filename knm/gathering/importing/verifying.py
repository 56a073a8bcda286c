"""Whether imported programs are programs at all, and whether they pass their problem's tests."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from knm.corpora import CorpusRecord, Outcome
from knm.errors import UserError, named
from knm.gathering.collecting import outcome_of
from knm.gathering.importing.found import Found, Skips
from knm.hashing import hash_json
from knm.journal import Journal
from knm.judging.candidates import candidate_of
from knm.judging.pool import open_judges
from knm.problems import Problem, ProblemSet, TestCase
from knm.progress import progress_bar
from knm.report import ProblemResult
from knm.sandbox import Limits, Verdict

_GLANCE: Final = Limits(cpu_seconds=0.2, wall_seconds=1.0)
"""What a program may take that is run only to see that it compiles."""


@dataclass(frozen=True)
class Verifying:
    """Where programs run, and what they may take on each test."""

    sandbox: str = "local"
    limits: Limits = field(default_factory=Limits)
    workers: int | None = None


class _EmptyInput:
    """Tests that ask for nothing."""

    def load(self) -> tuple[TestCase, ...]:
        """One run without input."""
        return (TestCase(input="", output=""),)


def match_problems(found: Sequence[Found], problems: ProblemSet) -> list[Found]:
    """The records with the problems that they are of in a set: its ids and its statements.

    Raises:
        UserError: a key is that of two problems.
    """
    by_key: dict[str, Problem] = {}
    for problem in problems:
        key = _plain(problem.question_id)
        other = by_key.setdefault(key, problem)
        if other is not problem:
            raise UserError(
                f"{named('problems')} {problems.name}: {other.question_id!r} and "
                f"{problem.question_id!r} cannot be told apart by letters and digits: rename one"
            )
    matched = []
    for one in found:
        known = next((by_key[key] for key in map(_plain, one.keys) if key in by_key), None)
        if known is None:
            matched.append(one)
            continue
        statement = known.question_content or one.record.statement
        extras = {**one.record.extras, **known.origin}
        record = replace(one.record, problem=known.question_id, statement=statement, extras=extras)
        matched.append(replace(one, record=record))
    return matched


@dataclass(frozen=True)
class Checked:
    """Records that are left; the programs of those in `lost`, by id, the sandbox did not judge."""

    records: tuple[CorpusRecord, ...]
    lost: frozenset[str]


def check_compiling(
    records: Sequence[CorpusRecord], verifying: Verifying, journal: Journal, skips: Skips
) -> Checked:
    """The records without those whose programs do not compile."""
    problem = Problem("syntax", "", _EmptyInput())
    glance = replace(verifying, limits=_GLANCE)
    broken: set[str] = set()
    lost: set[str] = set()
    groups = ((problem, [record]) for record in records)
    for record, entry in _judged(groups, len(records), "compiling", glance, journal, "syntax"):
        if entry is None:
            lost.add(record.id)
        elif entry["verdict"] == Verdict.SYNTAX_ERROR:
            skips.note(record.id, "does not compile", entry["message"])
            broken.add(record.id)
    return Checked(tuple(one for one in records if one.id not in broken), frozenset(lost))


def verify(
    records: Sequence[CorpusRecord],
    problems: ProblemSet,
    verifying: Verifying,
    journal: Journal,
) -> Checked:
    """Judge what has a problem with tests: it gets `verified`, and an outcome if it fails.

    What a problem is at fault for, or the sandbox, says nothing of a program.
    """
    by_id = {problem.question_id: problem for problem in problems}
    groups: defaultdict[str, list[CorpusRecord]] = defaultdict(list)
    for record in records:
        if record.problem in by_id:
            groups[record.problem].append(record)
    asked = ((by_id[name], group) for name, group in groups.items())
    total = sum(map(len, groups.values()))
    told = f"tests {problems.content_hash}"
    judged: dict[str, CorpusRecord] = {}
    lost: set[str] = set()
    for record, entry in _judged(asked, total, "judging", verifying, journal, told):
        if entry is None:
            lost.add(record.id)
        elif entry["verdict"] != Verdict.BROKEN_PROBLEM:
            judged[record.id] = _with_outcome(record, Outcome.from_json(entry, "journal"))
    return Checked(tuple(judged.get(one.id, one) for one in records), frozenset(lost))


def _judged(
    groups: Iterable[tuple[Problem, Sequence[CorpusRecord]]],
    total: int,
    label: str,
    verifying: Verifying,
    journal: Journal,
    told: str,
) -> Iterator[tuple[CorpusRecord, Mapping[str, Any] | None]]:
    """Each record with its outcome as the journal keeps it; None where the sandbox has failed.

    The programs of a problem are judged together, and decode its tests once.
    """
    known: list[tuple[CorpusRecord, Mapping[str, Any]]] = []
    left: list[tuple[Problem, list[tuple[str, CorpusRecord]]]] = []
    terms = [told, verifying.sandbox, asdict(verifying.limits)]
    for problem, records in groups:
        open_ones = []
        for record in records:
            key = hash_json([*terms, problem.question_id, record.language, record.program])
            entry = journal.get(key)
            if entry is None:
                open_ones.append((key, record))
            else:
                known.append((record, entry))
        if open_ones:
            left.append((problem, open_ones))
    with progress_bar(label=label, total=total, unit="program") as bar:
        bar.update(len(known))
        yield from known
        if not left:
            return
        language = left[0][1][0][1].language
        with open_judges(
            verifying.sandbox, language, verifying.limits, verifying.workers
        ) as judges:
            futures: list[Future[ProblemResult]] = [
                judges.judge(
                    problem,
                    [candidate_of(record.id, record.program, language) for _, record in open_ones],
                )
                for problem, open_ones in left
            ]
            for (_, open_ones), future in zip(left, futures, strict=True):
                for (key, record), sample in zip(open_ones, future.result().samples, strict=True):
                    bar.update()
                    judgement = sample.judgement
                    if judgement.verdict is Verdict.SANDBOX_FAULT:
                        yield record, None
                        continue
                    entry = asdict(outcome_of(judgement, record.program, record.language))
                    journal.put(key, entry)
                    yield record, entry


def _with_outcome(record: CorpusRecord, outcome: Outcome) -> CorpusRecord:
    extras = {**record.extras, "verified": outcome.passed}
    return replace(record, extras=extras, outcome=None if outcome.passed else outcome)


def _plain(key: str) -> str:
    """Letters and digits of a key, in lower case."""
    return "".join(filter(str.isalnum, key.casefold()))
