"""The options of a run as pytest has them: on the command line, and in the environment.

`--max-new-tokens` has the twin `KNM_MAX_NEW_TOKENS`.
"""

import os
from collections.abc import Mapping
from typing import Any, Final

from knm.option_fields import OptionField, check_options, options_of, read_variable, variable_of
from knm.options import RunOptions, check_sampling

OPTIONS: Final = options_of(RunOptions)

FAIL_ON_FAULT: Final = "fault"
FAIL_ON: Final = ("problem", FAIL_ON_FAULT)
"""What `--knm-fail-on` takes beside the conditions that compare with a baseline."""


def addoption_arguments(option: OptionField) -> dict[str, Any]:
    """What pytest's `addoption` is given beside the flag; whatever is not given is None."""
    default = option.option.default
    if not default and option.default not in (None, False):
        default = str(option.default)
    told = f" (default: {default})" if default else ""
    text = {"help": f"{option.option.help}{told} [env {variable_of(option)}]", "default": None}
    if option.type is bool:
        return {"action": "store_true", **text}
    if option.repeated:
        text["action"] = "append"
    return {"type": option.type, "metavar": option.option.metavar, **text}


def make_options(given: Mapping[str, Any]) -> RunOptions:
    """Options from what the command line gave (None: not given), else the environment.

    Raises:
        UserError: a value is of the wrong type or out of range, or two options contradict.
    """
    values = {}
    for option in OPTIONS:
        value, variable = given.get(option.name), variable_of(option)
        if value is None and variable in os.environ:
            value = read_variable(option, os.environ[variable])
        if value is not None:
            values[option.name] = value
    options = RunOptions(**values)
    check_options(options)
    check_sampling(options)
    return options
