"""Content hashes: SHA-256 in hex, the one way this project names content."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def hash_bytes(*chunks: bytes) -> str:
    """Hash the concatenation of `chunks`."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def hash_json(value: Any) -> str:
    """Hash a JSON value by its canonical text, so that key order does not matter."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hash_bytes(text.encode())


def hash_file(path: Path) -> str:
    """Hash a file's content without reading it into memory at once."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_files(paths: Iterable[Path]) -> str:
    """Hash several files by name and content, independent of the order given."""
    return hash_json({path.name: hash_file(path) for path in paths})
