"""Plain lexers: one regular expression over a whole text, without states."""

import re

from knm.languages.machine import TokenType

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
_BLOCK = rb"/\*.*?(?:\*/|\Z)"
C = _compile(
    _BLANK,
    rb"(?P<comment>//[^\n]*|" + _BLOCK + rb")",
    _WORD,
    rb"(?P<literal>0[xX](?:[pP]+[+-]?|" + _REST + rb")*|" + _DECIMAL + b"|" + _QUOTED + b")",
    rb"(?P<operator>\.{1,3}|.)",
)
JAVA = _compile(
    _BLANK,
    rb"(?P<comment>//[^\n]*|" + _BLOCK + rb")",
    _WORD,
    rb"(?P<literal>0[xX](?:[pP]+[+-]?|" + _REST + rb")*|" + _DECIMAL + b"|"
    rb"\"\"\"(?:\\.?|[^\\])*?(?:\"\"\"|\Z)|" + _QUOTED + b")",
    rb"(?P<operator>\.{1,3}|.)",
)
LUA_KEYWORDS = (  # noqa: SIM905
    "and break do else elseif end false for function goto if in local nil not or repeat "
    "return then true until while"
).split()
PYTHON_KEYWORDS = (  # noqa: SIM905
    "False None True and as assert async await break class continue def del elif else except "
    "finally for from global if import in is lambda nonlocal not or pass raise return try "
    "while with yield"
).split()
C_KEYWORDS = (  # noqa: SIM905
    "_Alignas _Alignof _Atomic _Bool _Complex _Generic _Imaginary _Noreturn _Static_assert "
    "_Thread_local auto break case char const continue default do double else enum extern float "
    "for goto if inline int long register restrict return short signed sizeof static struct "
    "switch typedef union unsigned void volatile while"
).split()
JAVA_KEYWORDS = (  # noqa: SIM905
    "_ abstract assert boolean break byte case catch char class const continue default do double "
    "else enum extends false final finally float for goto if implements import instanceof int "
    "interface long native new null package private protected public return short static strictfp "
    "super switch synchronized this throw throws transient true try void volatile while"
).split()
LANGUAGES = {
    "lua": (LUA, LUA_KEYWORDS),
    "python": (PYTHON, PYTHON_KEYWORDS),
    "c": (C, C_KEYWORDS),
    "java": (JAVA, JAVA_KEYWORDS),
}


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
