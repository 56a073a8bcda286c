"""Accepted submissions to Codeforces: what its API tells of them, and their programs in files.

The API tells everything but the program. Programs are in a folder, each in a file that is called
by the submission's number, as `270418261.lua`, in folders of any name.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from knm.corpora import CorpusRecord
from knm.errors import UserError, named
from knm.gathering.importing.files import Unreadable, read_text, shown, walk_files
from knm.gathering.importing.found import Found, Origin, Skips
from knm.gathering.importing.licences import Licences
from knm.gathering.importing.submissions import ask_submissions, is_address
from knm.journal import Journal
from knm.jsonio import read_json

SOURCE: Final = "codeforces"
_NUMBER: Final = re.compile(r"\d{1,18}")
_ACCEPTED: Final = "OK"


class Codeforces:
    """Submissions in files of API answers, or asked of a server that speaks the API."""

    def __init__(self, origin: Origin) -> None:
        """Reads nothing yet.

        Raises:
            UserError: there is no folder of programs, or nothing says whose submissions are meant.
        """
        if origin.sources is None:
            raise UserError(
                f"{named('sources')}: the API tells no programs: name the folder that holds them, "
                f"each in a file called by its submission, such as 270418261{origin.suffix}"
            )
        if not origin.sources.is_dir():
            raise UserError(f"{named('sources')} {origin.sources}: no such folder")
        asked = bool(origin.handles or origin.contests)
        for place in origin.places:
            if is_address(place) and not asked:
                raise UserError(
                    f"{place}: say whose submissions are asked for: {named('handle')} or "
                    f"{named('contest')}"
                )
        if asked and not any(map(is_address, origin.places)):
            raise UserError(
                f"{named('handle')} and {named('contest')} are asked of a server: give its "
                "address, or leave them out"
            )
        self._origin, self._folder = origin, origin.sources

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files of answers, and the folder of programs."""
        files = (Path(place) for place in self._origin.places if not is_address(place))
        return (*files, self._folder)

    def find(self, skips: Skips, journal: Journal) -> Iterator[Found]:
        """The programs of accepted submissions in the language, each submission once."""
        files = self._programs(skips)
        licences = Licences(self._folder, skips, self._origin.licence)
        seen: set[int] = set()
        for submission in self._submissions(skips, journal):
            number = submission["id"]
            if number in seen:
                continue
            seen.add(number)
            name = f"submission {number}"
            path = files.get(number)
            if path is None:
                skips.note(name, "no program in the folder")
                continue
            try:
                program = read_text(path, self._folder, self._origin.encoding)
            except Unreadable as error:
                skips.note(f"{name}: {shown(path, self._folder)}", error.reason, error.detail)
                continue
            yield _found(submission, program, licences.of(path, program), self._origin)

    def _submissions(self, skips: Skips, journal: Journal) -> Iterator[dict[str, Any]]:
        """Those of all places that count; the others are noted by number and reason."""
        for place in self._origin.places:
            if is_address(place):
                pages = ask_submissions(place, self._origin, journal, self._wanted)
            else:
                pages = iter([self._wanted(_read_answer(Path(place)), place)])
            for kept, passed_over in pages:
                for reason, count in passed_over.items():
                    skips.note(place, reason, count=count)
                yield from kept

    def _wanted(
        self, submissions: Iterable[Any], place: str
    ) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """What is kept of an answer, as far as records need it, and why how many are not."""
        kept: list[dict[str, Any]] = []
        passed_over: dict[str, int] = {}
        for number, value in enumerate(submissions):
            submission = _read_submission(value)
            if submission is None:
                reason = f"no submission: result[{number}] of {place}"
            elif submission["verdict"] != _ACCEPTED:
                reason = "not accepted"
            elif not self._is_of_language(submission["programmingLanguage"]):
                reason = "another language"
            else:
                kept.append(submission)
                continue
            passed_over[reason] = passed_over.get(reason, 0) + 1
        return kept, passed_over

    def _is_of_language(self, compiler: str) -> bool:
        return self._compilers.search(compiler) is not None

    @cached_property
    def _compilers(self) -> re.Pattern[str]:
        """What the language is called: as it is given, or its name with any version behind it."""
        if self._origin.compilers:
            return re.compile("|".join(rf"\A{re.escape(one)}\Z" for one in self._origin.compilers))
        family = re.escape(self._origin.family)
        return re.compile(rf"(?<![a-z]){family}(?:jit)?(?![a-z+#])", re.IGNORECASE)

    def _programs(self, skips: Skips) -> dict[int, Path]:
        """The file of each submission; a number that two files have counts for neither."""
        files: dict[int, list[Path]] = {}
        for path in walk_files(self._folder, skips):
            if _NUMBER.fullmatch(path.stem):
                files.setdefault(int(path.stem), []).append(path)
        for number, paths in files.items():
            if len(paths) > 1:
                names = ", ".join(shown(path, self._folder) for path in paths)
                skips.note(f"submission {number}", "two files have its number", names)
        return {number: paths[0] for number, paths in files.items() if len(paths) == 1}


def _read_answer(path: Path) -> list[Any]:
    """The submissions in a file that holds an answer of the API.

    Raises:
        UserError: it holds something else, or an answer that tells of a failure.
    """
    value = read_json(path)
    if isinstance(value, Mapping) and value.get("status") == "FAILED":
        raise UserError(
            f"{path}: the API had answered with a failure ({value.get('comment', 'no comment')}): "
            "ask again"
        )
    result = value.get("result") if isinstance(value, Mapping) else value
    if not isinstance(result, list):
        raise UserError(
            f"{path}: no answer of user.status or contest.status: `result` has to be a list of "
            "submissions"
        )
    return result


def _read_submission(value: Any) -> dict[str, Any] | None:
    """The parts of a submission that count; None where one is missing or of a wrong type."""
    if not isinstance(value, Mapping) or not isinstance(value.get("problem"), Mapping):
        return None
    problem = value["problem"]
    number, index = value.get("id"), problem.get("index")
    contest = problem.get("contestId", value.get("contestId"))
    whole = all(
        isinstance(one, int) and not isinstance(one, bool) for one in (number, contest or 0)
    )
    if not whole or number is None or number < 0 or not isinstance(index, str):
        return None
    tags = problem.get("tags")
    rating = problem.get("rating")
    return {
        "id": number,
        "contest": contest,
        "set": str(problem.get("problemsetName") or ""),
        "index": index,
        "title": str(problem.get("name") or ""),
        "rating": rating if isinstance(rating, int) else None,
        "tags": [str(tag) for tag in tags] if isinstance(tags, list) else [],
        "verdict": str(value.get("verdict") or ""),
        "programmingLanguage": str(value.get("programmingLanguage") or ""),
    }


def _found(
    submission: Mapping[str, Any], program: str, licence: str | None, origin: Origin
) -> Found:
    contest = submission["contest"]
    problem = f"{submission['set'] if contest is None else contest}{submission['index']}"
    noted = {
        "title": submission["title"],
        "licence": licence,
        "contest": contest,
        "index": submission["index"],
        "rating": submission["rating"],
        "tags": submission["tags"],
        "compiler": submission["programmingLanguage"],
    }
    record = CorpusRecord(
        id=f"{SOURCE}-{submission['id']}",
        statement="",
        program=program,
        language=origin.language,
        source=origin.name or SOURCE,
        extras={name: value for name, value in noted.items() if value not in (None, "", [])},
        problem=problem,
    )
    return Found(record, (problem, f"{SOURCE}{problem}", f"cf{problem}"))
