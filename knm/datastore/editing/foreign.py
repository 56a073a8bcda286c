"""Entries that teach another language's syntax: by rules over the text up to a value.

The rules are those that a record's language brings under `foreign`. An entry is foreign if its
token is part of what a rule matches, or stands behind it on the same line. Strings and comments are
blanked first: what is written there is no syntax. The text is
that of the corpus record up to the value, or, without the corpus, of the values that the datastore
holds for the places right before it.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

import numpy as np

from knm.datastore.store import Array, Datastore
from knm.errors import UserError
from knm.languages.language import noted_language
from knm.languages.lexis import LexerRules
from knm.models import EncodedExample
from knm.progress import progress_bar

_MOST_REPEATED: Final = 8
"""Signs in `[==[` up to which brackets are seen."""
# Of a string its quotes stay: the f before them is foreign. Line ends stay: rules go by line.
_INSIDE: Final = re.compile(r"[^\n\"']")


def blank_program(text: str, rules: LexerRules) -> str:
    """`text` with the inside of strings and comments as spaces, of the same length."""
    return _strings_and_comments(rules).sub(lambda match: _INSIDE.sub(" ", match[0]), text)


@cache
def _strings_and_comments(rules: LexerRules) -> re.Pattern[str]:
    patterns = {
        **rules.comment_patterns(_MOST_REPEATED),
        **rules.string_patterns(_MOST_REPEATED, unclosed=True),
    }
    longest_first = sorted(patterns, key=len, reverse=True)
    return re.compile("|".join(patterns[opening] for opening in longest_first) or "(?!)", re.DOTALL)


def foreign_spans(text: str, language: str | None = None) -> list[tuple[int, int]]:
    """Where a rule matches, from the match's begin to the end of the line that it ends in.

    `language` is what the corpus or datastore notes; of one that is unknown here nothing is told.
    """
    known = noted_language(language)
    if known is None:
        return []
    blank = blank_program(text, known.lexer or LexerRules())
    spans = []
    for pattern in known.foreign.values():
        for match in pattern.finditer(blank):
            end = blank.find("\n", match.end())
            # Only what is behind the construct's begin: indentation is no one's syntax.
            begin = match.end() - len(match[0].lstrip())
            spans.append((begin, len(text) if end < 0 else end))
    return spans


def foreign_entries(
    source: Datastore,
    texts: Mapping[int, str],
    corpus: Mapping[str, EncodedExample] | None = None,
) -> Array:
    """Mask (count,) of the foreign entries.

    `texts` is how each token is written, `corpus` the example that each record was mined as.

    Raises:
        UserError: the corpus is not that of the datastore.
    """
    foreign = np.zeros(len(source), dtype=bool)
    offsets = np.asarray(source.provenance["offset"])
    for record, rows in progress_bar(list(_by_record(source)), label="reading records"):
        held = dict(zip(offsets[rows].tolist(), source.values[rows].tolist(), strict=True))
        origin = source.records[record]
        runs = _runs(held) if corpus is None else [_whole(source, origin.id, held, corpus)]
        marked = {
            offset
            for start, ids in runs
            for offset in _foreign_offsets(start, ids, texts, origin.language)
        }
        foreign[rows] = [offset in marked for offset in offsets[rows].tolist()]
    return foreign


def _foreign_offsets(
    start: int, ids: list[int], texts: Mapping[int, str], language: str | None
) -> Iterator[int]:
    """Of tokens from the place `start` on, the places of those that are foreign."""
    pieces = [texts[token] for token in ids]
    ends = np.cumsum([len(piece) for piece in pieces])
    for begin, end in foreign_spans("".join(pieces), language):
        first = int(np.searchsorted(ends, begin, side="right"))
        last = int(np.searchsorted(ends, end, side="left"))
        yield from range(start + first, start + min(last + 1, len(ids)))


def _by_record(source: Datastore) -> Iterator[tuple[int, Array]]:
    """Each record's number and its rows, in the order of the text."""
    provenance = source.provenance
    order = np.lexsort((provenance["offset"], provenance["record"]))
    records = provenance["record"][order]
    for rows in np.split(order, np.flatnonzero(np.diff(records)) + 1):
        if len(rows):
            yield int(provenance["record"][rows[0]]), rows


def _runs(held: Mapping[int, int]) -> Iterator[tuple[int, list[int]]]:
    """Tokens that follow each other without a gap, with the place of the first."""
    start, ids = 0, list[int]()
    for offset, token in held.items():
        if ids and offset != start + len(ids):
            yield start, ids
            ids = []
        if not ids:
            start = offset
        ids.append(token)
    if ids:
        yield start, ids


def _whole(
    source: Datastore, record_id: str, held: Mapping[int, int], corpus: Mapping[str, EncodedExample]
) -> tuple[int, list[int]]:
    """The whole answer of a record. What stands in its prompt is no program."""
    example = corpus.get(record_id)
    ids = () if example is None else example.ids
    if example is None or any(offset >= len(ids) or ids[offset] != held[offset] for offset in held):
        raise UserError(
            f"--corpus: record {record_id!r} is not what {source.path} was mined from: give the "
            "same corpus and --prompt"
        )
    return example.target_start, list(ids[example.target_start :])
