"""Dropping records that are nearly the same as an earlier one."""

from collections import defaultdict
from collections.abc import Sequence

from knm.corpora.records import CorpusRecord
from knm.corpora.removal import Cleaned, Removal, without
from knm.corpora.similarity import similar_records


def deduplicate(
    records: Sequence[CorpusRecord], *, threshold: float = 0.8, by: str = "program"
) -> Cleaned:
    """Keep a record unless it is that similar to one that is kept; the first of a kind stays.

    A program that passed is none of a kind with one that failed: between them a little is much.
    `by` is a name of `knm.corpora.similarity.COMPARISONS`.
    """
    pairs = similar_records(records, threshold, by)
    earlier: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
    for left, right, similarity in zip(
        pairs.left.tolist(), pairs.right.tolist(), pairs.similarity.tolist(), strict=True
    ):
        if records[left].passed == records[right].passed:
            earlier[max(left, right)].append((similarity, min(left, right)))
    removed: dict[int, Removal] = {}
    for place in sorted(earlier):
        like = [
            (similarity, -first) for similarity, first in earlier[place] if first not in removed
        ]
        if like:
            similarity, first = max(like)
            removed[place] = Removal(
                records[place].id, f"similar {by}", records[-first].id, similarity
            )
    return without(records, list(removed.values()))
