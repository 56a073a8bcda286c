"""The one exception for what a user can cause and mend."""

import re
from collections.abc import Callable
from typing import Final

# Characters that Unicode leaves to private use: no file, option or model has them in its name.
_OPEN, _CLOSE = "\ue000", "\ue001"
_NAMED: Final = re.compile(f"{_OPEN}(\\w+){_CLOSE}")


def named(field: str) -> str:
    """A field's name for a `UserError`'s message, so that a front end can put its option there.

    A caller from Python reads `k 0: must be at least 1`, one of the command line `--knn-k 0: ...`.
    """
    return f"{_OPEN}{field}{_CLOSE}"


class UserError(Exception):
    """Bad input, option or environment.

    The message names the file, line or field (`named`) at fault and says how to mend it. Front ends
    (the pytest plugin, the `knm` command) print it without a traceback, with the options that the
    user types in the place of fields (`worded`); everything else is a bug.
    """

    def __str__(self) -> str:
        return self.worded(str)

    @property
    def marked(self) -> str:
        """The message for another `UserError`'s: its fields remain known as such."""
        return super().__str__()

    def worded(self, spell: Callable[[str], str]) -> str:
        """The message with each field as `spell` has it."""
        return _NAMED.sub(lambda match: spell(match[1]), self.marked)
