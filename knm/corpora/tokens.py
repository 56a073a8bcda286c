"""Programs as tokens, for comparing them: comments and white space do not count.

Made for Lua, close enough for languages like it. A list of tokens is one array of all texts, so
that what follows is a few array operations for a whole corpus.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, Final

import numpy as np

from knm.hashing import hash_bytes

_TOKEN: Final = re.compile(
    r"--\[\[.*?\]\]|--[^\n]*|[A-Za-z_]\w*|\d+(?:\.\d+)?"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|[~=<>!]=|\.\.+|\S",
    re.DOTALL,
)
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_KEPT: Final = frozenset(
    """
    and break do else elseif end false for function goto if in local nil not or repeat return
    then true until while
    assert coroutine error io ipairs math next os pairs pcall print select self setmetatable
    string table tonumber tostring type unpack
    """.split()  # noqa: SIM905
)
"""Names that mean the same in every program: keywords and what the language gives."""

_MEMBER_MARKS: Final = (".", ":")

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
Offsets = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class LexedTexts:
    """Tokens of N texts: `ids` (T,) int64 count `vocabulary`.

    Those of text i are `ids[starts[i]:starts[i + 1]]`.
    """

    vocabulary: tuple[str, ...]
    ids: Offsets
    starts: Offsets

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
        names = np.array(
            [bool(_NAME.fullmatch(token)) and token not in _KEPT for token in self.vocabulary],
            dtype=bool,
        )
        marks = np.array([token in _MEMBER_MARKS for token in self.vocabulary], dtype=bool)
        member = np.zeros(len(self.ids) + 1, dtype=bool)
        member[1:] = marks[self.ids]
        member[self.starts[:-1]] = False  # what stands before is another text's
        chosen: np.ndarray[Any, np.dtype[np.bool_]] = names[self.ids] & ~member[:-1]
        return chosen


def lex(texts: Iterable[str]) -> LexedTexts:
    """Cut texts into tokens."""
    vocabulary: defaultdict[str, int] = defaultdict()
    vocabulary.default_factory = vocabulary.__len__
    ids: list[int] = []
    lengths = [0]
    for text in texts:
        before = len(ids)
        ids.extend(
            vocabulary[token] for token in _TOKEN.findall(text) if not token.startswith("--")
        )
        lengths.append(len(ids) - before)
    return LexedTexts(
        vocabulary=tuple(vocabulary),
        ids=np.array(ids, dtype=np.int64),
        starts=np.array(list(accumulate(lengths)), dtype=np.int64),
    )


def mix(values: Hashes) -> Hashes:
    """Spread 64-bit integers over their range (the finalizer of SplitMix64)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
