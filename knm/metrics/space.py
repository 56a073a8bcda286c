"""The settings that a sweep may choose from: a YAML file.

    preset: dense                 # what is not searched (default: trusted)
    datastores: [embedded]        # names or paths (default: --datastore)
    space:
      weight: [0.25, 0.5, 0.75]                               # choices
      temperature_scale: {low: 0.03, high: 0.3, steps: 5, log: true}  # a range
      weight_options.alpha: [0.2, 0.4]                        # an option of the weight kind

A grid takes `steps` values of a range, other searches any value in it (whole numbers where both
ends are whole).
"""

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import yaml

from knm.errors import UserError
from knm.retrieval import DEFAULT_PRESET, Preset, resolve_preset, vary_preset

DATASTORE: Final = "datastore"
_OPTIONS: Final = ("weight_options", "fusion_options")
_FIELDS: Final[Mapping[str, tuple[type, ...]]] = {
    "weight": (float, int),
    "weight_kind": (str,),
    "gate": (float, int),
    "fusion": (str,),
    "token_types": (list, type(None)),
    "lexer": (str,),
    "temperature": (float, int),
    "temperature_scale": (float, int),
    "k": (int,),
    "searcher": (str,),
}


@dataclass(frozen=True)
class Choices:
    """One of several values."""

    values: tuple[Any, ...]

    def draw(self, rng: random.Random) -> Any:
        """Any of them."""
        return rng.choice(self.values)


@dataclass(frozen=True)
class Range:
    """Any number from `low` to `high`, evenly or by its logarithm; a grid takes `steps` of them."""

    low: float
    high: float
    steps: int = 5
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def values(self) -> tuple[Any, ...]:
        """Those of a grid, without repetition."""
        places = [place / max(self.steps - 1, 1) for place in range(self.steps)]
        return tuple(dict.fromkeys(self._at(place) for place in places))

    def draw(self, rng: random.Random) -> Any:
        """Any of them."""
        return self._at(rng.random())

    def rounded(self, value: float) -> Any:
        """A value with as many digits as anyone would write into a preset."""
        return round(value) if self.whole else float(f"{value:.4g}")

    def _at(self, place: float) -> Any:
        if self.log:
            value = math.exp(
                math.log(self.low) + place * (math.log(self.high) - math.log(self.low))
            )
        else:
            value = self.low + place * (self.high - self.low)
        return self.rounded(value)


Axis = Choices | Range


@dataclass(frozen=True)
class Point:
    """One configuration: what each axis says, among it the datastore's name, and the preset."""

    values: Mapping[str, Any]
    datastore: str
    preset: Preset

    @property
    def settings(self) -> dict[str, Any]:
        """What each axis says but for the datastore's."""
        return {name: value for name, value in self.values.items() if name != DATASTORE}


@dataclass(frozen=True)
class Space:
    """What a sweep may choose from; the datastore is an axis like others.

    `preset` is how the file names `base`: by name, or by its own file.
    """

    base: Preset
    axes: Mapping[str, Axis]
    preset: str = DEFAULT_PRESET

    @property
    def datastores(self) -> tuple[str, ...]:
        """The datastores by name."""
        return tuple(self.axes[DATASTORE].values)

    def grid(self) -> Iterator[Mapping[str, Any]]:
        """Every combination of values."""
        for values in product(*(axis.values for axis in self.axes.values())):
            yield dict(zip(self.axes, values, strict=True))

    def draw(self, rng: random.Random) -> Mapping[str, Any]:
        """Any combination of values."""
        return {name: axis.draw(rng) for name, axis in self.axes.items()}

    def point(self, values: Mapping[str, Any]) -> Point:
        """The configuration of a combination of values.

        Raises:
            UserError: they contradict each other, or one is out of range.
        """
        fields: dict[str, Any] = {}
        for name, value in values.items():
            owner, _, option = name.partition(".")
            if option:
                fields.setdefault(owner, {})[option] = value
            elif name != DATASTORE:
                fields[name] = value
        preset = vary_preset(self.base, fields, f"{self.base.name}-swept")
        return Point(values, str(values[DATASTORE]), preset)


def read_space(path: Path, default_datastore: str) -> Space:
    """Read the space that a YAML file describes.

    Raises:
        UserError: naming the file and the field: no such file, malformed, or an unknown field.
    """
    try:
        with path.open(encoding="utf-8") as file:
            content = yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path}: {error}") from None
    return parse_space(content, str(path), default_datastore)


def parse_space(content: Any, path: str, default_datastore: str) -> Space:
    """The space that the content of a YAML file describes; `path` names its place in errors.

    Raises:
        UserError: as `read_space`.
    """
    if not isinstance(content, dict) or not isinstance(content.get("space"), dict):
        raise UserError(f"{path}: no `space:` with settings and their values")
    unknown = content.keys() - {"preset", "datastores", "space"}
    if unknown:
        raise UserError(
            f"{path}: unknown field {sorted(map(str, unknown))[0]!r}; fields are: preset, "
            "datastores, space"
        )
    stores = content.get("datastores", [default_datastore])
    if not isinstance(stores, list) or not stores or not all(isinstance(s, str) for s in stores):
        raise UserError(f"{path}: datastores: must be a list of names or paths")
    axes: dict[str, Axis] = {DATASTORE: Choices(tuple(stores))}
    for name, value in content["space"].items():
        types = _types_of(name, path)
        axes[str(name)] = _read_axis(value, types, f"{path}: {name}")
    if {"temperature", "temperature_scale"} <= axes.keys():
        raise UserError(f"{path}: space: search either temperature or temperature_scale")
    preset = content.get("preset", DEFAULT_PRESET)
    return Space(resolve_preset(preset), axes, preset)


def _types_of(name: Any, path: str) -> tuple[type, ...]:
    """What a setting may be."""
    owner, _, option = str(name).partition(".")
    if option and owner in _OPTIONS:
        return (float, int)
    if name in _FIELDS:
        return _FIELDS[name]
    raise UserError(
        f"{path}: {name}: unknown setting; settings are: {', '.join(_FIELDS)}, and options of a "
        "kind, such as weight_options.alpha"
    )


def _read_axis(value: Any, types: tuple[type, ...], where: str) -> Axis:
    if isinstance(value, list) and value:
        for item in value:
            if type(item) not in types:
                raise UserError(f"{where}: {item!r}: of the wrong type")
        return Choices(tuple(value))
    if not isinstance(value, dict):
        raise UserError(f"{where}: must be a list of values, or {{low: .., high: ..}}")
    unknown = value.keys() - {"low", "high", "steps", "log"}
    if unknown:
        raise UserError(f"{where}: {sorted(map(str, unknown))[0]}: choose low, high, steps, log")
    low, high = _number(value, "low", where), _number(value, "high", where)
    steps, log = value.get("steps", 5), value.get("log", False)
    if not isinstance(steps, int) or steps < 1 or not isinstance(log, bool):
        raise UserError(f"{where}: steps must be a whole number from 1, log true or false")
    if int not in types or (float not in types and not isinstance(low + high, int)):
        raise UserError(f"{where}: a range of numbers makes no sense here, or ends in fractions")
    if not low < high or (log and low <= 0):
        raise UserError(f"{where}: low must be below high, and above 0 with log")
    return Range(low, high, steps, log)


def _number(value: Mapping[str, Any], name: str, where: str) -> float:
    number = value.get(name)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise UserError(f"{where}: {name} must be a number (write 0.001 or 1.0e-3)")
    return number
