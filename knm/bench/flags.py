"""The options of a run in pytest's parser: `--knm-` twins, and short forms that nobody else has."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import pytest

from knm.bench.asking import TWIN
from knm.bench.options import OPTIONS, addoption_arguments
from knm.errors import UserError
from knm.option_fields import OptionField, flags_of, naming_flags
from knm.options import RunOptions
from knm.serving import end_ahead

_PLUGIN: Final = "knm-flags"


@dataclass(frozen=True, eq=False)  # a plugin of pytest's is known by identity
class RunFlags:
    """Of each short form that is another plugin's, the twin by which messages have to name ours."""

    twins: Mapping[str, str]

    def reworded(self, message: str) -> str:
        """A message that names options by what the user can type in this project."""
        for flag, twin in self.twins.items():
            message = re.sub(rf"(?<![\w-]){flag}(?![\w-])", twin, message)
        return message


def twin_of(option: OptionField) -> str:
    """The form of an option that no other plugin has: `--knm-model` of `--model`."""
    return TWIN + option.flag.removeprefix(TWIN).removeprefix("--")


def dest_of(option: OptionField) -> str:
    """Where pytest keeps an option's value."""
    return "knm_" + option.name.removeprefix("knm_")


def add_options(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Register each option by its twin, and by its short form unless another plugin has that."""
    free = {option.flag for option in OPTIONS if _is_free(parser, option.flag)}
    group = parser.getgroup("knm", "kNN-corrected code generation bench")
    for option in OPTIONS:
        twin = twin_of(option)
        spellings = dict.fromkeys([option.flag, twin] if option.flag in free else [twin])
        group.addoption(*spellings, dest=dest_of(option), **addoption_arguments(option))
    taken = {option.flag: twin_of(option) for option in OPTIONS if option.flag not in free}
    pluginmanager.register(RunFlags(taken), _PLUGIN)


def _is_free(parser: pytest.Parser, flag: str) -> bool:
    # An option that wants a value is an error without one: it is there, at any rate.
    with suppress(pytest.UsageError):
        return flag in parser.parse_known_and_unknown_args([flag])[1]
    return False


@contextmanager
def usage_errors(config: pytest.Config) -> Iterator[None]:
    """What a user can mend ends the run without a traceback, and names this project's options.

    Raises:
        pytest.UsageError: in place of a UserError.
    """
    flags = config.pluginmanager.get_plugin(_PLUGIN)
    assert isinstance(flags, RunFlags)
    try:
        with naming_flags(flags_of(RunOptions)):
            yield
    except UserError as error:
        end_ahead()
        raise pytest.UsageError(flags.reworded(str(error))) from None
