"""Taking out of a corpus what a problem set asks for: else its answers stand in the datastore."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from knm.corpora.records import CorpusRecord
from knm.corpora.removal import Cleaned, Removal, without
from knm.corpora.shingles import pairs_across, shingle
from knm.corpora.similarity import check_threshold
from knm.corpora.tokens import lex
from knm.corpora.translation_requests import without_solution
from knm.languages.language import DEFAULT_LANGUAGE

if TYPE_CHECKING:
    from knm.problems import Problem, ProblemSet

THRESHOLD: Final = 0.8
"""Jaccard similarity from which on two programs are one."""

MOST_NOTED: Final = 100
_BLOCK_RECORDS: Final = 8192

_SAMPLE: Final = re.compile(
    r"^\s*(?:sample|example)s?\b.*", re.IGNORECASE | re.DOTALL | re.MULTILINE
)
_WORD: Final = re.compile(r"\w+")
_BETWEEN: Final = re.compile(r"(?<=\d)[\W_]+(?=[a-z])|(?<=[a-z])[\W_]+(?=\d)")
"""What separates numbers from letters in the name of a problem."""


def decontaminate(
    records: Sequence[CorpusRecord],
    problems: Iterable[Problem],
    *,
    threshold: float = THRESHOLD,
) -> Cleaned:
    """Remove records that are of a problem, or share composition, statement or program with one.

    A record is of a problem by the name that it has for its own, whatever its statement says.
    Statements are the same if their words are, in any case, up to the first sample. Programs are
    compared with the problem's `reference` by Jaccard similarity of token shingles, as they are
    and with variables renamed. A record's first such reason counts.

    Raises:
        UserError: the threshold is not above 0 and at most 1.
    """
    check_threshold(threshold)
    known = list(problems)
    removed: dict[str, Removal] = {}
    for removal in (
        *_of_problems(records, known),
        *_equal(
            "composition",
            [(entry.id, _composition(entry.extras)) for entry in records],
            [(entry.question_id, _composition(entry.extras)) for entry in known],
        ),
        *_equal(
            "statement",
            [(entry.id, normalize_statement(entry.statement)) for entry in records],
            [(entry.question_id, normalize_statement(entry.question_content)) for entry in known],
        ),
        *_alike(records, known, threshold),
    ):
        removed.setdefault(removal.record, removal)
    return without(records, [removed[entry.id] for entry in records if entry.id in removed])


@dataclass(frozen=True)
class Decontamination:
    """What was left out of a corpus for the sake of a problem set."""

    problem_set: str
    problem_set_hash: str
    threshold: float
    removed: tuple[Removal, ...]

    @property
    def left_out(self) -> frozenset[str]:
        """Ids of the records."""
        return frozenset(removal.record for removal in self.removed)

    def describe(self) -> dict[str, Any]:
        """As a manifest keeps it: plain JSON, with the first `MOST_NOTED` of the records."""
        return {
            "problems": self.problem_set,
            "problems_hash": self.problem_set_hash,
            "threshold": self.threshold,
            "removed": len(self.removed),
            "records": [removal.to_json() for removal in self.removed[:MOST_NOTED]],
        }


def decontaminate_stream(
    records: Iterable[CorpusRecord], problem_set: ProblemSet, *, threshold: float = THRESHOLD
) -> Decontamination:
    """What `decontaminate` removes from a corpus that need not fit in memory."""
    stream = iter(records)
    removed: list[Removal] = []
    while block := list(islice(stream, _BLOCK_RECORDS)):
        removed += decontaminate(block, problem_set, threshold=threshold).removed
    return Decontamination(problem_set.name, problem_set.content_hash, threshold, tuple(removed))


def normalize_statement(statement: str) -> str:
    """The words of a statement in lower case, up to its first sample or a program to translate."""
    return " ".join(_WORD.findall(_SAMPLE.sub("", without_solution(statement)).lower()))


def _of_problems(records: Iterable[CorpusRecord], problems: Iterable[Problem]) -> Iterator[Removal]:
    """Records whose problem, or root problem, is one of these, or what one of these was made of."""
    known = {_plain(mark): entry.question_id for entry in problems for mark in entry.marks}
    for record in records:
        names = [name for name in (record.problem, record.root_problem) if name is not None]
        found = next((name for name in map(_plain, names) if name in known), None)
        if found is not None:
            yield Removal(record.id, "same problem", known[found], 1.0)


def _plain(problem: str) -> str:
    """A problem's name without what is written in several ways: `4A`, `4_a`; `abc042_a`."""
    return _BETWEEN.sub("", problem.casefold())


def _equal(
    what: str, of_records: Iterable[tuple[str, str]], of_problems: Iterable[tuple[str, str]]
) -> Iterator[Removal]:
    """Records, by id and text, whose text is a problem's; empty texts are nobody's."""
    known = {text: name for name, text in of_problems if text}
    for record, text in of_records:
        if text in known:
            yield Removal(record, f"same {what}", known[text], 1.0)


def _composition(extras: Mapping[str, Any]) -> str:
    return str(extras.get("composition") or "")


def _alike(
    records: Sequence[CorpusRecord], problems: Sequence[Problem], threshold: float
) -> Iterator[Removal]:
    solved = [problem for problem in problems if problem.extras.get("reference")]
    if not solved or not records:
        return
    # One call for both, so that a program is cut the same way on either side.
    lexed = lex(
        [
            *(record.program for record in records),
            *(str(problem.extras["reference"]) for problem in solved),
        ],
        [*(record.language for record in records), *[DEFAULT_LANGUAGE] * len(solved)],
    )
    for reason, tokens in (
        ("similar program", lexed.hashes),
        ("similar program, renamed", lexed.renamed_hashes),
    ):
        pairs = zip(
            *pairs_across(shingle(tokens, lexed.starts), len(records), threshold), strict=True
        )
        for left, right, similarity in sorted(pairs, key=lambda pair: -pair[2]):
            other = solved[right - len(records)].question_id
            yield Removal(records[left].id, reason, other, float(similarity))
