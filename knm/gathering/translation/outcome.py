"""What came of a translation: its records, out of the journal, and how they are counted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from knm.corpora import CorpusRecord, decontaminate, parse_record, translation_request
from knm.gathering.translation.sources import Job
from knm.problems import ProblemSet


@dataclass(frozen=True)
class Translated:
    """What came of it, over all calls that continue each other.

    `problems` had a program to translate; `translated` of them have one in the corpus now.
    `untested` have too few tests, `unsolved` no program that passes here, `broken` no tests that
    can be read. `faults` were lost to the sandbox in this call; the next one tries them again.
    `attempts` counts programs asked for by what became of them, `removed` the programs that were
    like a held-out problem, `seconds` is the time that the engine took for all attempts together.
    """

    records: int
    problems: int
    translated: int
    untested: int
    unsolved: int
    broken: int
    faults: int
    removed: int
    attempts: dict[str, int]
    prompt_tokens: int
    completion_tokens: int
    seconds: float


def clean_entries(
    entries: Iterable[Mapping[str, Any]], held_out: Sequence[ProblemSet]
) -> tuple[list[CorpusRecord], int]:
    """The records of journal entries, each program once, and how many held-out problems took."""
    records: dict[tuple[str | None, str], CorpusRecord] = {}
    for entry in entries:
        for value in entry["records"]:
            record = parse_record(value, f"journal, problem {entry['problem']}")
            records.setdefault((record.problem, " ".join(record.program.split())), record)
    kept: Sequence[CorpusRecord] = list(records.values())
    for problem_set in held_out:
        kept = decontaminate(kept, problem_set.problems).kept
    return list(kept), len(records) - len(kept)


def as_asked(records: Iterable[CorpusRecord], jobs: Iterable[Job]) -> Iterator[CorpusRecord]:
    """The records with what the LM was asked as statement, of which the journal knows nothing."""
    sources = {
        (job.problem.question_id, source.id): source for job in jobs for source in job.records
    }
    for record in records:
        source = sources[str(record.problem), record.extras["translated"]["from"]]
        yield replace(record, statement=translation_request(source))


def summarize(
    entries: Sequence[Mapping[str, Any]],
    records: Sequence[CorpusRecord],
    problems: int,
    faults: int,
    removed: int,
) -> Translated:
    """Count what entries say, and the records that are left of them; the other figures go along."""
    attempts = [attempt for entry in entries for attempt in entry["attempts"]]
    outcomes = Counter(entry["outcome"] for entry in entries)

    def total(name: str) -> Any:
        return sum(attempt.get(name, 0) for attempt in attempts)

    return Translated(
        records=len(records),
        problems=problems,
        translated=len({record.problem for record in records}),
        untested=outcomes["untested"],
        unsolved=outcomes["unsolved"],
        broken=outcomes["broken"],
        faults=faults,
        removed=removed,
        attempts=dict(Counter(attempt["verdict"] for attempt in attempts).most_common()),
        prompt_tokens=total("prompt_tokens"),
        completion_tokens=total("completion_tokens"),
        seconds=round(total("seconds"), 3),
    )
