"""Plain lexers: one regular expression over a whole text, without states."""

import re

from knm.lexing import TokenType
from knm.lexing.lua import KEYWORDS as LUA_KEYWORDS
from knm.lexing.python import KEYWORDS as PYTHON_KEYWORDS

_WORD = rb"(?P<identifier>[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)"
_REST = rb"[0-9A-Za-z_.\x80-\xff]"
_DECIMAL = rb"\.?[0-9](?:[eE]+[+-]?|" + _REST + rb")*"
_BLANK = rb"(?P<whitespace>\s)"
_QUOTED = rb"'(?:\\.?|[^'\\\n])*'?|\"(?:\\.?|[^\"\\\n])*\"?"


def _compile(*parts: bytes) -> re.Pattern[bytes]:
    return re.compile(b"|".join(parts), re.DOTALL)


_LONG = rb"\[(?P<%s>={0,2})\[.*?(?:\](?P=%s)\]|\Z)"
LUA = _compile(
    _BLANK,
    rb"(?P<comment>--(?:" + _LONG % (b"level1", b"level1") + rb"|[^\n]*))",
    _WORD,
    rb"(?P<literal>0[xX](?:[pP]+[+-]?|"
    + _REST
    + rb")*|"
    + _DECIMAL
    + b"|"
    + _QUOTED
    + b"|"
    + _LONG % (b"level2", b"level2")
    + b")",
    rb"(?P<operator>\.{1,3}|.)",
)
PYTHON = _compile(
    _BLANK,
    rb"(?P<comment>#[^\n]*)",
    _WORD,
    rb"(?P<literal>0[xX]" + _REST + rb"*|" + _DECIMAL + b"|"
    rb"'''(?:\\.?|[^\\])*?(?:'''|\Z)|\"\"\"(?:\\.?|[^\\])*?(?:\"\"\"|\Z)|" + _QUOTED + b")",
    rb"(?P<operator>.)",
)
LANGUAGES = {"lua": (LUA, LUA_KEYWORDS), "python": (PYTHON, PYTHON_KEYWORDS)}


def type_of(language: str, before: bytes, token: bytes) -> TokenType:
    """The type of `token` behind `before`, both code: that of its first lexeme but whitespace."""
    pattern, keywords = LANGUAGES[language]
    text = before + token
    for lexeme in pattern.finditer(text):
        seen = text[max(lexeme.start(), len(before)) : lexeme.end()]
        name = next(name for name in lexeme.groupdict() if name in _NAMES and lexeme[name])
        if not seen or name == "whitespace":
            continue
        if name == "identifier" and lexeme[0].decode(errors="replace") in keywords:
            return TokenType.KEYWORD
        return _NAMES[name]
    return TokenType.WHITESPACE


_NAMES = {
    kind.label: kind
    for kind in (
        TokenType.WHITESPACE,
        TokenType.COMMENT,
        TokenType.IDENTIFIER,
        TokenType.LITERAL,
        TokenType.OPERATOR,
    )
}
