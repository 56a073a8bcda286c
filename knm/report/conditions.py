"""When a comparison says no: what `--fail-on` names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from knm.errors import UserError
from knm.report.diff import ReportDiff, regressed


@dataclass(frozen=True)
class Condition:
    """A condition on a comparison, and its name as the user gave it."""

    name: str
    met_by: Callable[[ReportDiff], bool]

    def __str__(self) -> str:
        return self.name


def outcome_line(diff: ReportDiff) -> str:
    """What conditions go by, in one line."""
    return (
        f"{diff.b.path} against {diff.a.path}: {len(diff.lost)} lost, {len(diff.gained)} gained, "
        f"p = {diff.p_value:.3g}"
    )


_NAMED: Final[dict[str, Callable[[ReportDiff], bool]]] = {
    "regression": regressed,
    "any-loss": lambda diff: bool(diff.lost),
}


def parse_condition(text: str) -> Condition:
    """A condition by name: `regression` (fewer pass), `any-loss` (a problem was lost), or
    `p:0.05` (fewer pass, and McNemar's p is at most that).

    Raises:
        UserError: it is none of these.
    """
    if text in _NAMED:
        return Condition(text, _NAMED[text])
    kind, _, level = text.partition(":")
    try:
        threshold = float(level)
    except ValueError:
        threshold = -1.0
    if kind != "p" or not 0 < threshold <= 1:
        raise UserError(
            f"fail-on {text!r}: choose regression, any-loss, or p: with a level, such as p:0.05"
        )
    return Condition(text, lambda diff: regressed(diff) and diff.p_value <= threshold)
