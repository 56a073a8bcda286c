"""Training corpora: records, reading and writing as JSONL."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from knm.codec import to_json
from knm.corpora.lexeme_lists import SUFFIX, read_lexeme_lists
from knm.corpora.outcomes import Outcome
from knm.errors import UserError
from knm.hashing import hash_json_items
from knm.jsonio import find_surrogate, read_jsonl, write_jsonl
from knm.languages.descriptions import check_noted
from knm.problems.records import made_of, task_marks

_REQUIRED = ("id", "statement", "program", "language", "source")


@dataclass(frozen=True)
class CorpusRecord:
    """One task and a program for it.

    `problem` is the id of the problem that asks for the task, where the record comes from one.
    `outcome` is what execution said of the program; without one, it is taken to solve the task.
    `extras` holds further fields, such as `operations` or `verified`.
    """

    id: str
    statement: str
    program: str
    language: str
    source: str
    extras: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None
    outcome: Outcome | None = None

    @property
    def root_problem(self) -> str | None:
        """The problem that asks for the task, or that this one was made of, if it was."""
        return made_of(self.extras) or self.problem

    @property
    def marks(self) -> frozenset[str]:
        """What its task goes by, as `Problem.marks`."""
        return task_marks((self.id, self.problem), self.extras)

    @property
    def group(self) -> str | None:
        """What records of a task have in common: its root problem or `composition`, if marked."""
        if self.root_problem is not None:
            return self.root_problem
        group = self.extras.get("composition")
        return group if isinstance(group, str) else None

    @property
    def passed(self) -> bool:
        """Whether the program solves the task, for all that is known."""
        return self.outcome is None or self.outcome.passed

    def to_json(self) -> dict[str, Any]:
        """The record as it stands in a JSONL file."""
        value = {name: getattr(self, name) for name in _REQUIRED}
        if self.problem is not None:
            value["problem"] = self.problem
        if self.outcome is not None:
            value["outcome"] = to_json(self.outcome)
        return value | dict(self.extras)


@dataclass(frozen=True)
class CorpusSummary:
    """How many records a corpus holds, their `corpus_hash`, and of how many the program failed."""

    count: int
    content_hash: str
    failed: int


def load_corpus(path: Path) -> tuple[CorpusRecord, ...]:
    """Read a JSONL corpus, compressed if its name ends in `.gz`, or lists of lexemes (`.txt`).

    Raises:
        UserError: the file is missing or empty, a line lacks a field, or an id is repeated.
    """
    summarize_corpus(path)
    return tuple(stream_corpus(path))


def stream_corpus(path: Path) -> Iterator[CorpusRecord]:
    """Read a corpus one record at a time; nothing looks for repeated ids.

    Raises:
        UserError: the file is missing, or a line lacks a field.
    """
    for number, value in _read_values(path):
        yield parse_record(value, f"{path}:{number}")


def first_passed(records: Iterable[CorpusRecord], limit: int | None) -> Iterator[CorpusRecord]:
    """The first `limit` records whose program passed, and those that failed up to the next of them.

    All of them without a limit: this is how every command takes the first of a corpus.
    """
    passed = 0
    for record in records:
        passed += record.passed
        if limit is not None and passed > limit:
            return
        yield record


def _read_values(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and record, as it stands in JSONL, of each record of a corpus."""
    lists = path.suffix == SUFFIX
    return read_lexeme_lists(path) if lists else read_jsonl(path)


def summarize_corpus(path: Path, limit: int | None = None) -> CorpusSummary:
    """Read a corpus once, to know that it is sound and what it holds, or what of it is taken.

    That is `first_passed`. Of each record only eight bytes stay in memory.

    Raises:
        UserError: as `load_corpus`.
    """
    marks = array("Q")
    failed = 0

    def marked() -> Iterator[dict[str, Any]]:
        nonlocal failed
        for record in first_passed(stream_corpus(path), limit):
            marks.append(_mark(record.id))
            failed += not record.passed
            yield record.to_json()

    content_hash = hash_json_items(marked())
    if not marks:
        raise UserError(f"{path}: the corpus is empty")
    ordered = np.sort(np.frombuffer(marks, dtype=np.uint64))
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(repeated):
        _refuse_repeated(path, set(repeated.tolist()))
    return CorpusSummary(len(marks), content_hash, failed)


def keep_passed(records: Iterable[CorpusRecord], path: Path) -> tuple[CorpusRecord, ...]:
    """Those records of the corpus `path` whose program solves its task, for all that is known.

    Raises:
        UserError: there are none.
    """
    taken = tuple(records)
    kept = tuple(record for record in taken if record.passed)
    if not kept:
        raise none_passed(path, f"{len(taken):,} programs")
    return kept


def none_passed(path: Path, programs: str, beside: str = "") -> UserError:
    """What is to be said if by their outcomes all of those `programs` of the corpus failed."""
    return UserError(
        f"{path}: none of {programs} passed, by their outcomes, so that there is nothing to learn "
        f"from: give another corpus, more of this one, or collect more samples{beside}"
    )


def _mark(record_id: str) -> int:
    digest = hashlib.blake2b(record_id.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "little")


def _refuse_repeated(path: Path, marks: set[int]) -> None:
    """Find the first repeated id among those that have one of `marks`."""
    lines: dict[str, int] = {}
    for number, value in _read_values(path):
        record_id = value["id"]
        if record_id in lines:
            raise UserError(
                f"{path}:{number}: id {record_id!r} stands already in line {lines[record_id]}; "
                "ids must be unique"
            )
        if _mark(record_id) in marks:
            lines[record_id] = number


def save_corpus(path: Path, records: Iterable[CorpusRecord]) -> None:
    """Write a JSONL corpus, replacing the file; compressed if its name ends in `.gz`."""
    write_jsonl(path, (record.to_json() for record in records))


def corpus_hash(records: Iterable[CorpusRecord]) -> str:
    """Hash of the records' content, in order."""
    return hash_json_items(record.to_json() for record in records)


def parse_record(value: Mapping[str, Any], where: str) -> CorpusRecord:
    """Read back what a record's `to_json` gave; `where` names its place in errors.

    Raises:
        UserError: a field is missing or malformed, or the language is a file's.
    """
    for name in _REQUIRED:
        if name not in value:
            raise UserError(
                f"{where}: field {name!r} is missing; every record has {', '.join(_REQUIRED)}"
            )
        if not isinstance(value[name], str):
            raise UserError(f"{where}: field {name!r} must be a string")
    broken = find_surrogate(value)
    if broken is not None:
        raise UserError(
            f"{where}: field {broken!r} has an unpaired surrogate; write it as valid Unicode"
        )
    check_noted(value["language"], where)
    extras = {name: item for name, item in value.items() if name not in _REQUIRED}
    required = {name: value[name] for name in _REQUIRED}
    # A corpus of older days may call something else a problem: that stays where it was.
    problem = extras.pop("problem") if isinstance(extras.get("problem"), str) else None
    outcome = Outcome.from_json(extras.pop("outcome"), where) if "outcome" in extras else None
    return CorpusRecord(**required, extras=extras, problem=problem, outcome=outcome)
