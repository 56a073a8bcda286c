"""Records that were taken out of a corpus, and why."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from knm.corpora.records import CorpusRecord


@dataclass(frozen=True)
class Removal:
    """`record` was removed for being like `other`; `similarity` is 1 where they are the same."""

    record: str
    reason: str
    other: str
    similarity: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "similarity": round(self.similarity, 4)}

    def __str__(self) -> str:
        return f"{self.record}: {self.reason}, as {self.other} (similarity {self.similarity:.2f})"


@dataclass(frozen=True)
class Cleaned:
    """What is left of a corpus, in its order, and what was removed, in its order."""

    kept: tuple[CorpusRecord, ...]
    removed: tuple[Removal, ...]

    def to_json(self) -> dict[str, Any]:
        """How many are left and what was removed, as plain JSON."""
        return {"kept": len(self.kept), "removed": [one.to_json() for one in self.removed]}


def without(records: Sequence[CorpusRecord], removed: Sequence[Removal]) -> Cleaned:
    """The records but for those that were removed."""
    gone = {removal.record for removal in removed}
    return Cleaned(tuple(entry for entry in records if entry.id not in gone), tuple(removed))
