"""What records are compared by, by name: their programs, as written or renamed, or statements."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import numpy as np

from knm.corpora.minhash import Pairs, near_duplicates
from knm.corpora.records import CorpusRecord
from knm.corpora.shingles import ShingleSets, shingle
from knm.corpora.tokens import LexedTexts, Offsets, lex
from knm.errors import UserError, named


class Comparison(StrEnum):
    """By what records are compared."""

    PROGRAM = "program"
    RENAMED = "renamed"
    STATEMENT = "statement"


def program_shingles(records: Sequence[CorpusRecord]) -> ShingleSets:
    """Runs of the programs' tokens; comments and white space do not count."""
    lexed = _lex_programs(records)
    return shingle(lexed.hashes, lexed.starts)


def renamed_shingles(records: Sequence[CorpusRecord]) -> ShingleSets:
    """As `program_shingles`, whatever a program calls its variables."""
    lexed = _lex_programs(records)
    return shingle(lexed.renamed_hashes, lexed.starts)


def _statement_shingles(records: Sequence[CorpusRecord]) -> ShingleSets:
    lexed = lex([record.statement.lower() for record in records])
    return shingle(lexed.hashes, lexed.starts)


def _lex_programs(records: Sequence[CorpusRecord]) -> LexedTexts:
    return lex([record.program for record in records], [record.language for record in records])


COMPARISONS: Final[Mapping[str, Callable[[Sequence[CorpusRecord]], ShingleSets]]] = {
    Comparison.PROGRAM: program_shingles,
    Comparison.RENAMED: renamed_shingles,
    Comparison.STATEMENT: _statement_shingles,
}


def similar_records(records: Sequence[CorpusRecord], threshold: float, by: str) -> Pairs:
    """Pairs of records of at least this Jaccard similarity, see `near_duplicates`.

    Raises:
        UserError: `by` is no comparison, or the threshold is not above 0 and at most 1.
    """
    if by not in COMPARISONS:
        raise UserError(f"{named('by')} {by}: unknown; choose one of {', '.join(COMPARISONS)}")
    check_threshold(threshold)
    return near_duplicates(COMPARISONS[by](records), threshold)


def check_threshold(threshold: float) -> None:
    """Refuse what is no similarity.

    Raises:
        UserError: it is not above 0 and at most 1.
    """
    if not 0 < threshold <= 1:
        raise UserError(f"{named('threshold')} {threshold}: give a similarity above 0, at most 1")


def clusters(pairs: Pairs, count: int) -> Offsets:
    """For each of `count` records (count,) the first one that pairs connect it with."""
    parent = list(range(count))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for left, right in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True):
        first, second = sorted((root(left), root(right)))
        parent[second] = first
    return np.array([root(place) for place in range(count)], dtype=np.int64)
