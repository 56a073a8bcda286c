"""Which problems of a set: a condition, a list of ids, a drawn sample, the first few."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError, named
from knm.hashing import hash_json
from knm.problems.conditions import parse_condition, unknown_fields

ID_FIELD: Final = "question_id"
"""The name of a problem's id in conditions, whatever its kind calls it."""


@dataclass(frozen=True)
class Selection:
    """A part of a problem set, in the set's order; all of it by default.

    Problems have to meet the condition `where` (`knm.problems.conditions`), stand in the file `ids`
    (one id a line) and be among the `sample_problems` that are drawn of those; `limit` takes the
    first of what is left. A draw goes by the hash of `sample_seed` and a problem's id alone: two
    people draw alike, whatever the order of their files, and the problems of a smaller draw are
    among those of a larger one.
    """

    limit: int | None = None
    sample_problems: int | None = None
    sample_seed: int | None = None
    ids: str | None = None
    where: str | None = None

    @classmethod
    def of(cls, options: Any) -> "Selection":
        """That of any options that have these fields."""
        return cls(**{field.name: getattr(options, field.name) for field in fields(cls)})

    @property
    def is_all(self) -> bool:
        """Whether every problem is taken."""
        return self == Selection(sample_seed=self.sample_seed)

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files that are read for it."""
        return () if self.ids is None else (Path(self.ids),)

    def settings(self) -> dict[str, Any]:
        """What a report's configuration says of it; without this machine's paths."""
        told = {name: value for name, value in asdict(self).items() if value is not None}
        limit = told.pop("limit", None)
        if self.sample_problems is not None:
            told["sample_seed"] = self.sample_seed or 0
        if self.ids is not None:
            told["ids"] = hash_json(sorted(read_ids(Path(self.ids))))[:12]
        return {"limit": limit, **({"subset": told} if told else {})}

    def check(self) -> None:
        """Refuse what cannot be, without reading a problem.

        Raises:
            UserError: a number is below 1, the condition is none, or `ids` cannot be read.
        """
        for name in ("limit", "sample_problems"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(
                    f"{named(name)} {value}: take at least 1 problem, or leave it out for all"
                )
        if self.where is not None:
            parse_condition(self.where)
        if self.ids is not None:
            read_ids(Path(self.ids))

    def choose(self, rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[int]:
        """The places of the selected problems, given id and further fields of each, in order.

        No more rows are read than are needed: `limit` alone reads the first.

        Raises:
            UserError: as `check`; a field or an id is not in the set, or nothing is left.
        """
        self.check()
        places = ((place, name, extras) for place, (name, extras) in enumerate(rows))
        if self == Selection(limit=self.limit, sample_seed=self.sample_seed):
            yield from (place for place, _, _ in islice(places, self.limit))
            return
        known = list(places)
        chosen = self._meeting(self._named(known))
        if known and not chosen:
            raise UserError(
                f"{named('where')} {self.where!r}: holds of none of the {len(known)} problems"
            )
        if self.sample_problems is not None:
            drawn = sorted(chosen, key=lambda one: _draw(self.sample_seed or 0, one[1]))
            chosen = sorted(drawn[: self.sample_problems], key=lambda one: one[0])
        yield from (place for place, _, _ in chosen[: self.limit])

    def _meeting(self, known: list["_Place"]) -> list["_Place"]:
        if self.where is None:
            return known
        condition = parse_condition(self.where)
        there = sorted({ID_FIELD}.union(*(extras for _, _, extras in known)))
        unknown = unknown_fields(condition, there)
        if unknown:
            raise UserError(
                f"{named('where')} {self.where!r}: no problem has a field {unknown[0]!r}; there "
                f"are {', '.join(there)}"
            )
        return [one for one in known if condition.holds({**one[2], ID_FIELD: one[1]})]

    def _named(self, known: list["_Place"]) -> list["_Place"]:
        if self.ids is None:
            return known
        wanted = read_ids(Path(self.ids))
        there = {name for _, name, _ in known}
        for name, line in wanted.items():
            if name not in there:
                raise UserError(
                    f"{named('ids')} {self.ids}:{line}: the set has no problem {name!r}; take the "
                    "line out, or give the set that has it"
                )
        return [one for one in known if one[1] in wanted]


ALL: Final = Selection()

_Place = tuple[int, str, dict[str, Any]]


def read_ids(path: Path) -> dict[str, int]:
    """The ids that a file lists, one a line, each with its line; blank lines are passed over.

    Raises:
        UserError: the file cannot be read, or lists none.
    """
    if path.exists() and not path.is_file():
        raise UserError(
            f"{named('ids')} {path}: a pipe or a folder, and it is read several times; give a file"
        )
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{named('ids')} {path}: cannot be read ({error}); give a text file with one id a line"
        ) from None
    found = {line.strip(): number for number, line in enumerate(lines, start=1) if line.strip()}
    if not found:
        raise UserError(f"{named('ids')} {path}: lists no id; write one a line")
    return found


def _draw(seed: int, question_id: str) -> bytes:
    return hashlib.sha256(f"{seed}:{question_id}".encode()).digest()
