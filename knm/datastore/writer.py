"""Writing a datastore: append rows, commit, and at the end measure and seal it."""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from knm.datastore.arrays import (
    KEY_DTYPES,
    LIKELY_DTYPE,
    PROVENANCE_DTYPE,
    VALUE_DTYPE,
    AppendableArray,
)
from knm.datastore.manifest import (
    MANIFEST_NAME,
    Calibration,
    Manifest,
    MiningStatistics,
    PromptDomain,
    TrialsInfo,
)
from knm.datastore.origins import RecordOrigin, write_origins
from knm.datastore.projection import Projection
from knm.datastore.store import (
    KEYS_NAME,
    LIKELY_NAME,
    PROVENANCE_NAME,
    VALUES_NAME,
    Datastore,
    hash_content,
)
from knm.errors import UserError

Measure = Callable[[Datastore], Calibration | TrialsInfo]
"""What is measured in a datastore, of tokens or of trials."""


@dataclass(frozen=True)
class Rows:
    """Entries to store: keys (n, dim) as stored, values (n,), provenance (n,).

    `likely` (n,) with the fields of `LIKELY_DTYPE`, or None, is written where the manifest says
    that the datastore has it.
    """

    keys: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]
    provenance: np.ndarray[Any, Any]
    likely: np.ndarray[Any, Any] | None = None

    @classmethod
    def of(cls, store: Datastore, places: slice | np.ndarray[Any, Any]) -> "Rows":
        """The entries of a datastore that stand in `places`."""
        return cls(
            store.keys[places],
            store.values[places],
            store.provenance[places],
            None if store.likely is None else store.likely[places],
        )

    def __len__(self) -> int:
        return len(self.values)

    @property
    def nbytes(self) -> int:
        """Bytes that they take on the disk."""
        likely = 0 if self.likely is None else self.likely.nbytes
        return int(self.keys.nbytes + self.values.nbytes + self.provenance.nbytes + likely)

    def first(self, count: int) -> "Rows":
        """The first `count` of them."""
        return Rows(
            self.keys[:count],
            self.values[:count],
            self.provenance[:count],
            None if self.likely is None else self.likely[:count],
        )


class StoreWriter:
    """Fills one datastore. Make it with `open_writer`."""

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        self._directory = directory
        self._manifest = manifest
        self._appended = count = manifest.count
        self._keys = AppendableArray(
            directory / KEYS_NAME, KEY_DTYPES[manifest.key_dtype], (manifest.dim,), count
        )
        self._values = AppendableArray(directory / VALUES_NAME, VALUE_DTYPE, (), count)
        self._provenance = AppendableArray(directory / PROVENANCE_NAME, PROVENANCE_DTYPE, (), count)
        self._likely = (
            AppendableArray(directory / LIKELY_NAME, LIKELY_DTYPE, (), count)
            if manifest.likely
            else None
        )

    @property
    def manifest(self) -> Manifest:
        """The manifest as it was last committed."""
        return self._manifest

    @property
    def examples_done(self) -> int:
        """How many examples, in mining order, or steps of an edit are committed."""
        return self._manifest.examples_done

    def append(self, rows: Rows, statistics: MiningStatistics | None = None) -> None:  # noqa: ARG002
        """Add `rows`, with which mining has come as far as `statistics`. Nobody sees them yet."""
        self._keys.append(rows.keys)
        self._values.append(rows.values)
        self._provenance.append(rows.provenance)
        if self._likely is not None:
            assert rows.likely is not None
            self._likely.append(rows.likely)
        self._appended += len(rows.values)

    def commit(
        self, rows: Rows | None, examples_done: int, statistics: MiningStatistics | None = None
    ) -> None:
        """Append `rows`, if any, and make all that was appended count, durably.

        The manifest is written last: it decides what counts.
        """
        if rows is not None:
            self.append(rows, statistics)
        for array in self._arrays():
            array.commit()
        changes: dict[str, Any] = {"count": self._appended, "examples_done": examples_done}
        if statistics is not None:
            changes |= {"statistics": statistics, "capacity": statistics.positions}
        self._manifest = replace(self._manifest, **changes)
        self._manifest.save(self._directory)

    def finish(self, measure: Measure, domain: PromptDomain | None = None) -> None:
        """Note what `measure` finds in the whole datastore, and seal it.

        `domain` is that of what was mined.
        """
        self.close()
        found = measure(Datastore.open(self._directory, unfinished=True))
        if isinstance(found, TrialsInfo):
            measured: dict[str, Any] = {"trials": found}
        else:
            measured = {"calibration": found}
        self.seal(**measured, domain=domain or self._manifest.domain)

    def seal(self, **changes: Any) -> None:
        """Say that the datastore is complete, with `changes` of its manifest."""
        self.close()
        sealed = hash_content(self._directory, self._manifest)
        self._manifest = replace(self._manifest, **changes, content_hash=sealed)
        self._manifest.save(self._directory)

    def close(self) -> None:
        """Close the files; what is not committed is lost."""
        for array in self._arrays():
            array.close()

    def _arrays(self) -> list[AppendableArray]:
        arrays = (self._keys, self._values, self._provenance, self._likely)
        return [array for array in arrays if array is not None]


@contextmanager
def open_writer(
    directory: Path,
    fresh: Manifest,
    records: Iterable[RecordOrigin],
    *,
    projection: Projection | None = None,
    writer_type: type[StoreWriter] = StoreWriter,
) -> Iterator[StoreWriter | None]:
    """A writer that begins the datastore `fresh` describes or resumes it; None if it is finished.

    `projection` is what the keys that will be written went through. Holds a lock meanwhile: a
    second process that writes into the same directory waits.

    Raises:
        UserError: `directory` holds a datastore that was made, or begun, from something else.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with _locked(directory):
        if (directory / MANIFEST_NAME).exists():
            manifest = Manifest.load(directory)
            if not manifest.finished and manifest.format_version != fresh.format_version:
                raise UserError(
                    f"{directory}: an earlier knm began this datastore, in format "
                    f"{manifest.format_version}: remove the directory and begin anew"
                )
            check_resumable(directory, manifest, fresh)
        else:
            manifest = fresh
            write_origins(directory, records)
            if projection is not None:
                projection.save(directory)
        if manifest.finished:
            yield None
            return
        writer = writer_type(directory, manifest)
        manifest.save(directory)  # last: what it speaks of is there
        try:
            yield writer
        finally:
            writer.close()


def check_resumable(directory: Path, begun: Manifest, fresh: Manifest) -> None:
    """Refuse to go on with a datastore that was begun from something else.

    Raises:
        UserError: naming what differs, there and now.
    """
    for what, theirs, ours in (
        *(
            (f"model {what}", theirs, ours)
            for what, theirs, ours in begun.model.differences(fresh.model)
        ),
        ("model dtype", begun.model.dtype, fresh.model.dtype),
        ("corpus", begun.corpus_hash, fresh.corpus_hash),
        ("examples", begun.examples_hash, fresh.examples_hash),
        ("mining options", dict(begun.mining), dict(fresh.mining)),
        ("projection", begun.projection, fresh.projection),
        ("lineage", begun.lineage, fresh.lineage),
        # A finished datastore stays what it is when torch is updated; half of one does not.
        ("package versions", begun.finished or begun.packages, begun.finished or fresh.packages),
    ):
        if theirs != ours:
            raise UserError(
                f"{directory}: holds a datastore with other {what}: {theirs} there, {ours} now: "
                "write into another directory, or remove this one to begin anew"
            )


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
