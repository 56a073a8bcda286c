"""Reading and writing JSON and JSONL: one writer, errors that name the file and the line."""

import gzip
import json
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any, Final

from knm.errors import UserError

# Bad syntax, bad UTF-8 and integers too long to convert are ValueErrors; nesting may be too deep.
_UNREADABLE = (ValueError, RecursionError)
_DAMAGED_GZIP = (gzip.BadGzipFile, EOFError, zlib.error)
GZIP_SUFFIX: Final = ".gz"
_SHOWN: Final = 200  # characters of a place that are told
_Place = tuple["_Place", int | str] | None  # where the part is that a step leads on from, the step


def dumps(value: Any, *, pretty: bool = False) -> str:
    """Serialise to one line, or indented. NaN and infinity are refused: they are not JSON."""
    separators = (",", ": ") if pretty else (",", ":")
    return json.dumps(
        value,
        ensure_ascii=False,
        allow_nan=False,
        indent=2 if pretty else None,
        separators=separators,
    )


def write_text(path: Path, text: str, *, durable: bool = False) -> None:
    """Replace a file atomically: a reader sees the old content or the new, never a part.

    It is compressed if its name ends in `.gz`; the same text then gives the same bytes. Where it
    is to be `durable`, the content is on the disk before the file is replaced.
    """
    _replace(path, [text], durable=durable)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines atomically, one at a time; they need not fit in memory together."""
    _replace(path, (line + "\n" for line in lines))


def _replace(path: Path, pieces: Iterable[str], *, durable: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            with _compressing(file) if path.suffix == GZIP_SUFFIX else nullcontext(file) as target:
                # A lone surrogate has no UTF-8; its backslash form is its JSON escape.
                target.writelines(piece.encode("utf-8", "backslashreplace") for piece in pieces)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        # mkstemp makes private files; a result is as readable as any other file of the user's.
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any, *, durable: bool = False) -> None:
    """Write `value` indented, atomically."""
    write_text(path, dumps(value, pretty=True) + "\n", durable=durable)


def write_jsonl(path: Path, values: Iterable[Mapping[str, Any]]) -> None:
    """Write one object a line, atomically; compressed if the name ends in `.gz`."""
    write_lines(path, map(dumps, values))


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; give a file") from None
    except _UNREADABLE as error:
        raise UserError(f"{path}: not valid JSON: {error}") from None


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, object) for each non-blank line; `.gz` files are decompressed.

    Raises:
        UserError: the file is missing or damaged, or a line is not a JSON object.
    """
    return ((number, parse_object(line, f"{path}:{number}")) for number, line in read_lines(path))


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line) for each non-blank line; `.gz` files are decompressed.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        file = _open(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; give a file") from None
    with file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
        except _DAMAGED_GZIP as error:
            raise UserError(f"{path}: not a sound gzip file: {error}") from None


def _compressing(file: IO[bytes]) -> gzip.GzipFile:
    """A compressed file in `file`, without a name or a date."""
    return gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)


def _open(path: Path) -> IO[bytes] | gzip.GzipFile:
    return gzip.GzipFile(path) if path.suffix == GZIP_SUFFIX else path.open("rb")


def find_surrogate(value: Any) -> str | None:
    """Where a JSON value holds an unpaired surrogate, such as `messages[0].content`; None: nowhere.

    A parser takes `"\\ud83d"`, half of a pair, for text; no encoding of Unicode can hold it.
    """
    # Without recursion: a value may be nested as deep as the parser goes. Places are chains of
    # steps, written out for the one that matters: names may be as long as the value itself.
    left: list[tuple[Any, _Place]] = [(value, None)]
    while left:
        part, place = left.pop()
        if isinstance(part, str):
            try:
                part.encode()
            except UnicodeEncodeError:
                return _written(place)
        elif isinstance(part, list):
            left += [(item, (place, number)) for number, item in enumerate(part)]
        elif isinstance(part, dict):
            left += [(name, (place, "(a name)")) for name in part]
            left += [(item, (place, name)) for name, item in part.items()]
    return None


def _written(place: _Place) -> str:
    steps = []
    while place is not None:
        place, step = place
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step[:_SHOWN]}")
    text = "".join(reversed(steps)).removeprefix(".") or "text"
    return text[:_SHOWN].encode("utf-8", "backslashreplace").decode()


def parse_object(line: bytes | str, where: str) -> dict[str, Any]:
    """Parse one JSON object; `where` names the place in the error.

    Raises:
        UserError: the text is not a JSON object.
    """
    try:
        value = json.loads(line.rstrip())
    except _UNREADABLE as error:
        # A line within a file has no lines of its own to be told.
        complaint = str(error)
        if isinstance(error, json.JSONDecodeError):
            complaint = f"{error.msg} (character {error.pos + 1})"
        raise UserError(f"{where}: not valid JSON: {complaint}") from None
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected a JSON object, found {type(value).__name__}")
    return value
