"""A study's plan: a YAML file, in which the options of the command line may be changed.

problems: embedded            # any setting of `StudySettings`, by its name
dev_problems: dev.jsonl       # a file is looked for beside the plan first
datastores:
  mistakes: {positions: mistakes}             # fields of `StorePlan`
  clean: {of: mistakes, drop_python: true}    # made of another one
rows:                         # beside the LM alone
  - {preset: v1, datastore: mistakes}
grid:                         # tuned on the dev problems alone; `space` is as `knm sweep` has it
  preset: v1
  datastore: mistakes
  space: {k: [4, 16], weight: [0.25, 0.5]}
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import yaml

from knm.errors import UserError
from knm.option_fields import Option, OptionField, check_options, options_of
from knm.options import (
    DecodingOptions,
    KeyKind,
    LanguageName,
    ModelOptions,
    Positions,
    ProblemSetName,
    RunOptions,
    SandboxOptions,
    TemplateName,
    Workers,
)
from knm.packaged import EMBEDDED, find_corpus
from knm.retrieval.preset_files import check_preset_name, is_preset_file

LM: Final = "lm"
"""The name of the row of the LM alone."""

TUNED: Final = "tuned"
"""The name of the row whose settings the grid has chosen."""

_FILES: Final = ("model", "problems", "dev_problems", "corpus", "prompt")
_PARTS: Final = ("datastores", "rows", "grid")
Part = TypeVar("Part")


@dataclass(frozen=True, kw_only=True)
class StudySettings(SandboxOptions, DecodingOptions, ModelOptions):
    """What all steps of a study have in common; each may be given in its file and typed."""

    problems: ProblemSetName = EMBEDDED
    dev_problems: Annotated[
        str | None, Option("problems that the grid is tuned on, and nothing else", "NAME|PATH")
    ] = None
    limit: Annotated[int | None, Option("only the first N of either", "N", least=1)] = None
    corpus: Annotated[str | None, Option("JSONL corpus of the datastores", "FILE")] = None
    records: Annotated[
        int | None, Option("only its first N records, without programs that failed", "N", least=1)
    ] = None
    prompt: TemplateName = "task"
    language: LanguageName = "lua"
    workers: Workers = None

    @property
    def corpus_path(self) -> Path:
        """The corpus, or the packaged one."""
        return find_corpus(self.corpus)

    def run_options(self, problems: str, **knn: Any) -> RunOptions:
        """The options of one run of the bench over `problems`."""
        shared = {option.name for option in options_of(RunOptions)}
        given = {
            one.name: getattr(self, one.name) for one in fields(self) if one.name in shared
        } | {"problems": problems}
        return RunOptions(**given, **knn)


@dataclass(frozen=True, kw_only=True)
class StorePlan:
    """How a datastore is made: mined, or of another one."""

    positions: Positions = "all"
    key_kind: KeyKind = "final-norm"
    corpus: Annotated[str | None, Option("corpus of its own", "FILE")] = None
    of: Annotated[str | None, Option("the datastore that it is made of", "NAME")] = None
    drop_python: Annotated[bool, Option("leave out entries in another language's syntax")] = False


@dataclass(frozen=True, kw_only=True)
class RowPlan:
    """One run with a datastore."""

    preset: Annotated[str, Option("retrieval configuration", "NAME|FILE")]
    datastore: Annotated[str, Option("one of the datastores", "NAME")]
    name: Annotated[str | None, Option("what the report calls it", "NAME")] = None


@dataclass(frozen=True)
class GridPlan:
    """What is tuned: a base preset, a datastore and the space, raw as the file has it."""

    preset: str
    datastore: str
    space: Mapping[str, Any]


@dataclass(frozen=True)
class StudyPlan:
    """Everything that a study does; `path` is its file. Row names are unique."""

    path: Path
    settings: StudySettings
    datastores: Mapping[str, StorePlan]
    rows: tuple[RowPlan, ...]
    grid: GridPlan | None = None
    typed: Mapping[str, Any] = field(default_factory=dict)


def read_plan(path: Path, typed: Mapping[str, Any] | None = None) -> StudyPlan:
    """Read a plan; `typed` are settings that hold in place of the file's.

    Raises:
        UserError: naming the file and the key: no such file, malformed, an unknown key, a value of
            another type or out of range, or a name of what the plan does not hold.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; give a plan such as examples/study.yaml")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path}: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: not a plan: expected lines such as `problems: embedded`")
    own = {key: value for key, value in content.items() if key not in _PARTS}
    settings = _read_part(StudySettings, own, str(path), also=_PARTS)
    settings = replace(settings, **(_beside(settings, path.parent) | dict(typed or {})))
    check_options(settings)
    stores = {
        str(name): _read_store(value, path, str(name))
        for name, value in _mapping(content.get("datastores"), f"{path}: datastores").items()
    }
    plan = StudyPlan(
        path,
        settings,
        stores,
        tuple(_read_rows(content.get("rows"), path)),
        _read_grid(content.get("grid"), path),
        dict(typed or {}),
    )
    _check(plan)
    return plan


