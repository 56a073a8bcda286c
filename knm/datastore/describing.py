"""What a datastore holds, in figures that are not in its manifest."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from knm.datastore.store import Array, Datastore
from knm.datastore.type_counts import UNKNOWN, count_types, type_alone


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
