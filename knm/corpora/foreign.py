"""Taking programs with another language's syntax out of a corpus, as models write and translate."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from knm.corpora.records import CorpusRecord
from knm.languages.foreign import foreign_spans


@dataclass(frozen=True)
class ForeignProgram:
    """A record that was taken out: how often each rule matches, and the first line where one does.

    `line` counts from 1, `text` is that line.
    """

    record: str
    rules: dict[str, int]
    line: int
    text: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.record}:{self.line}: {', '.join(self.rules)}: {self.text.strip()}"


@dataclass(frozen=True)
class Purged:
    """What is left of a corpus, in its order, and what was taken out, in its order."""

    kept: tuple[CorpusRecord, ...]
    removed: tuple[ForeignProgram, ...]

    @property
    def rules(self) -> dict[str, int]:
        """Records taken out by rule, the most frequent first; one may be several rules'."""
        return dict(Counter(rule for one in self.removed for rule in one.rules).most_common())

    def to_json(self) -> dict[str, Any]:
        """The summary as plain JSON."""
        return {"kept": len(self.kept), "removed": len(self.removed), "rules": self.rules}


def drop_foreign(records: Iterable[CorpusRecord]) -> Purged:
    """Take out the programs that hold another language's syntax than the one that they note."""
    kept: list[CorpusRecord] = []
    removed: list[ForeignProgram] = []
    for record in records:
        found = find_foreign(record)
        if found is None:
            kept.append(record)
        else:
            removed.append(found)
    return Purged(tuple(kept), tuple(removed))


def find_foreign(record: CorpusRecord) -> ForeignProgram | None:
    """What of a record's program is another language's; None where nothing is."""
    spans = foreign_spans(record.program, record.language)
    if not spans:
        return None
    first = min(span.begin for span in spans)
    line = record.program.count("\n", 0, first)
    rules = Counter(span.rule for span in spans)
    text = record.program.split("\n")[line]
    return ForeignProgram(record.id, dict(rules), line + 1, text)
