"""What a token is in a Lua program, guessed from its text alone.

For statistics and filters over many tokens. A token is not a lexeme: a word may be half of an
identifier or stand in a string, so what needs to be sure of it must read the program up to there.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from tokenizers import Tokenizer


class TokenType(StrEnum):
    """The types, in the order in which they are shown."""

    KEYWORD = "keyword"
    OPERATOR = "operator"
    IDENTIFIER = "identifier"
    LITERAL = "literal"
    WHITESPACE = "whitespace"
    OTHER = "other"


# fmt: off
LUA_KEYWORDS: Final = frozenset((
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
    "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
))
# fmt: on
_LITERAL_KEYWORDS: Final = frozenset({"false", "nil", "true"})
_OPERATOR: Final = re.compile(r"[-+*/%^#=~<>(){}\[\];:,.&|!]+")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER: Final = re.compile(r"\.?[0-9][0-9A-Za-z.]*")


def token_type(text: str) -> TokenType:
    """The type of a token that is written `text`; spaces around it do not matter."""
    bare = text.strip()
    if not bare:
        return TokenType.WHITESPACE if text else TokenType.OTHER
    if bare in _LITERAL_KEYWORDS or _NUMBER.fullmatch(bare) or bare[0] in "\"'":
        return TokenType.LITERAL
    if bare in LUA_KEYWORDS:
        return TokenType.KEYWORD
    if _WORD.fullmatch(bare):
        return TokenType.IDENTIFIER
    if _OPERATOR.fullmatch(bare):
        return TokenType.OPERATOR
    return TokenType.OTHER


def token_texts(tokenizer: Tokenizer, tokens: Iterable[int]) -> dict[int, str]:
    """How each of `tokens` is written; special tokens have no text."""
    return {
        token: str(tokenizer.decode([token], skip_special_tokens=True))
        for token in map(int, tokens)
    }
