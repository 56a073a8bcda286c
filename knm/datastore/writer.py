"""Writing a datastore: append rows, commit, and at the end measure and seal it."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from knm.datastore.arrays import KEY_DTYPES, PROVENANCE_DTYPE, VALUE_DTYPE, AppendableArray
from knm.datastore.calibration import calibrate
from knm.datastore.manifest import MANIFEST_NAME, Manifest
from knm.datastore.origins import RecordOrigin, write_origins
from knm.datastore.projection import Projection
from knm.datastore.store import (
    KEYS_NAME,
    PROVENANCE_NAME,
    VALUES_NAME,
    Datastore,
    hash_content,
)
from knm.errors import UserError


@dataclass(frozen=True)
class Rows:
    """Entries to store: keys (n, dim) as stored, values (n,), provenance (n,)."""

    keys: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]
    provenance: np.ndarray[Any, Any]


class StoreWriter:
    """Fills one datastore. Make it with `open_writer`."""

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        self._directory = directory
        self._manifest = manifest
        count = manifest.count
        self._keys = AppendableArray(
            directory / KEYS_NAME, KEY_DTYPES[manifest.key_dtype], (manifest.dim,), count
        )
        self._values = AppendableArray(directory / VALUES_NAME, VALUE_DTYPE, (), count)
        self._provenance = AppendableArray(directory / PROVENANCE_NAME, PROVENANCE_DTYPE, (), count)

    @property
    def examples_done(self) -> int:
        """How many examples, in mining order, or steps of an edit are committed."""
        return self._manifest.examples_done

    def commit(self, rows: Rows, examples_done: int) -> None:
        """Append `rows` durably. The manifest is written last: it decides what counts."""
        for array, part in (
            (self._keys, rows.keys),
            (self._values, rows.values),
            (self._provenance, rows.provenance),
        ):
            array.append(part)
            array.commit()
        self._manifest = replace(
            self._manifest,
            count=self._manifest.count + len(rows.values),
            examples_done=examples_done,
        )
        self._manifest.save(self._directory)

    def finish(self, device: torch.device) -> None:
        """Calibrate on `device` and seal the datastore."""
        self.close()
        store = Datastore.open(self._directory, unfinished=True)
        self._manifest = replace(
            self._manifest,
            calibration=calibrate(store, device),
            content_hash=hash_content(self._directory, self._manifest),
        )
        self._manifest.save(self._directory)

    def close(self) -> None:
        """Close the files; what is not committed is lost."""
        for array in (self._keys, self._values, self._provenance):
            array.close()


@contextmanager
def open_writer(
    directory: Path,
    fresh: Manifest,
    records: Iterable[RecordOrigin],
    *,
    projection: Projection | None = None,
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
            _check_resumable(directory, manifest, fresh)
        else:
            manifest = fresh
            write_origins(directory, records)
            if projection is not None:
                projection.save(directory)
            manifest.save(directory)
        if manifest.finished:
            yield None
            return
        writer = StoreWriter(directory, manifest)
        try:
            yield writer
        finally:
            writer.close()


def _check_resumable(directory: Path, begun: Manifest, fresh: Manifest) -> None:
    for what, theirs, ours in (
        ("model weights", begun.model.weights_hash, fresh.model.weights_hash),
        ("tokenizer", begun.model.tokenizer_hash, fresh.model.tokenizer_hash),
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
