"""A datastore of the entries that pass some rules."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from knm.datastore.describing import entry_types
from knm.datastore.editing.foreign import foreign_entries
from knm.datastore.editing.selecting import select_rows
from knm.datastore.store import Array, Datastore
from knm.datastore.type_counts import TYPES
from knm.errors import UserError
from knm.models import EncodedExample

if TYPE_CHECKING:
    import torch

Texts = Callable[[], Mapping[int, str]]


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
            "filter: give at least one of --source, --record, --token-type, --newest, "
            "--drop-records, --drop-python"
        )
    keep = np.ones(len(source), dtype=bool)
    for passing in _passing(source, rules, texts, corpus):
        keep &= passing
    if rules.drop_foreign:
        arguments["context"] = "values" if corpus is None else "corpus"
    return select_rows(source, keep, "filter", arguments, out, device=device)


def _passing(
    source: Datastore,
    rules: FilterRules,
    texts: Texts,
    corpus: Mapping[str, EncodedExample] | None,
) -> Iterator[Array]:
    """For each rule that is set the mask (count,) of the entries that pass it."""
    record = np.asarray(source.provenance["record"])
    if rules.sources:
        origins = np.array([origin.source or "" for origin in source.records])
        yield _named("--source", rules.sources, origins, source)[record]
    if rules.records:
        yield _named("--record", rules.records, np.array(source.record_ids), source)[record]
    if rules.drop_records:
        ids = np.array(source.record_ids)
        yield ~_named("--drop-records", rules.drop_records, ids, source)[record]
    if rules.newest is not None:
        if rules.newest < 1:
            raise UserError(f"--newest {rules.newest}: must be at least 1 record")
        yield record >= len(source.records) - rules.newest
    if rules.token_types:
        yield _of_types(source, rules.token_types, texts())
    if rules.drop_foreign:
        yield ~foreign_entries(source, texts(), corpus)


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
            raise UserError(f"--token-type {name}: unknown; choose one of {', '.join(known)}")
    return np.isin(entry_types(source, texts), [known[name] for name in wanted])
