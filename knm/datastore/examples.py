"""A corpus as mining reads it: in windows, each cut into batches of examples of like length.

Batches depend on corpus and options alone: which of them a process mines changes none of them.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, runtime_checkable

import numpy as np

from knm.corpora import CorpusRecord, Decontamination, stream_corpus, summarize_corpus
from knm.corpora.records import none_passed
from knm.datastore.origins import RecordOrigin
from knm.errors import UserError, named
from knm.hashing import hash_json, hash_stream
from knm.models import CorpusEncoding, EncodedExample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

WINDOW_RECORDS: Final = 2048
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Window:
    """The examples of some records that follow each other, and the number of each one's record."""

    number: int
    examples: Sequence[EncodedExample]
    records: Sequence[int]


@dataclass(frozen=True)
class Batch:
    """Examples that go through the model together, the longest first; number `number` of `window`.

    `records` are the numbers of their records.
    """

    window: int
    number: int
    examples: Sequence[EncodedExample]
    records: Sequence[int]

    @property
    def tokens(self) -> int:
        """Tokens without padding."""
        return sum(len(example.ids) for example in self.examples)


@runtime_checkable
class ExampleSource(Protocol):
    """Where examples come from; read afresh each time, so that it need not be held in memory.

    `fingerprint` tells sources apart that would give other examples. `description` is noted in the
    manifest.
    """

    @property
    def corpus_hash(self) -> str:
        """Hash of the corpus."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hash of what determines the examples."""
        ...

    @property
    def description(self) -> dict[str, Any]:
        """How records become examples, as plain JSON."""
        ...

    @property
    def count(self) -> int:
        """Number of records."""
        ...

    def origins(self) -> Iterator[RecordOrigin]:
        """The records, in order."""
        ...

    def windows(self, first: int) -> Iterator[Window]:
        """The windows from number `first` on."""
        ...


class CorpusExamples:
    """The records of a JSONL corpus, encoded one window at a time."""

    def __init__(
        self,
        path: Path,
        tokenizer: "PreTrainedTokenizerBase",
        encoding: CorpusEncoding,
        limit: int | None = None,
        decontamination: Decontamination | None = None,
    ) -> None:
        """Read the corpus once, to know that it is sound; `limit` takes `first_passed` only.

        Of these, the ones that `decontamination` names are left out, and programs that failed by
        their outcome: their tokens are no right continuations.

        Raises:
            UserError: the corpus is missing or malformed, or nothing of it is left.
        """
        self._path, self._tokenizer, self._encoding = path, tokenizer, encoding
        summary = summarize_corpus(path, limit)
        self._taken = summary.count
        self._left_out = decontamination.left_out if decontamination else frozenset[str]()
        wanted = summary.count - len(self._left_out)
        counted = ""
        if limit is not None and self._left_out:
            counted = f"; {named('limit')} {limit} counts what is left out too: give a higher one"
        if not wanted:
            raise UserError(
                f"{path}: the problem set asks for every record, so that none is left to mine; use "
                f"another corpus, or {named('no_decontaminate')}{counted}"
            )
        self.count = sum(1 for _ in self._records()) if summary.failed else wanted
        if not self.count:
            asked = " that the problem set does not ask for" if self._left_out else ""
            raise none_passed(path, f"{wanted:,} programs{asked}", counted)
        self.corpus_hash = summary.content_hash
        self.description: dict[str, Any] = {
            **encoding.describe(),
            "decontamination": decontamination and decontamination.describe(),
        }
        if failed := wanted - self.count:
            self.description["failed"] = failed
        self.fingerprint = hash_json([self.corpus_hash, self.description])

    def origins(self) -> Iterator[RecordOrigin]:
        """The records, in order."""
        for record in self._records():
            yield RecordOrigin(record.id, record.language, record.source, record.group)

    def windows(self, first: int) -> Iterator[Window]:
        """The windows of `WINDOW_RECORDS` records from number `first` on."""
        records = islice(self._records(), first * WINDOW_RECORDS, None)
        number = first
        while members := list(islice(records, WINDOW_RECORDS)):
            place = {record.id: number * WINDOW_RECORDS + i for i, record in enumerate(members)}
            examples = self._encoding(self._tokenizer, members)
            yield Window(number, examples, [place[example.record_id] for example in examples])
            number += 1

    def _records(self) -> Iterator[CorpusRecord]:
        for record in islice(stream_corpus(self._path), self._taken):
            if record.passed and record.id not in self._left_out:
                yield record


class ListedExamples:
    """Examples that are in memory already."""

    description: Final[dict[str, Any]] = {}

    def __init__(self, examples: Sequence[EncodedExample], corpus_hash: str) -> None:
        self._examples = examples
        self._origins = {
            example.record_id: RecordOrigin(
                example.record_id, example.language, example.source, example.group
            )
            for example in examples
        }
        self._places = {record_id: place for place, record_id in enumerate(self._origins)}
        self.count = len(self._origins)
        self.corpus_hash = corpus_hash
        self.fingerprint = hash_stream(self._pieces())

    def origins(self) -> Iterator[RecordOrigin]:
        """The records, in order of their first example."""
        yield from self._origins.values()

    def windows(self, first: int) -> Iterator[Window]:
        """Windows of `WINDOW_RECORDS` examples from number `first` on."""
        for start in range(first * WINDOW_RECORDS, len(self._examples), WINDOW_RECORDS):
            members = self._examples[start : start + WINDOW_RECORDS]
            places = [self._places[example.record_id] for example in members]
            yield Window(start // WINDOW_RECORDS, members, places)

    def _pieces(self) -> Iterator[bytes]:
        for example in self._examples:
            head = [example.record_id, example.target_start, len(example.ids), example.first]
            yield "\0".join(map(str, head)).encode()
            yield np.asarray(example.ids, dtype="<i4").tobytes()


def cut_batches(window: Window, batch_tokens: int) -> Iterator[Batch]:
    """Batches of at most `batch_tokens` with padding, longest examples first.

    What does not fit in memory fails at once.
    """
    order = sorted(range(len(window.examples)), key=lambda i: -len(window.examples[i].ids))
    done = number = 0
    while done < len(order):
        size = max(1, batch_tokens // len(window.examples[order[done]].ids))
        members = order[done : done + size]
        yield Batch(
            window.number,
            number,
            [window.examples[i] for i in members],
            [window.records[i] for i in members],
        )
        done += len(members)
        number += 1


def read_ahead(items: Iterator[_Item]) -> Iterator[_Item]:
    """Give `items`, computing the next one in a thread while the last is being used."""
    with ThreadPoolExecutor(1) as pool:
        upcoming = pool.submit(_next_of(items))
        while (item := upcoming.result()) is not None:
            upcoming = pool.submit(_next_of(items))
            yield item


def _next_of(items: Iterator[_Item]) -> Callable[[], _Item | None]:
    return lambda: next(items, None)
