"""Splitting a corpus so that nothing alike stands on both sides."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from knm.corpora.records import CorpusRecord
from knm.corpora.similarity import Comparison, clusters, similar_records
from knm.errors import UserError, named
from knm.hashing import hash_bytes

SPLITS: Final = ("train", "dev", "test")


class Grouping(StrEnum):
    """What a split keeps together."""

    CLUSTER = "cluster"
    COMPOSITION = "composition"
    PROBLEM = "problem"


Groups = Callable[[Sequence[CorpusRecord], float], list[str]]


def split_corpus(
    records: Sequence[CorpusRecord],
    shares: Sequence[float],
    *,
    by: str = Grouping.CLUSTER,
    threshold: float = 0.8,
    seed: int = 0,
) -> dict[str, tuple[CorpusRecord, ...]]:
    """Records of `train`, `dev` and `test`, about these shares of them, each in its order.

    Records of one group go to one side, by a hash of the group and the seed, so that further
    records do not move the others. `by` says what a group is: `composition`, the field of that
    name, `problem`, that of that name or what it was made of, or `cluster`, what near-duplicates
    connect (programs with renamed variables).

    Raises:
        UserError: the shares are not three that sum to 1, or a record lacks that field.
    """
    if len(shares) != len(SPLITS) or min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise UserError(f"{named('shares')}: give three that sum to 1, such as 0.8,0.1,0.1")
    if by not in GROUPS:
        raise UserError(f"{named('by')} {by}: unknown; choose one of {', '.join(GROUPS)}")
    sides: dict[str, list[CorpusRecord]] = {name: [] for name in SPLITS}
    for record, group in zip(records, GROUPS[by](records, threshold), strict=True):
        sides[_side(group, shares, seed)].append(record)
    return {name: tuple(held) for name, held in sides.items()}


def _side(group: str, shares: Sequence[float], seed: int) -> str:
    place = int(hash_bytes(f"split {seed} {group}".encode())[:12], 16) / 16**12
    for name, share in zip(SPLITS, shares, strict=True):
        if place < share:
            return name
        place -= share
    return SPLITS[-1]  # rounding


def _compositions(records: Sequence[CorpusRecord], _: float) -> list[str]:
    return [_named(record, "composition", record.extras.get("composition")) for record in records]


def _problems(records: Sequence[CorpusRecord], _: float) -> list[str]:
    return [_named(record, "problem", record.root_problem) for record in records]


def _named(record: CorpusRecord, field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UserError(f"record {record.id!r} has no {field}; split by cluster instead")
    return value


def _clusters(records: Sequence[CorpusRecord], threshold: float) -> list[str]:
    pairs = similar_records(records, threshold, Comparison.RENAMED)
    return [records[first].id for first in clusters(pairs, len(records)).tolist()]


GROUPS: Final[Mapping[str, Groups]] = {
    Grouping.CLUSTER: _clusters,
    Grouping.COMPOSITION: _compositions,
    Grouping.PROBLEM: _problems,
}
