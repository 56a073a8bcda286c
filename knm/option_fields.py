"""Options as fields of dataclasses: types, bounds, flags, and twins in the environment.

Which there are stands in `knm.options`, the one table, and beside commands that have their own.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from knm.errors import UserError, named

Item = TypeVar("Item")


@dataclass(frozen=True)
class Option:
    """What the annotation of an option's field tells.

    `help` is a phrase without its default, which is told beside it: the field's, or in the words of
    `default` where that is None and depends on other choices. Values are from `least` to `most`,
    and beyond `above`. `needs` is the option without which it has no effect. `field` is the name
    below the front ends, where that is not the option's own; `flag` the spelling, likewise.
    """

    help: str
    metavar: str = ""
    default: str = ""
    least: int | None = None
    most: float | None = None
    above: float | None = None
    needs: str = ""
    field: str = ""
    flag: str = ""


@dataclass(frozen=True)
class OptionField:
    """An option of a dataclass: `type` without its None, `annotation` with it.

    `repeated` is a list's, which may be given several times.
    """

    name: str
    option: Option
    type: type
    annotation: Any
    default: Any
    repeated: bool = False

    @property
    def flag(self) -> str:
        """As typed on the command line to change the default."""
        off = self.type is bool and self.default is True
        return self.option.flag or spell_flag(f"no_{self.name}" if off else self.name)

    @property
    def required(self) -> bool:
        """Whether it has to be given."""
        return self.default is MISSING

    @property
    def known_as(self) -> str:
        """Its name below the front ends."""
        return self.option.field or self.name


def spell_flag(name: str) -> str:
    """The flag of a field of this name."""
    return "--" + name.replace("_", "-")


def options_of(kind: type) -> tuple[OptionField, ...]:
    """The options that are fields of a dataclass, in order."""
    hints = get_type_hints(kind, include_extras=True)
    found = []
    for field in fields(kind):
        annotation, option = get_args(hints[field.name])
        inner = _without_none(annotation)
        repeated = get_origin(inner) is list
        found.append(
            OptionField(
                name=field.name,
                option=option,
                type=get_args(inner)[0] if repeated else inner,
                annotation=annotation,
                default=field.default,
                repeated=repeated,
            )
        )
    return tuple(found)


def _without_none(annotation: Any) -> Any:
    if isinstance(annotation, UnionType):
        (annotation,) = (one for one in get_args(annotation) if one is not NoneType)
    return annotation


def variable_of(option: OptionField) -> str:
    """An option's twin in the environment."""
    return "KNM_" + option.name.upper().removeprefix("KNM_")


def read_variable(option: OptionField, text: str) -> Any:
    """The value of an option that its twin in the environment gives.

    Raises:
        UserError: it is of the wrong type.
    """
    variable = variable_of(option)
    if option.type is bool:
        if text.lower() not in {"0", "1", "false", "true", "no", "yes"}:
            raise UserError(f"{variable}={text}: give 1 or 0")
        return text.lower() in {"1", "true", "yes"}
    if option.repeated:
        return text.split()
    try:
        return option.type(text)
    except ValueError:
        raise UserError(f"{variable}={text}: expected {option.type.__name__}") from None


def read_list(
    field: str, text: str, what: str, read: Callable[[str], Item], *, distinct: bool = True
) -> list[Item]:
    """What an option lists with commas between; `what` calls the parts in errors: "whole numbers".

    `read` makes a value of a part, or raises ValueError. `distinct` refuses one that comes twice.

    Raises:
        UserError: a part is empty or not what it should be, or comes twice.
    """
    parts = [part.strip() for part in text.split(",")]
    try:
        found = [read(part) for part in parts]
    except ValueError:
        found = []
    if not found or "" in parts:
        raise UserError(f"{named(field)} {text}: give {what} with a comma between two")
    if distinct and len(set(found)) < len(found):
        raise UserError(f"{named(field)} {text}: names one twice: leave one out")
    return found


def changed_options(options: Any) -> list[tuple[str, Any]]:
    """Name and value of what is not as it is by default."""
    values = [(option, getattr(options, option.name)) for option in options_of(type(options))]
    return [(option.name, value) for option, value in values if value != option.default]


def flags_of(*kinds: type) -> dict[str, str]:
    """The flags of dataclasses' options, by their own names and those below the front ends.

    Of one name the last dataclass has it.
    """
    flags: dict[str, str] = {}
    for kind in kinds:
        options = options_of(kind)
        flags |= {option.name: option.flag for option in options}
        flags |= {option.known_as: option.flag for option in options if option.option.field}
    return flags


@contextmanager
def naming_flags(flags: Mapping[str, str]) -> Iterator[None]:
    """Where a front end stands: messages that name fields leave it naming flags, these or alike.

    Raises:
        UserError: the one raised inside, so worded.
    """
    try:
        yield
    except UserError as error:
        error.args = (error.worded(lambda field: flags.get(field, spell_flag(field))),)
        raise


def check_options(options: Any) -> None:
    """Refuse values out of range, and options without what gives them an effect.

    Raises:
        UserError: naming the option and the mend.
    """
    there = {option.name: option for option in options_of(type(options))}
    for name, option in there.items():
        value = getattr(options, name)
        if value is None:
            continue
        if not all(_fits(option.option, each) for each in (value if option.repeated else [value])):
            raise UserError(f"{option.flag} {value}: must be {_range(option.option)}")
        needed = there.get(option.option.needs)
        if needed is not None and not getattr(options, needed.name):
            raise UserError(
                f"{option.flag} has no effect without {needed.flag}: {_mend(needed)}, or leave it"
            )


def _fits(option: Option, value: Any) -> bool:
    # Written so that NaN does not fit.
    return not (
        (option.least is not None and not value >= option.least)
        or (option.above is not None and not value > option.above)
        or (option.most is not None and not value <= option.most)
    )


def _range(option: Option) -> str:
    return " and ".join(_bounds(option))


def _bounds(option: Option) -> Iterator[str]:
    if option.least is not None:
        yield f"at least {option.least}"
    if option.above is not None:
        yield f"greater than {option.above:g}"
    if option.most is not None:
        yield f"at most {option.most}"


def _mend(needed: OptionField) -> str:
    if needed.type in (int, float):
        return "set one above 0"
    return f"add {needed.flag} {needed.option.metavar}".rstrip()
