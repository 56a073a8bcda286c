"""The lexers that there are, by name."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from knm.errors import UserError
from knm.lexing.lua import build_lua
from knm.lexing.machine import Machine
from knm.lexing.python import build_python

LEXERS: Final[Mapping[str, Callable[[], Machine]]] = {"lua": build_lua, "python": build_python}


@cache
def open_lexer(name: str) -> Machine:
    """The lexer of a language.

    Raises:
        UserError: there is none of that name.
    """
    if name not in LEXERS:
        raise UserError(f"lexer {name!r}: unknown; choose one of {', '.join(LEXERS)}")
    return LEXERS[name]()
