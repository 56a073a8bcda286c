"""A datastore of the entries that pass some rules.

One of the rules leaves out what teaches another language's syntax (`knm.languages.foreign`). An
entry is foreign if its token is part of what a pattern matches, or stands behind it on the same
line. The text is that of the corpus record, or, without the corpus, of the values that the
datastore holds for the places right before and behind.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from knm.datastore.edit import select_rows
from knm.datastore.figures import TYPES, entry_types
from knm.datastore.store import Array, Datastore
from knm.errors import UserError, named
from knm.languages.foreign import foreign_spans
from knm.languages.vocabulary import token_texts
from knm.models import EncodedExample
from knm.progress import progress_bar

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

Texts = Callable[[], Mapping[int, str]]

DROPPED: Final = "dropped"
"""In the lineage of a filtered datastore: foreign entries by rule; one may be several rules'."""


@dataclass(frozen=True)
class FilterRules:
    """What an entry must be to be kept; a rule that is not set keeps all.

    `sources` and `records` name what its record is from, `token_types` what its value is, `newest`
    that its record is one of the last so many. `drop_records` leaves out those of these records,
    `drop_foreign` other languages' syntax.
    """

    sources: Sequence[str] = ()
    records: Sequence[str] = ()
    token_types: Sequence[str] = ()
    newest: int | None = None
    drop_records: Sequence[str] = ()
    drop_foreign: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        """The rules that are set, as plain JSON."""
        return {
            name: value if isinstance(value, int) else list(value)
            for name, value in asdict(self).items()
            if value is not None and value is not False and value != ()
        }


def filter_datastore(
    source: Datastore,
    out: Path,
    rules: FilterRules,
    *,
    texts: Texts,
    corpus: Mapping[str, EncodedExample] | None = None,
    device: "torch.device | str" = "cpu",
) -> Datastore:
    """Write the entries of `source` that pass all `rules` to the directory `out`.

    `texts` gives how each stored value is written; it is called where a rule needs it. With
    `corpus` `drop_foreign` reads the records as they were mined, else the stored values alone.

    Raises:
        UserError: no rule is set, a rule names what the datastore does not hold, nothing passes,
            or `out` holds another datastore.
    """
    arguments = rules.arguments
    if not arguments:
        raise UserError(
            f"filter: give at least one of {named('source')}, {named('record')}, "
            f"{named('token_type')}, {named('newest')}, {named('drop_records')}, "
            f"{named('drop_python')}"
        )
    keep = np.ones(len(source), dtype=bool)
    for passing in _passing(source, rules, texts):
        keep &= passing
    if rules.drop_foreign:
        foreign = foreign_entries(source, texts(), corpus)
        arguments["context"] = "values" if corpus is None else "corpus"
        arguments[DROPPED] = {name: int(mask.sum()) for name, mask in foreign.items()}
        for mask in foreign.values():
            keep &= ~mask
    return select_rows(source, keep, "filter", arguments, out, device=device)


def _passing(
    source: Datastore,
    rules: FilterRules,
    texts: Texts,
) -> Iterator[Array]:
    """For each rule on single entries that is set the mask (count,) of those that pass it."""
    record = np.asarray(source.provenance["record"])
    if rules.sources:
        origins = np.array([origin.source or "" for origin in source.records])
        yield _named(named("source"), rules.sources, origins, source)[record]
    if rules.records:
        yield _named(named("record"), rules.records, np.array(source.record_ids), source)[record]
    if rules.drop_records:
        ids = np.array(source.record_ids)
        yield ~_named(named("drop_records"), rules.drop_records, ids, source)[record]
    if rules.newest is not None:
        if rules.newest < 1:
            raise UserError(f"{named('newest')} {rules.newest}: must be at least 1 record")
        held = np.unique(record)  # others lost all their entries to an edit before
        yield np.isin(record, held[-rules.newest :])
    if rules.token_types:
        yield _of_types(source, rules.token_types, texts())


def _named(option: str, wanted: Sequence[str], names: Array, source: Datastore) -> Array:
    """Which of `names`, one a record, are wanted."""
    for name in wanted:
        if name not in names:
            known = ", ".join(sorted({str(each) for each in names} - {""})[:8]) or "none"
            raise UserError(
                f"{option} {name}: {source.path} holds none; it knows {known}"
                + (" (mine it again to note sources)" if known == "none" else "")
            )
    return np.isin(names, list(wanted))


def _of_types(source: Datastore, wanted: Sequence[str], texts: Mapping[int, str]) -> Array:
    known = {kind.label: kind for kind in TYPES}
    for name in wanted:
        if name not in known:
            raise UserError(
                f"{named('token_type')} {name}: unknown; choose one of {', '.join(known)}"
            )
    return np.isin(entry_types(source, texts), [known[name] for name in wanted])


def stored_texts(
    source: Datastore, tokenizer: "Tokenizer", corpus: Mapping[str, EncodedExample] | None = None
) -> Mapping[int, str]:
    """How each token is written that `source` holds, or that stands in `corpus`."""
    tokens = set(np.unique(source.values).tolist())
    for example in (corpus or {}).values():
        tokens.update(example.ids)
    return token_texts(tokenizer, tokens)


def foreign_entries(
    source: Datastore,
    texts: Mapping[int, str],
    corpus: Mapping[str, EncodedExample] | None = None,
) -> dict[str, Array]:
    """Of each rule that matches anywhere the mask (count,) of its entries, by name.

    `texts` is how each token is written, `corpus` the example that each record was mined as.

    Raises:
        UserError: the corpus is not that of the datastore.
    """
    foreign: dict[str, Array] = {}
    offsets = np.asarray(source.provenance["offset"])
    for record, rows in progress_bar(list(_by_record(source)), label="reading records"):
        held = dict(zip(offsets[rows].tolist(), source.values[rows].tolist(), strict=True))
        origin = source.records[record]
        runs = _runs(held) if corpus is None else [_whole(source, origin.id, held, corpus)]
        for start, ids in runs:
            for rule, first, end in _foreign_offsets(start, ids, texts, origin.language):
                mask = foreign.setdefault(rule, np.zeros(len(source), dtype=bool))
                mask[rows] |= (offsets[rows] >= first) & (offsets[rows] < end)
    return {name: mask for name, mask in foreign.items() if mask.any()}


def _foreign_offsets(
    start: int, ids: list[int], texts: Mapping[int, str], language: str | None
) -> Iterator[tuple[str, int, int]]:
    """Of tokens from the place `start` on, each rule that matches, and the places it matches at."""
    pieces = [texts[token] for token in ids]
    ends = np.cumsum([len(piece) for piece in pieces])
    for span in foreign_spans("".join(pieces), language):
        first = int(np.searchsorted(ends, span.begin, side="right"))
        last = int(np.searchsorted(ends, span.end, side="left"))
        yield span.rule, start + first, start + min(last + 1, len(ids))


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
            f"{named('corpus')}: record {record_id!r} is not what {source.path} was mined from: "
            f"give the same corpus and {named('prompt')}"
        )
    return example.target_start, list(ids[example.target_start :])
