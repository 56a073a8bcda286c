"""The numbers that a kind of weight or fusion takes: which there are, and what they may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from knm.errors import UserError


@dataclass(frozen=True)
class Parameter:
    """A number from `low` to `high`; a default of None means that it is measured."""

    default: float | None
    low: float
    high: float
    whole: bool = False

    def admits(self, value: Any) -> bool:
        """Whether `value` may be given."""
        if value is None:
            return self.default is None
        number = isinstance(value, int if self.whole else int | float)
        return number and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True)
class WeightSettings:
    """What a preset says of its weight: all that a kind of weight is built from, but the datastore.

    `preset` is its name, for errors; `lmbda` and `gate` are as in `Preset`. `options` are the
    numbers of the kind. `temperature` (squared L2) is None where the kind does without.
    """

    preset: str
    lmbda: float
    gate: float
    options: Mapping[str, Any]
    temperature: float | None = None


def complete(
    owner: str, given: Mapping[str, Any], parameters: Mapping[str, Parameter]
) -> dict[str, Any]:
    """All of `parameters` with their values: what is given, else the default.

    Raises:
        UserError: an unknown name or a value out of range; `owner` says whose it is.
    """
    for name, value in given.items():
        if name not in parameters:
            known = ", ".join(parameters) or "it has none"
            raise UserError(f"{owner}: unknown option {name!r}; options are: {known}")
        parameter = parameters[name]
        if not parameter.admits(value):
            what = "a whole number" if parameter.whole else "a number"
            raise UserError(
                f"{owner}: {name} {value!r}: must be {what} from {parameter.low:g} to "
                f"{parameter.high:g}"
            )
    return {name: given.get(name, parameter.default) for name, parameter in parameters.items()}
