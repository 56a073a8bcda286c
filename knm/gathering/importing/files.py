"""Reading files that others have made: whatever they are, nothing but text comes of them."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from knm.errors import UserError
from knm.gathering.importing.found import UTF8, Skips

MOST_BYTES: Final = 1 << 20
"""Longer files are no programs of a contest or a library: they are data."""

OUTSIDE: Final = "link out of the folder"
NOT_TEXT: Final = "not text"
BAD_ENCODING: Final = "bad encoding"
TOO_LONG: Final = "too long"
UNREADABLE: Final = "cannot be read"
_PASSED_OVER: Final = frozenset({".git", ".hg", ".svn"})


class Unreadable(Exception):
    """A file that gives no text: `reason` says why in a word or two, `detail` in full."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def walk_files(
    root: Path, skips: Skips, suffix: str | None = None, *, below: Path | None = None
) -> Iterator[Path]:
    """The files of `root`, or of a folder in it, whose names end in `suffix`, ordered by name.

    Linked folders are not gone into: what they lead to within `root` is met in its own place.
    """

    def failed(error: OSError) -> None:
        skips.note(str(error.filename), UNREADABLE, error.strerror or "")

    for directory, folders, files in os.walk(below or root, onerror=failed):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
        for name in folders:
            folder = Path(directory, name)
            if folder.is_symlink() and not lies_in(folder, root):
                skips.note(shown(folder, root), OUTSIDE)
        for name in sorted(files):
            if suffix is None or name.lower().endswith(suffix):
                yield Path(directory, name)


def read_text(path: Path, root: Path, encoding: str = UTF8, most: int = MOST_BYTES) -> str:
    r"""A file's text: UTF-8, or else in `encoding`, without a byte order mark, lines ended by `\n`.

    Raises:
        Unreadable: it is no ordinary file in `root`, is longer than `most` bytes, or no text.
    """
    try:
        if not lies_in(path, root):
            raise Unreadable(OUTSIDE, str(path.readlink()) if path.is_symlink() else "")
        # Not opened first: a pipe would keep whoever opens it waiting.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(NOT_TEXT, "no ordinary file")
        if status.st_size > most:
            raise Unreadable(TOO_LONG, f"{status.st_size:,} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(UNREADABLE, error.strerror or str(error)) from None
    return decode(data, encoding)


def decode(data: bytes, encoding: str = UTF8) -> str:
    r"""Text of bytes: UTF-8, or else in `encoding`, without a byte order mark, lines ended by `\n`.

    Raises:
        Unreadable: they are no text.
    """
    if b"\0" in data or data.startswith(b"\x1b"):  # the latter: a compiled program of Lua
        raise Unreadable(NOT_TEXT, "it holds bytes that no text has")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if encoding == UTF8:
            byte = data[error.start]
            raise Unreadable(BAD_ENCODING, f"byte {byte:#04x} at {error.start:,}") from None
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as other:
            raise Unreadable(BAD_ENCODING, str(other)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_encoding(encoding: str, option: str) -> None:
    """See that there is such an encoding of text.

    Raises:
        UserError: there is none.
    """
    try:
        b"x".decode(encoding)
    except UnicodeDecodeError:  # it is no text in it, and yet there is such an encoding
        return
    except (LookupError, ValueError):
        raise UserError(f"{option} {encoding}: unknown; give one such as latin-1") from None


def first_text(
    root: Path, folder: Path, names: Iterable[str], skips: Skips, encoding: str
) -> str | None:
    """The text of the first file in `folder` that has one of `names`, in any case, and a text."""
    entries = reversed(list_folder(root, folder, skips))
    there = {entry.name.lower(): entry for entry in entries}
    for name in names:
        path = there.get(name.lower())
        if path is None or path.is_dir():
            continue
        try:
            return read_text(path, root, encoding)
        except Unreadable as error:
            skips.note(shown(path, root), error.reason, error.detail)
    return None


def list_folder(root: Path, folder: Path, skips: Skips) -> list[Path]:
    """What is in a folder, ordered by name; nothing where it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        skips.note(shown(folder, root), UNREADABLE, error.strerror or "")
        return []


def shown(path: Path, root: Path) -> str:
    """A path as records name it: from `root`, with `/` between its parts."""
    return path.relative_to(root).as_posix()


def lies_in(path: Path, root: Path) -> bool:
    """Whether a path leads to something below `root`, or would if it were there."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except RuntimeError:  # links in a circle
        return False
