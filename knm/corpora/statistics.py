"""What a corpus consists of, in figures."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from knm.corpora.records import CorpusRecord

T = TypeVar("T")


@dataclass(frozen=True)
class Spread:
    """Sizes of `count` texts: their sum, and how they are spread."""

    count: int
    total: int
    mean: float
    least: int
    median: float
    ninth_decile: float
    most: int

    @classmethod
    def of(cls, sizes: Sequence[int]) -> "Spread":
        """The spread of at least one size."""
        values = np.asarray(sizes)
        return cls(
            count=len(values),
            total=int(values.sum()),
            mean=float(values.mean()),
            least=int(values.min()),
            median=float(np.median(values)),
            ninth_decile=float(np.quantile(values, 0.9)),
            most=int(values.max()),
        )


@dataclass(frozen=True)
class CorpusStatistics:
    """`sizes` hold the spread of statements and programs, by `<text> <unit>`.

    `sources`, `languages` and `operations` count records, the most frequent first; `lengths` holds
    the spread of each source's programs in characters, in the order of `sources`; `chained` counts
    them by their number of operations. Records without operations or composition do not count
    there. `problems` counts those that records are of, `outcomes` the records that have a verdict.
    `repeated` texts are those that a record shares with an earlier one.
    """

    records: int
    verified: int
    sources: Mapping[str, int]
    lengths: Mapping[str, Spread]
    languages: Mapping[str, int]
    sizes: Mapping[str, Spread]
    operations: Mapping[str, int]
    chained: Mapping[int, int]
    compositions: int
    problems: int
    outcomes: Mapping[str, int]
    repeated: Mapping[str, int]


def corpus_statistics(
    records: Sequence[CorpusRecord], count_tokens: Callable[[Sequence[str]], list[int]]
) -> CorpusStatistics:
    """Describe a corpus of at least one record."""
    texts = {
        "statement": [record.statement for record in records],
        "program": [record.program for record in records],
    }
    operations = [_operations(record) for record in records]
    return CorpusStatistics(
        records=len(records),
        verified=sum(record.extras.get("verified") is True for record in records),
        sources=_counted(record.source for record in records),
        lengths=lengths_by_source(records),
        languages=_counted(record.language for record in records),
        sizes={
            f"{name} {unit}": Spread.of(sizes)
            for name, held in texts.items()
            for unit, sizes in (
                ("characters", [len(text) for text in held]),
                ("tokens", count_tokens(held)),
            )
        },
        operations=_counted(name for names in operations for name in set(names)),
        chained=dict(sorted(Counter(len(names) for names in operations if names).items())),
        compositions=len(
            {record.extras["composition"] for record in records if "composition" in record.extras}
        ),
        problems=len({record.problem for record in records if record.problem is not None}),
        outcomes=_counted(record.outcome.verdict for record in records if record.outcome),
        repeated={name: len(held) - len(set(held)) for name, held in texts.items()},
    )


def group_by_source(sizes: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    """The sizes of what comes from each source, the source with most first."""
    grouped: defaultdict[str, list[T]] = defaultdict(list)
    for source, size in sizes:
        grouped[source].append(size)
    return dict(sorted(grouped.items(), key=lambda item: (-len(item[1]), item[0])))


def lengths_by_source(records: Iterable[CorpusRecord]) -> dict[str, Spread]:
    """How long the programs of each source are, in characters; the largest source first."""
    lengths = group_by_source((record.source, len(record.program)) for record in records)
    return {source: Spread.of(sizes) for source, sizes in lengths.items()}


def _operations(record: CorpusRecord) -> list[str]:
    names = record.extras.get("operations")
    return [str(name) for name in names] if isinstance(names, list) else []


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda entry: (-entry[1], entry[0])))