def _check(plan: StudyPlan) -> None:
    """Refuse names that the plan does not hold, or that stand for two things."""
    where, known = plan.path, list(plan.datastores)

    def look_up(name: str, place: str, among: Iterable[str]) -> None:
        if name not in among:
            told = ", ".join(among) or "none"
            raise UserError(f"{where}: {place}: datastore {name!r}: unknown; there are: {told}")

    for number, (name, store) in enumerate(plan.datastores.items()):
        if store.of is not None:
            look_up(store.of, f"datastores: {name}: of", known[:number])
            if not store.drop_python:
                raise UserError(f"{where}: datastores: {name}: of {store.of}: give drop_python")
        elif store.drop_python:
            raise UserError(
                f"{where}: datastores: {name}: drop_python: give `of`, the datastore it is made of"
            )
    seen = {LM, TUNED}
    for row in plan.rows:
        look_up(row.datastore, f"rows: {row.name}", known)
        if row.name in seen:
            raise UserError(f"{where}: rows: {row.name} is given twice: give `name` to one")
        seen.add(str(row.name))
    if plan.grid is None:
        return
    look_up(plan.grid.datastore, "grid", known)
    if plan.settings.dev_problems is None:
        raise UserError(
            f"{where}: grid: give dev_problems, which it is tuned on: never those that are reported"
        )


def _beside(settings: StudySettings, folder: Path) -> dict[str, str]:
    """The files that lie beside the plan, by the settings that name them."""
    given = {name: getattr(settings, name) for name in _FILES}
    return {
        name: str(folder / value)
        for name, value in given.items()
        if value is not None and (folder / value).exists()
    }


def _read_store(value: Any, path: Path, name: str) -> StorePlan:
    _check_name(name, f"{path}: datastores")
    store = _read_part(StorePlan, value, f"{path}: datastores: {name}")
    if store.corpus is not None and (path.parent / store.corpus).exists():
        return replace(store, corpus=str(path.parent / store.corpus))
    return store


def _read_rows(value: Any, path: Path) -> list[RowPlan]:
    if not isinstance(value, list) or not value:
        raise UserError(f"{path}: rows: must be a list such as [{{preset: v1, datastore: all}}]")
    rows = []
    for number, given in enumerate(value):
        row = _read_part(RowPlan, given, f"{path}: rows[{number}]")
        name = row.name or Path(row.preset).stem
        row = replace(row, name=name, preset=_read_preset(row.preset, path, f"rows: {name}"))
        _check_name(str(row.name), f"{path}: rows[{number}]")
        rows.append(row)
    return rows


def _read_preset(name: str, path: Path, place: str) -> str:
    """The preset of a name, which may be that of a file beside the plan."""
    beside = path.parent / name
    found = str(beside) if is_preset_file(name) and beside.is_file() else name
    try:
        check_preset_name(found)
    except UserError as error:
        raise UserError(f"{path}: {place}: {error}") from None
    return found


def _check_name(name: str, where: str) -> None:
    """Names become those of files."""
    if not name or not all(each.isalnum() or each in "-_." for each in name) or name[0] == ".":
        raise UserError(f"{where}: name {name!r}: take letters, digits, - _ and .")


def _read_grid(value: Any, path: Path) -> GridPlan | None:
    if value is None:
        return None
    where = f"{path}: grid"
    given = _mapping(value, where)
    unknown = given.keys() - {"preset", "datastore", "space"}
    if unknown:
        raise UserError(
            f"{where}: {min(map(str, unknown))}: unknown; give preset, datastore, space"
        )
    for name in ("preset", "datastore"):
        if not isinstance(given.get(name), str):
            raise UserError(f"{where}: {name}: must be a name")
    return GridPlan(
        _read_preset(given["preset"], path, "grid"),
        given["datastore"],
        _mapping(given.get("space"), f"{where}: space"),
    )


def _mapping(value: Any, where: str) -> dict[Any, Any]:
    if not isinstance(value, dict) or not value:
        raise UserError(f"{where}: must be a mapping with at least one key")
    return value


def _read_part(kind: type[Part], value: Any, where: str, also: Iterable[str] = ()) -> Part:
    """A dataclass of options from a mapping of its fields; `also` are further keys, to be told."""
    if not isinstance(value, dict):
        raise UserError(f"{where}: must be a mapping")
    known = {option.name: option for option in options_of(kind)}
    given = {}
    for key, item in value.items():
        if key not in known:
            raise UserError(f"{where}: {key}: unknown; choose from {', '.join([*known, *also])}")
        given[key] = _typed(known[key], item, where)
    for name, option in known.items():
        if option.required and name not in given:
            raise UserError(f"{where}: {name} is missing: {option.option.help}")
    part = kind(**given)
    try:
        check_options(part)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    return part


def _typed(option: OptionField, value: Any, where: str) -> Any:
    if value is None and not option.required and option.default is None:
        return None
    if option.type is float and type(value) is int:
        return float(value)
    if type(value) is not option.type:
        name = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
        raise UserError(f"{where}: {option.name}: {value!r}: must be {name[option.type]}")
    return value
