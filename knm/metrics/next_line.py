"""Completing the next line of a program greedily: how often it comes out as it was written.

Lines are compared without the blanks around them. Similarity is 1 - d / n, with d the Levenshtein
distance in characters and n the length of the longer line.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from knm.corpora import CorpusRecord
from knm.engine import ContextExceeded, GenerationOptions, StreamingEngine, open_engine
from knm.errors import UserError, named
from knm.judging.requests import statement_request
from knm.models import EncodedExample, LoadedModel
from knm.problems import PromptTemplate, fence_program
from knm.progress import progress_bar
from knm.records import Request
from knm.retrieval import Retriever

MOST_TOKENS: Final = 64
_CASES_AT_ONCE: Final = 32


@dataclass(frozen=True)
class LineCase:
    """A program cut behind a line.

    `request` asks for the record's task and goes on after the cut, as far as whole tokens go;
    `expected` is what follows up to the end of the next line: the rest of the line that was cut,
    mostly nothing, a newline and the next line.
    """

    request: Request
    expected: str


@dataclass(frozen=True)
class NextLine:
    """How next lines came out: shares of `cases`."""

    cases: int
    exact: float
    similarity: float


def draw_cases(
    loaded: LoadedModel,
    examples: Sequence[EncodedExample],
    records: Sequence[CorpusRecord],
    template: PromptTemplate,
    count: int,
    seed: int = 0,
) -> list[LineCase]:
    """Cut `count` programs at random lines, each at one before any at two.

    Raises:
        UserError: the corpus has fewer lines that are followed by one that is not blank.
    """
    draw = random.Random(f"next lines {seed}")
    cuts = []
    for number, record in enumerate(records):
        lines = record.program.rstrip("\n").split("\n")
        behind = [line for line in range(len(lines) - 1) if lines[line + 1].strip()]
        draw.shuffle(behind)
        cuts += [(turn, draw.random(), number, line) for turn, line in enumerate(behind)]
    if len(cuts) < count:
        raise UserError(
            f"{named('next_line')} {count}: the corpus has {len(cuts)} lines to cut behind"
        )
    return [
        _cut(loaded, examples[number], records[number], template, line)
        for _, _, number, line in sorted(cuts)[:count]
    ]


def complete_lines(
    loaded: LoadedModel,
    cases: Sequence[LineCase],
    retriever: Retriever | None = None,
    *,
    label: str = "next lines",
) -> NextLine:
    """Complete the next line of every case as the engine would go on with what is written.

    Raises:
        UserError: the retriever does not fit the model.
    """
    engine = open_engine(loaded, GenerationOptions(MOST_TOKENS, _CASES_AT_ONCE), retriever)
    exact, similarity = 0, 0.0
    with progress_bar(label=label, total=len(cases), unit="line") as bar:
        for case, text in _write(engine, cases):
            line, expected = "\n".join(text.split("\n")[:2]).strip(), case.expected.strip()
            exact += line == expected
            similarity += edit_similarity(line, expected)
            bar.update()
    return NextLine(len(cases), exact / len(cases), similarity / len(cases))


def _write(engine: StreamingEngine, cases: Sequence[LineCase]) -> Iterator[tuple[LineCase, str]]:
    """Each case once its line is whole, in any order, with what was written by then."""
    waiting: dict[int, LineCase] = {}
    texts: dict[int, str] = {}
    requests = [case.request for case in cases]
    for case, queued in zip(cases, engine.submit_all(requests, streamed=True), strict=True):
        if isinstance(queued, int):
            waiting[queued], texts[queued] = case, ""
        elif isinstance(queued, ContextExceeded):  # no room for a line
            yield case, ""
        else:
            raise queued
    while waiting:
        for event in engine.step():
            if event.ticket not in waiting:
                continue
            if event.error is not None:
                raise event.error
            texts[event.ticket] += event.text
            if event.completion is not None or texts[event.ticket].count("\n") > 1:
                engine.cancel(event.ticket)
                yield waiting.pop(event.ticket), texts[event.ticket]


def edit_similarity(a: str, b: str) -> float:
    """1 - Levenshtein distance / length of the longer; 1 for two empty texts."""
    if not a and not b:
        return 1.0
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        before, row[0] = row[0], i
        for j, right in enumerate(b, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return 1 - row[-1] / max(len(a), len(b))


def _cut(
    loaded: LoadedModel,
    example: EncodedExample,
    record: CorpusRecord,
    template: PromptTemplate,
    line: int,
) -> LineCase:
    """Cut behind line `line` of the program, from 0, where a token ends."""
    text = fence_program(record.program, record.language)
    lines = text.split("\n")
    end = len("\n".join(lines[: line + 2]))  # the fence is a line before the program's
    after = len("\n".join(lines[: line + 3]))
    targets = list(example.ids[example.target_start :])
    kept, length = 0, 0
    for count in range(len(targets) + 1):
        read: str = loaded.tokenizer.decode(targets[:count])
        if len(read) > end:
            break
        if text.startswith(read):  # not in the middle of a character
            kept, length = count, len(read)
    asked = statement_request(record.id, record.statement, template, record.language)
    return LineCase(replace(asked, prefix=tuple(targets[:kept])), text[length:after])
