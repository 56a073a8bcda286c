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
    removed: dict[int, Removal] = {}
    for passed in (True, False):
        places = [place for place, record in enumerate(records) if record.passed is passed]
        if places or passed:
            found = _repeated([records[place] for place in places], threshold, by)
            removed |= {places[number]: removal for number, removal in found.items()}
    return without(records, [removed[place] for place in sorted(removed)])


def _repeated(records: Sequence[CorpusRecord], threshold: float, by: str) -> dict[int, Removal]:
    """Which records are removed, by their place."""
    pairs = similar_records(records, threshold, by)
    earlier: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
    for left, right, similarity in zip(
        pairs.left.tolist(), pairs.right.tolist(), pairs.similarity.tolist(), strict=True
    ):
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
    return removed
