"""What a long task has found, on disk as it comes, so that it never has to find it twice."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from knm.errors import UserError
from knm.jsonio import dumps, parse_object
from knm.outputs import hold_file


class Journal:
    """An append-only JSONL file of `{"key": .., ...}`; a last line cut by a kill is dropped."""

    def __init__(self, path: Path, of: str) -> None:
        """Open, and read what is there. `of` says in errors what kind of task it is of: "a sweep".

        Raises:
            UserError: the file cannot be written, another process is writing it, or a line that is
                whole is no entry.
        """
        self._entries: dict[str, dict[str, Any]] = {}
        self._file = hold_file(path, "a+b")
        self._file.seek(0)
        *lines, _torn = self._file.read().split(b"\n")
        # A crash of the machine may leave a last line that is whole and yet nonsense.
        try:
            parse_object(lines[-1] if lines else b"{}", "last line")
        except UserError:
            lines.pop()
        for number, line in enumerate(lines, start=1):
            where = f"{path}:{number}"
            try:
                entry = parse_object(line, where)
            except UserError as error:
                raise UserError(f"{error}; remove the line, what it told is found anew") from None
            if "key" not in entry:
                raise UserError(f"{where}: no entry of {of}: remove the line")
            self._entries[entry["key"]] = entry
        self._file.truncate(sum(len(line) + 1 for line in lines))  # only what is ours
        self._file.seek(0, os.SEEK_END)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> dict[str, Any] | None:
        """What was found under a key."""
        return self._entries.get(key)

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep what was found; it is in the system's hands when this returns."""
        entry = {"key": key, **value}
        self._file.write(dumps(entry).encode() + b"\n")
        self._file.flush()
        self._entries[key] = entry

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def journal_path(out: Path) -> Path:
    """Where a task that makes a corpus keeps what it has found so far: beside the corpus."""
    return out.with_name(f"{out.name.removesuffix('.gz').removesuffix('.jsonl')}.journal.jsonl")
