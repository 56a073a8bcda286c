"""Solutions to LeetCode in folders: a problem's folder with its statement and programs beside it.

Folders are called by number and name in any way (`0001-two-sum`, `1. Two Sum`, `118_PascalTree`) or
have a statement in them; a program may also stand alone, as leetcode.nvim leaves it
(`1.two-sum.lua`, the answer between its marks).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from knm.corpora import CorpusRecord
from knm.gathering.importing.files import Unreadable, first_text, read_text, shown, walk_files
from knm.gathering.importing.found import Found, Origin, Skips
from knm.gathering.importing.licences import Licences
from knm.gathering.importing.texts import plain_html, plain_markdown
from knm.journal import Journal

SOURCE: Final = "leetcode"
_NAMED: Final = re.compile(r"\[?0*(?P<number>\d{1,5})\]?(?:[.\-_ ]+(?P<title>\S.*))?")
_DIFFICULTIES: Final = re.compile(r"\b(Easy|Medium|Hard)\b")
_ADDRESS: Final = re.compile(r"leetcode\.(?:com|cn)/problems/(?P<slug>[a-z0-9-]+)")
_MARK: Final = r"^[^\w\n]*@leet (?:code )?{}\b.*$"
_BEGIN: Final = re.compile(_MARK.format("start"), re.MULTILINE)
_END: Final = re.compile(_MARK.format("end"), re.MULTILINE)
_TEST: Final = re.compile(r"(?:^|[._-])(?:tests?|spec|specs)(?:$|[._-])", re.IGNORECASE)
_STATEMENTS: Final = tuple(
    name + suffix
    for name in ("README_EN", "README", "statement", "description", "problem", "question")
    for suffix in (".md", ".markdown", ".html", ".txt", "")
)


@dataclass(frozen=True)
class _Problem:
    """What is known of the problem that a file is a solution to."""

    number: int | None
    title: str
    statement: str
    difficulty: str | None
    slug: str | None


class LeetCode:
    """Solutions in a folder of problems."""

    def __init__(self, origin: Origin) -> None:
        """Reads nothing yet.

        Raises:
            UserError: there is no such folder.
        """
        self._origin, self._root = origin, origin.folder

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The folder."""
        return (self._root,)

    def find(self, skips: Skips, journal: Journal) -> Iterator[Found]:  # noqa: ARG002
        """The solutions, in the order of their paths."""
        licences = Licences(self._root, skips, self._origin.licence)
        in_folder = cache(lambda folder: self._in_folder(folder, skips))
        for path in walk_files(self._root, skips, self._origin.suffix):
            name = shown(path, self._root)
            if _TEST.search(path.stem):
                skips.note(name, "a test, not a solution")
                continue
            if self._stands_alone(path):
                problem = self._by_name(path, skips)
            else:
                problem = in_folder(path.parent) or self._by_name(path, skips)
            if problem is None:
                skips.note(name, "no problem", "neither number nor statement beside it")
                continue
            try:
                text = read_text(path, self._root, self._origin.encoding)
            except Unreadable as error:
                skips.note(name, error.reason, error.detail)
                continue
            yield self._found(path, problem, text, licences.of(path, text))

    @staticmethod
    def _stands_alone(path: Path) -> bool:
        """Whether it is the file that has number and name, in a folder of many problems."""
        own = _NAMED.fullmatch(path.stem)
        return bool(own and own["title"]) and not _NAMED.fullmatch(path.parent.name)

    def _in_folder(self, folder: Path, skips: Skips) -> _Problem | None:
        """The problem whose folder this is, or one in it called by its language, such as `lua`."""
        if folder == self._root:
            return None
        if folder.name.lower() in {self._origin.family, "solution", "solutions"}:
            return self._in_folder(folder.parent, skips)
        text = first_text(self._root, folder, _STATEMENTS, skips, self._origin.encoding)
        return self._problem(folder.name, text)

    def _by_name(self, path: Path, skips: Skips) -> _Problem | None:
        """The problem of a program that stands with others, with a statement of its own name."""
        names = [path.stem + suffix for suffix in (".md", ".html", ".txt")]
        text = first_text(self._root, path.parent, names, skips, self._origin.encoding)
        return self._problem(path.stem, text)

    def _problem(self, name: str, text: str | None) -> _Problem | None:
        named = _NAMED.fullmatch(name)
        if named is None and text is None:
            return None
        title = (named and named["title"]) or ("" if named else name)
        statement = "" if text is None else self._statement(text)
        difficulty = _DIFFICULTIES.search((text or "")[:400])
        address = _ADDRESS.search(text or "")
        return _Problem(
            number=int(named["number"]) if named else None,
            title=_spaced(title),
            statement=statement,
            difficulty=difficulty[1] if difficulty else None,
            slug=address["slug"] if address else None,
        )

    def _statement(self, text: str) -> str:
        if text.lstrip().startswith("<"):
            return plain_html(text)
        return plain_markdown(text, self._origin.family)

    def _found(self, path: Path, problem: _Problem, text: str, licence: str | None) -> Found:
        slug = problem.slug or "-".join(problem.title.lower().split())
        numbered = None if problem.number is None else str(problem.number)
        noted = {
            "title": problem.title,
            "licence": licence,
            "difficulty": problem.difficulty,
            "path": shown(path, self._root),
        }
        record = CorpusRecord(
            id=f"{SOURCE}/{shown(path, self._root)}",
            statement=problem.statement,
            program=_marked(text),
            language=self._origin.language,
            source=self._origin.name or SOURCE,
            extras={name: value for name, value in noted.items() if value},
            problem=f"{SOURCE}-{numbered or slug}",
        )
        keys = (numbered, slug, f"{numbered}{slug}")
        return Found(
            record, tuple(f"{SOURCE}{key}" for key in keys if key) + tuple(filter(None, keys))
        )


def _marked(text: str) -> str:
    """What stands between the marks of leetcode.nvim, if they are there: the rest is its own."""
    begin = _BEGIN.search(text)
    if begin is None:
        return text
    end = _END.search(text, begin.end())
    return text[begin.end() : end.start() if end else len(text)].strip("\n") + "\n"


def _spaced(title: str) -> str:
    """`PascalTriangle` and `two-sum` as words."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", title)
    return " ".join(re.split(r"[\s_-]+", words)).strip(" .")
