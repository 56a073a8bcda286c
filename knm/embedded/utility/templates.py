"""The templates of utility functions and classes, as they stand in `templates/*.yaml`.

A template's text holds roles (`$list`: a variable, which gets one of several names), choices
(`<<a|b>>`, on one line; `¶` begins a new line in it) and idioms (`@EACH($list)`,
`@PUSH($out, $v)`). `$f` is the function itself, `$m` the method, `$C` the class, `$K` a number.
A check is a Lua expression, ` == `, and what it should be equal to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

_DIRECTORY: Final = Path(__file__).parent / "templates"
_CLASSES: Final = "classes"


@dataclass(frozen=True)
class FunctionTemplate:
    """A function: names it may have, roles of its parameters, what it does, body and checks."""

    names: tuple[str, ...]
    params: tuple[str, ...]
    doc: str
    body: str
    checks: tuple[str, ...]


@dataclass(frozen=True)
class MethodTemplate:
    """A method; `check` are statements on a fresh object `o`; `required` ones are always there."""

    names: tuple[str, ...]
    params: tuple[str, ...]
    doc: str
    body: str
    check: str
    required: bool


@dataclass(frozen=True)
class ClassTemplate:
    """A class; `new` are the fields of a fresh object, `arguments` what checks give to `new`."""

    names: tuple[str, ...]
    params: tuple[str, ...]
    doc: str
    new: str
    arguments: str
    methods: tuple[MethodTemplate, ...]


@cache
def function_templates() -> Mapping[str, tuple[FunctionTemplate, ...]]:
    """The functions of each domain, such as `strings`."""
    return {
        path.stem: tuple(map(_function, _read(path)))
        for path in sorted(_DIRECTORY.glob("*.yaml"))
        if path.stem != _CLASSES
    }


@cache
def class_templates() -> tuple[ClassTemplate, ...]:
    """The classes."""
    return tuple(map(_class, _read(_DIRECTORY / f"{_CLASSES}.yaml")))


def _read(path: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    return entries


def _function(entry: dict[str, Any]) -> FunctionTemplate:
    return FunctionTemplate(
        names=tuple(entry["names"]),
        params=tuple(entry["params"]),
        doc=entry["doc"],
        body=entry["body"],
        checks=tuple(entry["checks"].splitlines()),
    )


def _class(entry: dict[str, Any]) -> ClassTemplate:
    return ClassTemplate(
        names=tuple(entry["names"]),
        params=tuple(entry.get("params", ())),
        doc=entry["doc"],
        new=entry["new"],
        arguments=entry.get("arguments", ""),
        methods=tuple(map(_method, entry["methods"])),
    )


def _method(entry: dict[str, Any]) -> MethodTemplate:
    return MethodTemplate(
        names=tuple(entry["names"]),
        params=tuple(entry.get("params", ())),
        doc=entry["doc"],
        body=entry["body"],
        check=entry.get("check", ""),
        required=entry.get("required", False),
    )
