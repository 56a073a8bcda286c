"""What an importer is given, what it finds, and what it passes over."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol

from knm.corpora import CorpusRecord
from knm.errors import UserError
from knm.journal import Journal
from knm.languages.language import load_language

UTF8: Final = "utf-8"


@dataclass(frozen=True)
class Origin:
    """Where programs are taken from, and which.

    `places` are folders or files, or the address of a server where an importer can ask one.
    `language` is what the programs are in; `encoding` that of text which is not UTF-8. `licence`
    is noted where no file states one, `name` as the records' source in place of the importer's own
    name for it. The others are for submissions alone: `sources` is the folder of their programs,
    `handles` and `contests` say whose are asked of a server, `pause` how many seconds lie between
    two questions at least, `retries` how often one is asked again that may pass, `compilers` what
    languages are called there.
    """

    places: tuple[str, ...]
    language: str = "lua"
    encoding: str = UTF8
    licence: str | None = None
    name: str | None = None
    sources: Path | None = None
    handles: tuple[str, ...] = ()
    contests: tuple[int, ...] = ()
    compilers: tuple[str, ...] = ()
    pause: float = 2.0
    retries: int = 8

    @property
    def folder(self) -> Path:
        """The one place, as a folder.

        Raises:
            UserError: there are several, or it is none.
        """
        if len(self.places) != 1:
            raise UserError(f"{' '.join(self.places) or 'no folder'}: give one folder")
        path = Path(self.places[0])
        if not path.is_dir():
            raise UserError(f"{path}: no such folder; give one of this machine")
        return path

    @property
    def suffix(self) -> str:
        """How names of files of the language end, such as `.lua`."""
        return PurePosixPath(load_language(self.language).execution.filename).suffix

    @property
    def family(self) -> str:
        """The language without its version, in lower case, such as `lua`."""
        return load_language(self.language).prompt.fence.lower()


@dataclass(frozen=True)
class Found:
    """A record as its source has it; `keys` are names that its problem may have in a problem set.

    Keys are compared without regard to case, spaces and punctuation, the likeliest first.
    """

    record: CorpusRecord
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Skip:
    """What was passed over: a file, function or submission, or several of a kind."""

    name: str
    reason: str
    detail: str = ""
    count: int = 1

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


@dataclass
class Skips:
    """All that was passed over, in the order in which it was met."""

    entries: list[Skip] = field(default_factory=list)

    def note(self, name: str, reason: str, detail: str = "", count: int = 1) -> None:
        """Note one thing, or `count` of a kind."""
        self.entries.append(Skip(name, reason, detail, count))

    @property
    def reasons(self) -> dict[str, int]:
        """How much was passed over for each reason, the most frequent first."""
        counts: Counter[str] = Counter()
        for entry in self.entries:
            counts[entry.reason] += entry.count
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


class Importer(Protocol):
    """Finds the programs of one kind of source."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files and folders that are read, none of which may be written over.

        Raises:
            UserError: one is missing, or an option is.
        """

    def find(self, skips: Skips, journal: Journal) -> Iterator[Found]:
        """The records one at a time, with ids of their own.

        What is passed over goes to `skips`; an importer that asks a server keeps in `journal` what
        it need not ask again.

        Raises:
            UserError: a file is not what it has to be, or a server is gone.
        """
