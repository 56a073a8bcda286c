"""Programs as tokens, for comparing them: comments and white space do not count.

Comments and strings are those of a text's language; a string of several lines counts as its words.
A list of tokens is one array of all texts, so that what follows is a few array operations for a
whole corpus.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate, repeat
from typing import Any, Final

import numpy as np

from knm.hashing import hash_bytes
from knm.languages.language import DEFAULT_LANGUAGE, lexer_rules
from knm.languages.lexis import MOST_REPEATED

_WORDS_AND_NUMBERS: Final = r"[A-Za-z_]\w*|\d+(?:\.\d+)?"
_OPERATORS: Final = r"[~=<>!]=|\.\.+|\S"
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_MEMBER_MARKS: Final = (".", ":")

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
Offsets = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class LexedTexts:
    """Tokens of N texts: `ids` (T,) int64 count `vocabulary`.

    Those of text i are `ids[starts[i]:starts[i + 1]]`. Its language is `languages[i]` (N,) int64,
    whose keywords, and what else means the same in every program, are `kept`.
    """

    vocabulary: tuple[str, ...]
    ids: Offsets
    starts: Offsets
    languages: Offsets
    kept: tuple[frozenset[str], ...]

    @cached_property
    def hashes(self) -> Hashes:
        """A hash of each token, (T,); it depends on the token alone."""
        values = [int(hash_bytes(token.encode())[:16], 16) for token in self.vocabulary]
        return np.array(values, dtype=np.uint64)[self.ids]

    @cached_property
    def renamed_hashes(self) -> Hashes:
        """As `hashes`, with the names that a program chose replaced by their order in it."""
        chosen = self._chosen_names()
        if not chosen.any():
            return self.hashes
        size = len(self.vocabulary)
        texts = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        held, first, places = np.unique(
            texts[chosen] * size + self.ids[chosen], return_index=True, return_inverse=True
        )
        order = np.lexsort((first, held // size))  # by text, then by first occurrence
        text_of = (held // size)[order]
        begins = np.searchsorted(text_of, text_of)
        ranks = np.empty_like(order)
        ranks[order] = np.arange(len(order)) - begins
        renamed = self.hashes.copy()
        renamed[chosen] = mix(ranks.astype(np.uint64))[places]
        return renamed

    def _chosen_names(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which tokens (T,) are names of variables; fields and methods are none."""
        names = np.array([bool(_NAME.fullmatch(token)) for token in self.vocabulary], dtype=bool)
        free = np.array(
            [[token not in kept for token in self.vocabulary] for kept in self.kept], dtype=bool
        )
        language = np.repeat(self.languages, np.diff(self.starts))
        marks = np.array([token in _MEMBER_MARKS for token in self.vocabulary], dtype=bool)
        member = np.zeros(len(self.ids) + 1, dtype=bool)
        member[1:] = marks[self.ids]
        member[self.starts[:-1]] = False  # what stands before is another text's
        chosen: np.ndarray[Any, np.dtype[np.bool_]] = (
            names[self.ids] & free[language, self.ids] & ~member[:-1]
        )
        return chosen


@dataclass(frozen=True)
class _Cutter:
    """How texts of a language are cut: what matches a token or comment, and what is none."""

    pattern: re.Pattern[str]
    comments: tuple[str, ...]
    kept: frozenset[str]


@cache
def _cutter(language: str | None) -> _Cutter:
    """That of what a record calls its language; the default one's, where nobody knows that."""
    rules = lexer_rules(language) or lexer_rules(DEFAULT_LANGUAGE)
    assert rules is not None
    comments = rules.comment_patterns(MOST_REPEATED)
    strings = [lexeme.pattern() for lexeme in rules.strings if not lexeme.lines]
    parts = [*comments.values(), _WORDS_AND_NUMBERS, *strings, _OPERATORS]
    kept = rules.keywords | rules.builtins
    return _Cutter(re.compile("|".join(parts), re.DOTALL), tuple(comments), kept)


def lex(texts: Iterable[str], languages: Iterable[str] | None = None) -> LexedTexts:
    """Cut texts into tokens, each as its record's language has it; without `languages` as Lua."""
    vocabulary: defaultdict[str, int] = defaultdict()
    vocabulary.default_factory = vocabulary.__len__
    cutters: defaultdict[_Cutter, int] = defaultdict()
    cutters.default_factory = cutters.__len__
    ids: list[int] = []
    lengths, of_text = [0], []
    pairs = zip(texts, repeat(None)) if languages is None else zip(texts, languages, strict=True)
    for text, language in pairs:
        before = len(ids)
        cutter = _cutter(language)
        found, comments = cutter.pattern.findall(text), cutter.comments
        ids.extend(vocabulary[token] for token in found if not token.startswith(comments))
        lengths.append(len(ids) - before)
        of_text.append(cutters[cutter])
    return LexedTexts(
        vocabulary=tuple(vocabulary),
        ids=np.array(ids, dtype=np.int64),
        starts=np.array(list(accumulate(lengths)), dtype=np.int64),
        languages=np.array(of_text, dtype=np.int64),
        kept=tuple(cutter.kept for cutter in cutters),
    )


def mix(values: Hashes) -> Hashes:
    """Spread 64-bit integers over their range (the finalizer of SplitMix64)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
