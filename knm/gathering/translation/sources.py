"""Which programs are translated: of corpora and of runs, problem by problem."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from knm.corpora import CorpusRecord, decontaminate, load_corpus
from knm.errors import UserError
from knm.gathering.collecting import CollectOptions, gather
from knm.gathering.translation.drawing import MOST_SOURCES
from knm.jsonio import read_jsonl
from knm.languages.language import load_language
from knm.problems import Problem, ProblemSet
from knm.report.stream import HEADER_KEY


@dataclass(frozen=True)
class Job:
    """A problem and programs of one language that solve it, the first of them to be translated."""

    problem: Problem
    records: tuple[CorpusRecord, ...]

    @property
    def language(self) -> str:
        """That of the programs."""
        return self.records[0].language


def find_jobs(
    paths: Iterable[Path],
    problem_set: ProblemSet,
    *,
    language: str,
    most: int,
    without: Path | None,
    held_out: Sequence[ProblemSet],
) -> tuple[list[Job], int]:
    """What is to be translated to `language`, in the order of the problem set.

    A problem keeps up to `most` programs, or as many as have to agree on a test, all of the
    language of its first. Returns too how many programs are left out as they are like a problem of
    `held_out`.

    Raises:
        UserError: nothing is left, a file is missing or malformed, or a record is in a language
            that cannot be run.
    """
    solved = _solved(without, language) if without else frozenset[str]()
    known = {problem.question_id for problem in problem_set}
    found = _distinct(
        (path, record)
        for path in paths
        for record in _records(path, problem_set)
        if record.passed and record.language != language and record.problem in known - solved
    )
    kept: Sequence[CorpusRecord] = found
    for other in held_out:
        kept = decontaminate(kept, other.problems).kept
    programs: defaultdict[str | None, list[CorpusRecord]] = defaultdict(list)
    for record in kept:
        programs[record.problem].append(record)
    jobs = []
    for problem in problem_set:
        records = programs[problem.question_id]
        alike = [record for record in records if record.language == records[0].language]
        if alike:
            _check_language(records[0])
            jobs.append(Job(problem, tuple(islice(alike, max(most, MOST_SOURCES)))))
    if not jobs:
        raise UserError(
            f"nothing to translate: of {len(found)} programs that pass, with a `problem` in "
            f"{problem_set.name} that is not solved yet, in other languages than {language}, "
            f"{len(found) - len(kept)} are like held-out problems"
        )
    return jobs, len(found) - len(kept)


def _check_language(record: CorpusRecord) -> None:
    """Programs are run before they are translated, so something has to say how.

    Raises:
        UserError: nothing does, or there is no such language.
    """
    try:
        _ = load_language(record.language).execution
    except UserError as error:
        raise UserError(f"corpus record {record.id}: {error}; or leave the record out") from None


def _records(path: Path, problem_set: ProblemSet) -> Iterable[CorpusRecord]:
    """The records of a corpus, or those that a report or stream makes."""
    if is_corpus(path):
        return load_corpus(path)
    options = CollectOptions((path,), problem_set.name, path, accepted=True)
    return gather(options, problem_set)[0]


def is_corpus(path: Path) -> bool:
    """Whether a file is a corpus, and no report or stream of a run.

    Raises:
        UserError: it cannot be read.
    """
    if path.suffix == ".json":
        return False
    lines: Iterator[tuple[int, dict[str, object]]] = read_jsonl(path)
    return HEADER_KEY not in next(lines, (0, {}))[1]


def _distinct(found: Iterable[tuple[Path, CorpusRecord]]) -> list[CorpusRecord]:
    """The records, each with the file it is of, without those that were there already.

    Raises:
        UserError: two programs have one id, by which a translation says what it is of.
    """
    first: dict[str, tuple[Path, CorpusRecord]] = {}
    for path, record in found:
        where, other = first.setdefault(record.id, (path, record))
        alike = record.problem == other.problem and _lines(record) == _lines(other)
        if not alike:
            raise UserError(
                f"{path}: id {record.id!r} is that of another program in {where}; ids must be "
                "unique: give each record its own"
            )
    return [record for _, record in first.values()]


def _lines(record: CorpusRecord) -> list[str]:
    """The program without what no language reads: spaces at ends of lines, and of the text."""
    return [line.rstrip() for line in record.program.strip("\r\n").splitlines()]


def _solved(path: Path, language: str) -> frozenset[str]:
    """Problems that a corpus has a program for."""
    return frozenset(
        record.problem
        for record in load_corpus(path)
        if record.problem and record.passed and record.language == language
    )
