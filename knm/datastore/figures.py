"""What a datastore holds, in figures that its manifest has not: by type, source and record."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from knm.datastore.store import Array, Datastore
from knm.models.token_types import TokenType, token_type

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TYPES: Final = tuple(TokenType)
_UNKNOWN: Final = -1


class TypeCounter:
    """Knows the types of a tokenizer's tokens; each token is decoded once."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokenizer = tokenizer
        self._known = np.empty(0, dtype=np.int8)

    def count(self, ids: np.ndarray[Any, Any]) -> dict[str, int]:
        """How many of the tokens `ids` (n,) are of each type; special tokens are `other`."""
        missing = int(ids.max(initial=-1)) + 1 - len(self._known)
        if missing > 0:
            room = missing + len(self._known)
            self._known = np.pad(self._known, (0, room), constant_values=_UNKNOWN)
        for token in np.unique(ids[self._known[ids] == _UNKNOWN]).tolist():
            text = self._tokenizer.decode([token], skip_special_tokens=True)
            self._known[token] = TYPES.index(token_type(text))
        counts = np.bincount(self._known[ids], minlength=len(TYPES)).tolist()
        return {kind.value: count for kind, count in zip(TYPES, counts, strict=True)}


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
        token_types=None if texts is None else _count_types(store, texts),
    )


def entry_types(store: Datastore, texts: Mapping[int, str]) -> Array:
    """The type of each entry's value, as its place in `TYPES` (count,) int8."""
    tokens, places = np.unique(np.asarray(store.values), return_inverse=True)
    kinds = [TYPES.index(token_type(texts[token])) for token in tokens.tolist()]
    types: Array = np.array(kinds, np.int8)[places]
    return types


def _count_types(store: Datastore, texts: Mapping[int, str]) -> dict[str, int]:
    counts = np.bincount(entry_types(store, texts), minlength=len(TYPES)).tolist()
    return {kind.value: count for kind, count in zip(TYPES, counts, strict=True)}
