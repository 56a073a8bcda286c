"""The settings of two runs side by side: what differs, and what must not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from knm.errors import UserError
from knm.jsonio import dumps

CRITICAL: Final = (
    "hashes.problem_set",
    "hashes.prompt",
    "configuration.language",
    "configuration.limits",
    "configuration.max_new_tokens",
    "configuration.samples",
    "configuration.sampling.temperature",
    "configuration.sampling.top_p",
)
"""Dotted paths that must agree for two runs to have sat the same exam. Models, datastores and
presets are what runs are compared for, so they may differ."""

DEFAULTS: Final[Mapping[str, Any]] = {
    "configuration.samples": 1,
    "configuration.sampling.temperature": 0.0,
    "configuration.sampling.top_p": 1.0,
    "configuration.sampling.seed": 0,
}
"""What older reports did because there was nothing else, and so do not say."""


class Settings(Protocol):
    """What a run was set to: a report, or the header of a run to come."""

    @property
    def configuration(self) -> dict[str, Any]:
        """Settings by name, nested."""

    @property
    def hashes(self) -> dict[str, Any]:
        """Content hashes of what was read."""


@dataclass(frozen=True)
class Difference:
    """One setting that differs; None is what a run does not set."""

    path: str
    a: Any
    b: Any

    @property
    def critical(self) -> bool:
        """Whether it makes the runs incomparable."""
        return any(self.path == name or self.path.startswith(name + ".") for name in CRITICAL)

    def to_json(self) -> dict[str, Any]:
        """The difference as plain JSON."""
        return {"path": self.path, "a": self.a, "b": self.b, "critical": self.critical}


def setting_differences(a: Settings, b: Settings) -> tuple[Difference, ...]:
    """Differences in path order, those that forbid a comparison first."""
    left, right = _leaves(a), _leaves(b)
    found = [
        Difference(path, left.get(path), right.get(path))
        for path in sorted(left.keys() | right.keys())
        if left.get(path) != right.get(path)
    ]
    return tuple(sorted(found, key=lambda entry: not entry.critical))


def refuse_unlike(a: Settings, b: Settings, names: tuple[str | Path, str | Path]) -> None:
    """Refuse runs that did not sit the same exam; `names` are what the error calls them.

    Raises:
        UserError: saying what differs.
    """
    critical = [entry for entry in setting_differences(a, b) if entry.critical]
    if critical:
        lines = [
            f"  {entry.path}: {show_value(entry.a)} / {show_value(entry.b)}" for entry in critical
        ]
        raise UserError(
            "\n".join([f"{names[0]} and {names[1]} are not comparable, they differ in", *lines])
            + "\nrun one of them again with the other's settings, or compare anyway with"
            " `knm diff --force`"
        )


def show_value(value: Any) -> str:
    """A setting as short text: hashes by their first digits, `-` for what is not set."""
    if value is None:
        return "-"
    text = value if isinstance(value, str) else dumps(value)
    is_hash = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return text[:12] if is_hash else text


def _leaves(run: Settings) -> dict[str, Any]:
    found = dict(_flatten({"configuration": run.configuration, "hashes": run.hashes}))
    return {**DEFAULTS, **found}


def _flatten(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted path, leaf) of nested objects; arrays are leaves."""
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flatten(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner
