"""What a datastore holds, in figures that its manifest has not: by type, source and record.

For them a token is typed by its text alone, as if it stood at the beginning of a line of code. It
may be half of an identifier or stand in a string; what needs to be sure of it must read the program
up to there.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from knm.datastore.store import Array, Datastore
from knm.languages.language import DEFAULT_LANGUAGE, lexer_rules
from knm.languages.lexer import open_lexer
from knm.languages.machine import TokenType

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TYPES: Final = (
    TokenType.KEYWORD,
    TokenType.OPERATOR,
    TokenType.IDENTIFIER,
    TokenType.LITERAL,
    TokenType.COMMENT,
    TokenType.WHITESPACE,
    TokenType.OUTSIDE,
)
"""In the order in which they are shown."""
UNKNOWN: Final = -1
"""The type of a token in a language that has no lexer."""
_UNSEEN: Final = -2

Types = np.ndarray[Any, np.dtype[np.int8]]


def type_alone(text: str, language: str | None) -> int:
    """The `TokenType` of a token that is written `text`, or `UNKNOWN`.

    `language` is what its corpus or datastore notes.
    """
    if lexer_rules(language) is None:
        return UNKNOWN
    return int(open_lexer(language or DEFAULT_LANGUAGE).type_alone(text.encode()))


def count_types(types: Types) -> dict[str, int]:
    """How many of the types (n,) are which, by label; `unknown` where there are such."""
    counts = np.bincount(types - UNKNOWN, minlength=len(TYPES) - UNKNOWN).tolist()
    named = {kind.label: counts[kind - UNKNOWN] for kind in TYPES}
    return named | ({"unknown": counts[0]} if counts[0] else {})


class TypeCounter:
    """Knows the types of a tokenizer's tokens; each token is decoded once for a language."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokenizer = tokenizer
        self._known: defaultdict[str | None, Types] = defaultdict(lambda: np.empty(0, np.int8))

    def types(self, ids: np.ndarray[Any, Any], language: str | None) -> Types:
        """The types (n,) of the tokens `ids` (n,) of a program; special ones are `outside`."""
        known = self._known[language]
        missing = int(ids.max(initial=-1)) + 1 - len(known)
        if missing > 0:
            known = np.pad(known, (0, missing + len(known)), constant_values=_UNSEEN)
            self._known[language] = known
        for token in np.unique(ids[known[ids] == _UNSEEN]).tolist():
            text = self._tokenizer.decode([token], skip_special_tokens=True)
            known[token] = type_alone(text, language)
        types: Types = known[ids]
        return types


@dataclass(frozen=True)
class Description:
    """Figures of a datastore.

    `bytes` by file; `utilisation` entries per position that its corpus has; `records` that have
    entries; entries by `sources` (of their record; `unknown` where it was not noted) and by
    `token_types` of the value; None where no tokenizer told how values are written. `mistakes` are
    entries where the LM was wrong.
    """

    bytes: Mapping[str, int]
    utilisation: float | None
    mistakes: int
    records: int
    sources: Mapping[str, int]
    token_types: Mapping[str, int] | None


def describe_datastore(store: Datastore, texts: Mapping[int, str] | None) -> Description:
    """Count; `texts` is how each stored value is written."""
    count, capacity = len(store), store.manifest.capacity
    files = sorted(path for path in store.path.iterdir() if path.is_file())
    records, entries = np.unique(store.provenance["record"], return_counts=True)
    sources = Counter[str]()
    for record, number in zip(records.tolist(), entries.tolist(), strict=True):
        sources[store.records[record].source or "unknown"] += number
    return Description(
        bytes={path.name: path.stat().st_size for path in files},
        utilisation=count / capacity if capacity else None,
        mistakes=int((store.provenance["predicted"] != store.values).sum()),
        records=len(records),
        sources=dict(sources.most_common()),
        token_types=None if texts is None else count_types(entry_types(store, texts)),
    )


def entry_types(store: Datastore, texts: Mapping[int, str]) -> Array:
    """The type of each entry's value (count,) int8, see `type_alone`."""
    values = np.asarray(store.values)
    languages = [origin.language for origin in store.records]
    record = np.asarray(store.provenance["record"])
    types = np.full(len(store), UNKNOWN, np.int8)
    for language in set(languages):
        rows = np.isin(record, [at for at, each in enumerate(languages) if each == language])
        tokens, places = np.unique(values[rows], return_inverse=True)
        kinds = [type_alone(texts[token], language) for token in tokens.tolist()]
        types[rows] = np.array(kinds, np.int8)[places]
    return types
