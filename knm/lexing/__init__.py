"""Where in a program a token stands: keyword, identifier, comment, ... or outside of any code.

A lexer here is a finite machine over the bytes of a completion, fences included, so that its state
is one number, which a table advances by whole tokens. It knows no model and no datastore.
"""

from knm.lexing.machine import Machine, TokenType
from knm.lexing.machines import LEXERS, open_lexer
from knm.lexing.tables import TokenTables, compile_tables
from knm.lexing.vocabulary import token_bytes

__all__ = [
    "LEXERS",
    "Machine",
    "TokenTables",
    "TokenType",
    "compile_tables",
    "open_lexer",
    "token_bytes",
]
