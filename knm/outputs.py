"""Where results go, looked at before any work is done: no input is written over, nothing is lost.

Inputs are given as users name them. A name that does not lie here, as a hub id, is passed over.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from knm.errors import UserError, named

Input = str | Path | None
"""A file or directory that is read; None where an option was left out."""


@dataclass(frozen=True)
class Output:
    """What one option makes a command write: `files`, those that derive from its value included."""

    option: str
    files: tuple[Path, ...]


def check_outputs(
    outputs: Sequence[Output], inputs: Iterable[Input] = (), *, overwrite: bool = True
) -> None:
    """Refuse files that cannot be written, or must not be. Nothing is made or changed.

    Without `overwrite` none of them may exist.

    Raises:
        UserError: a file is an input, lies directly in a directory that is read, is written twice,
            is no ordinary file, or cannot be written; the message names option, file and mend.
    """
    read = list(_existing(inputs))
    written: list[Path] = []
    for output in outputs:
        for file in output.files:
            what = f"{output.option}: {file}"
            _check_file(what, file)
            for source in read:
                if same_place(file, source):
                    raise UserError(
                        f"{what} would be written over, and it is read; give another name"
                    )
                if source.is_dir() and same_place(file.parent, source):
                    raise UserError(
                        f"{what} would be one of the files of {source}, which is read; give "
                        "another directory"
                    )
            if any(same_place(file, other) for other in written):
                raise UserError(f"{what} would be written twice; give another name")
            if not overwrite and file.exists():
                raise UserError(
                    f"{what} exists; give another name, or {named('overwrite')} to replace it"
                )
            written.append(file)


def check_output_directory(
    option: str, directory: Path, inputs: Iterable[Input] = (), *, overwrite: bool = True
) -> None:
    """Refuse a directory for files of any name that cannot be written, or that holds an input.

    Without `overwrite` there may be nothing in it yet.

    Raises:
        UserError: it is a file, cannot be written, is a directory that is read, or a file that is
            read lies directly in it.
    """
    what = f"{option} {directory}"
    with _unwritable_named(what):
        if directory.exists() and not directory.is_dir():
            raise UserError(f"{what} is a file; give a directory")
        _probe(directory)
    for source in _existing(inputs):
        if same_place(directory, source):
            raise UserError(f"{what}: is read; give another directory for what is written")
        if not source.is_dir() and same_place(directory, source.parent):
            raise UserError(f"{what}: holds {source}, which is read; give a directory of its own")
    if not overwrite and directory.is_dir() and any(directory.iterdir()):
        raise UserError(
            f"{what}: there is something in it; give another directory, or {named('overwrite')} to "
            "write over it"
        )


def file_named(name: str | None) -> Path | None:
    """The file of a name that may be one of ours instead, such as a prompt template's."""
    return next((path for path in _existing([name]) if path.is_file()), None)


def same_place(one: Path, other: Path) -> bool:
    """Whether two paths name one file or directory, by whatever links; neither need exist."""
    if one.resolve() == other.resolve():
        return True
    try:
        return one.samefile(other)
    except OSError:
        return False


def hold_file(path: Path, mode: str) -> IO[bytes]:
    """Open a file for writing, in a directory made for it, that no other process then holds.

    It is held until it is closed, and however the process ends.

    Raises:
        UserError: it cannot be written, or another process holds it.
        FileExistsError: it is there, and `mode` wants a new one.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file: IO[bytes] = path.open(mode)
    except OSError as error:
        if isinstance(error, FileExistsError) and path.exists():
            raise
        raise UserError(
            f"{path}: cannot be written: {error.strerror}; choose another place"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UserError(
            f"{path}: another process is writing it; wait for its end, or choose another place"
        ) from None
    except OSError:  # a file system without locks
        pass
    return file


def _existing(inputs: Iterable[Input]) -> Iterator[Path]:
    for source in inputs:
        if source is None:
            continue
        try:
            path = Path(source)
            if path.exists():
                yield path
        except (OSError, ValueError):  # a hub id, or text that is no path at all
            continue


def _check_file(what: str, file: Path) -> None:
    with _unwritable_named(what):
        if file.is_dir():
            raise UserError(f"{what} is a directory; give a file's name")
        # A device or a pipe would be replaced by a file.
        if file.exists() and not file.is_file():
            raise UserError(f"{what} is no ordinary file; give another name")
        if file.exists() and not os.access(file, os.W_OK):
            raise UserError(f"{what} is write-protected; give another name")
        _probe(file.parent)
        with suppress(FileNotFoundError):  # the longest name it has, while it is written
            os.lstat(file.with_name(f".{file.name}.{'-' * 8}"))


def _probe(directory: Path) -> None:
    """Try whether files can be made in `directory`, or in what it would be made in."""
    lineage = (directory.absolute(), *directory.absolute().parents)
    existing = next(each for each in lineage if os.path.lexists(each))
    with tempfile.TemporaryFile(dir=existing):
        pass


@contextmanager
def _unwritable_named(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{what} cannot be written: {reason}; choose another place") from None


def shown_path(path: Path) -> Path:
    """A path as a reader of messages types it: from the working directory if it lies below."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
