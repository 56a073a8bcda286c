"""Training corpora: records, reading and writing as JSONL."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError
from knm.hashing import hash_json
from knm.jsonio import read_jsonl, write_jsonl

EMBEDDED_CORPUS: Final = Path(__file__).parent / "lua_cp"
"""Directory of the packaged corpus: `train.jsonl`, `dev.jsonl`, `test.jsonl`."""

_REQUIRED = ("id", "statement", "program", "language", "source")


@dataclass(frozen=True)
class CorpusRecord:
    """One solved task. `extras` holds further fields, such as `operations` or `verified`."""

    id: str
    statement: str
    program: str
    language: str
    source: str
    extras: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The record as it stands in a JSONL file."""
        return {name: getattr(self, name) for name in _REQUIRED} | dict(self.extras)


def load_corpus(path: Path) -> tuple[CorpusRecord, ...]:
    """Read a JSONL corpus, compressed if its name ends in `.gz`.

    Raises:
        UserError: the file is missing or empty, a line lacks a field, or an id is repeated.
    """
    records: list[CorpusRecord] = []
    lines: dict[str, int] = {}
    for number, value in read_jsonl(path):
        record = _parse(value, f"{path}:{number}")
        if record.id in lines:
            raise UserError(
                f"{path}:{number}: id {record.id!r} stands already in line {lines[record.id]}; "
                "ids must be unique"
            )
        lines[record.id] = number
        records.append(record)
    if not records:
        raise UserError(f"{path}: the corpus is empty")
    return tuple(records)


def save_corpus(path: Path, records: Iterable[CorpusRecord]) -> None:
    """Write a JSONL corpus, replacing the file; compressed if its name ends in `.gz`."""
    write_jsonl(path, (record.to_json() for record in records))


def corpus_hash(records: Iterable[CorpusRecord]) -> str:
    """Hash of the records' content, in order."""
    return hash_json([record.to_json() for record in records])


def _parse(value: dict[str, Any], where: str) -> CorpusRecord:
    for name in _REQUIRED:
        if not isinstance(value.get(name), str):
            raise UserError(f"{where}: field {name!r} must be a string")
    extras = {name: item for name, item in value.items() if name not in _REQUIRED}
    required = {name: value[name] for name in _REQUIRED}
    return CorpusRecord(**required, extras=extras)
