"""What a study's corpora and problems are made of: the table of the original study."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from knm.corpora import CorpusRecord
from knm.corpora.statistics import Spread, group_by_source
from knm.problems import Problem

CountTokens = Callable[[Sequence[str]], list[int]]

_SOURCES: Final = ("source", "platform")
"""Fields in which a problem may say where it is from."""


@dataclass(frozen=True)
class SourceLine:
    """Texts from one source: how many, and their lengths."""

    what: str
    source: str
    count: int
    characters: Spread
    tokens: Spread


def describe_corpus(
    what: str, records: Sequence[CorpusRecord], count_tokens: CountTokens
) -> Iterator[SourceLine]:
    """The programs by source, those with most first; then all together if sources are several.

    `what` is what the corpus is called.
    """
    texts = [(record.source, record.program) for record in records]
    return _lines(f"programs of {what}", texts, count_tokens)


def describe_problems(
    what: str, problems: Iterable[Problem], count_tokens: CountTokens
) -> Iterator[SourceLine]:
    """The statements of problems, likewise."""
    texts = [(_source_of(problem), problem.question_content) for problem in problems]
    return _lines(f"statements of {what}", texts, count_tokens)


def _source_of(problem: Problem) -> str:
    named = (problem.extras.get(name) for name in _SOURCES)
    return next((value for value in named if isinstance(value, str) and value), "-")


def _lines(
    what: str, texts: Sequence[tuple[str, str]], count_tokens: CountTokens
) -> Iterator[SourceLine]:
    tokens = count_tokens([text for _, text in texts])
    by_source = group_by_source(
        (source, (len(text), count)) for (source, text), count in zip(texts, tokens, strict=True)
    )
    for source, sizes in by_source.items():
        yield _line(what, source, sizes)
    if len(by_source) > 1:
        yield _line(what, "all", [size for sizes in by_source.values() for size in sizes])


def _line(what: str, source: str, sizes: Sequence[tuple[int, int]]) -> SourceLine:
    characters, tokens = zip(*sizes, strict=True)
    return SourceLine(what, source, len(sizes), Spread.of(characters), Spread.of(tokens))
