"""Content hashes: SHA-256 in hex, the one way this project names content."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def hash_bytes(*chunks: bytes) -> str:
    """Hash the concatenation of `chunks`."""
    return hash_stream(chunks)


def hash_stream(chunks: Iterable[bytes]) -> str:
    """Hash the concatenation of `chunks`, which need not fit in memory together."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def hash_json(value: Any) -> str:
    """Hash a JSON value by its canonical text, so that key order does not matter."""
    return hash_bytes(_canonical(value))


def hash_json_items(items: Iterable[Any]) -> str:
    """Hash a JSON list as `hash_json` does, one item at a time."""

    def pieces() -> Iterator[bytes]:
        yield b"["
        for number, item in enumerate(items):
            yield (b"," if number else b"") + _canonical(item)
        yield b"]"

    return hash_stream(pieces())


def _canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate has no UTF-8; its backslash form is its JSON escape.
    return text.encode("utf-8", "backslashreplace")


def hash_file(path: Path) -> str:
    """Hash a file's content without reading it into memory at once."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
