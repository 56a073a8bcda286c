"""Dataclasses of options as parameters of commands, and flags in their messages."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, is_dataclass
from functools import wraps
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from knm.option_fields import (
    OptionField,
    check_options,
    flags_of,
    naming_flags,
    options_of,
    spell_flag,
)
from knm.options import EngineOptions

Command = TypeVar("Command", bound=Callable[..., None])


class Commands(typer.Typer):
    """A group of commands whose parameters may be dataclasses of options."""

    def command(self, *names: Any, **settings: Any) -> Callable[[Command], Command]:
        """Add a command; see `typer.Typer.command` and `_expanded`."""
        add = super().command(*names, **settings)

        def decorate(command: Command) -> Command:
            add(_expanded(command))
            return command

        return decorate


def _expanded(command: Callable[..., None]) -> Callable[..., None]:
    """A command as Typer reads it: each parameter that is a dataclass of options becomes these.

    The command gets the dataclasses, checked; its errors name flags, not fields.
    """
    hints = get_type_hints(command, include_extras=True)
    kinds: dict[str, type] = {}
    plain = {}
    parameters = []
    for name, parameter in inspect.signature(command).parameters.items():
        if is_dataclass(hints[name]):
            kinds[name] = hints[name]
            parameters += [_parameter(option) for option in options_of(hints[name])]
        else:
            plain[name] = spell_flag(name)
            parameters.append(
                parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
            )

    @wraps(command)
    def run(**given: Any) -> None:
        groups = {
            name: kind(**{option.name: given.pop(option.name) for option in options_of(kind)})
            for name, kind in kinds.items()
        }
        with naming_flags(flags_of(EngineOptions, *kinds.values()) | plain):
            for group in groups.values():
                check_options(group)
            command(**groups, **given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _parameter(option: OptionField) -> inspect.Parameter:
    """One option as Typer wants it: a parameter whose annotation tells the rest."""
    about = option.option
    text = about.help[0].upper() + about.help[1:]
    if about.default and option.default is None:
        text += f" (default: {about.default})"
    flags = () if option.type is bool and option.default else (option.flag,)
    told = typer.Option(
        *flags, help=f"{text}.", metavar=about.metavar or None, min=about.least, max=about.most
    )
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[option.annotation, told],
        default=inspect.Parameter.empty if option.default is MISSING else option.default,
    )
