"""What the lexemes of a language look like, as its description says under `lexer`.

- `keywords`: the words that it reserves, in one text;
- `builtins`: names that mean the same in every program, likewise;
- `comments`: what a comment begins with that goes to the end of its line, or a list of what
  another one begins and ends with;
- `strings`: the quote of a string, or a mapping: `open`, `close` (default: as `open`), `escape`
  (default: a backslash; empty: none) and `lines`, whether it may go over several lines;
- `operators`: those of several characters that may not be read as several, or as a number's point;
- `hex_exponent`: letters that a sign may follow in a hexadecimal number.

`{x}` in what something begins and ends with stands for any number of `x`, the same at both ends.
Names, numbers and whitespace are alike in all languages: letters, digits, `_` and all beyond ASCII;
what begins with a digit, or with a point and a digit; blanks and line ends. All other characters
are operators. Letters before a string's quotes count as a name of their own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from knm.errors import UserError

MOST_REPEATED: Final = 2
"""Signs in `[==[` up to which lexers know brackets: a finite machine cannot count further."""
_REPEATED: Final = re.compile(r"\{(.)\}")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENTRIES: Final = ("keywords", "builtins", "comments", "strings", "operators", "hex_exponent")
_STRING_ENTRIES: Final = ("open", "close", "escape", "lines")


@dataclass(frozen=True)
class Delimited:
    """What reaches from `open` to `close`; `lines` says whether it may go over several lines.

    `escape` is the character before one that ends nothing; "" if there is none.
    """

    open: str
    close: str
    escape: str = ""
    lines: bool = True

    def levels(self, most: int) -> Iterator["Delimited"]:
        """It with 0 to `most` of the character that may be repeated; itself where there is none."""
        if not _REPEATED.search(self.open):
            yield self
            return
        for count in range(most + 1):
            opened, closed = (
                _REPEATED.sub(lambda found: found[1] * count, text)  # noqa: B023
                for text in (self.open, self.close)
            )
            yield Delimited(opened, closed, self.escape, self.lines)

    def pattern(self, *, unclosed: bool = False) -> str:
        """Matches it, without groups; with `unclosed` also up to its line's end, if that ends it.

        `.` has to match line ends too.
        """
        first, last, escape = map(re.escape, (self.open, self.close, self.escape))
        if self.lines and not escape:
            return rf"{first}.*?{last}"
        barred = escape if self.lines else rf"{escape}\n"
        plain = f"[^{last}{barred}]" if len(self.close) == 1 else f"(?!{last})[^{barred}]"
        inside = rf"(?:{escape}.|{plain})*" if escape else f"{plain}*"
        return rf"{first}{inside}{last}{'?' if unclosed and not self.lines else ''}"


@dataclass(frozen=True)
class LexerRules:
    """The lexemes of a language; without any rules, names, numbers and operators.

    `line_comments` are what comments to the end of the line begin with.
    """

    keywords: frozenset[str] = frozenset()
    builtins: frozenset[str] = frozenset()
    line_comments: tuple[str, ...] = ()
    block_comments: tuple[Delimited, ...] = ()
    strings: tuple[Delimited, ...] = ()
    operators: tuple[str, ...] = ()
    hex_exponent: str = ""

    def comment_patterns(self, most: int) -> dict[str, str]:
        """Patterns of comments by what they begin with, as `Delimited.pattern`, longer ones first.

        `most` is up to how many a character may be repeated.
        """
        patterns = {text: rf"{re.escape(text)}[^\n]*" for text in self.line_comments}
        levels = (level for each in self.block_comments for level in each.levels(most))
        return _longest_first(patterns | {level.open: level.pattern() for level in levels})

    def string_patterns(self, most: int, *, unclosed: bool = False) -> dict[str, str]:
        """Likewise of strings."""
        levels = (level for each in self.strings for level in each.levels(most))
        return _longest_first({level.open: level.pattern(unclosed=unclosed) for level in levels})


def _longest_first(patterns: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(patterns.items(), key=lambda item: -len(item[0])))


def read_lexer(name: str, data: Any) -> LexerRules:
    """The lexemes of the language `name`, of the entry `lexer`.

    Raises:
        UserError: it is malformed; the message says where.
    """
    where = f"language {name}: `lexer`"
    if not isinstance(data, Mapping):
        raise UserError(f"{where} has to be a mapping with some of {', '.join(_ENTRIES)}")
    _check_names(where, data, _ENTRIES)
    comments = _items(where, data, "comments")
    pairs = [comment for comment in comments if not isinstance(comment, str)]
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise UserError(
            f"{where}: a comment is what it begins with, or a list of its beginning and its end"
        )
    return LexerRules(
        keywords=_words(where, data, "keywords"),
        builtins=_words(where, data, "builtins"),
        line_comments=tuple(
            _mark(where, comment) for comment in comments if isinstance(comment, str)
        ),
        block_comments=tuple(
            Delimited(_mark(where, opened), _text(where, closed)) for opened, closed in pairs
        ),
        strings=tuple(_string(where, each) for each in _items(where, data, "strings")),
        operators=tuple(_mark(where, each) for each in _items(where, data, "operators")),
        hex_exponent=_text(where, data.get("hex_exponent", ""), empty=True),
    )


def _string(where: str, entry: Any) -> Delimited:
    if isinstance(entry, str):
        entry = {"open": entry}
    if not isinstance(entry, Mapping) or "open" not in entry:
        raise UserError(f"{where}: a string is its quote, or a mapping with `open`: {entry!r}")
    _check_names(where, entry, _STRING_ENTRIES)
    opened, escape = _mark(where, entry["open"]), entry.get("escape", "\\")
    if not isinstance(escape, str) or not escape.isascii() or len(escape) > 1:
        raise UserError(f"{where}: the escape of a string is one character, or empty: {escape!r}")
    closed = _text(where, entry.get("close", opened))
    return Delimited(opened, closed, escape, bool(entry.get("lines")))


def _check_names(where: str, data: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in data:
        if key not in known:
            raise UserError(f"{where}: unknown entry {key!r}; choose from {', '.join(known)}")


def _items(where: str, data: Mapping[str, Any], key: str) -> list[Any]:
    items = data.get(key, [])
    if not isinstance(items, list):
        raise UserError(f"{where}: `{key}` has to be a list")
    return items


def _words(where: str, data: Mapping[str, Any], key: str) -> frozenset[str]:
    text = data.get(key, "")
    words = text.split() if isinstance(text, str) else [text]
    for word in words:
        if not isinstance(word, str) or not _WORD.fullmatch(word):
            raise UserError(
                f"{where}: `{key}` has to be one text of words of letters, digits and _, found "
                f"{word!r}"
            )
    return frozenset(words)


def _text(where: str, data: Any, *, empty: bool = False) -> str:
    if not isinstance(data, str) or not data.isascii() or "\n" in data or not (data or empty):
        raise UserError(f"{where}: expected a text of ASCII without line ends, found {data!r}")
    return data


def _mark(where: str, data: Any) -> str:
    """What a lexeme begins with: no part of a name, a number or whitespace."""
    text = _text(where, data)
    first = min((each.open for each in Delimited(text, "").levels(1)), key=len)[:1]
    if not first or first.isalnum() or first in "_ \t\r\v\f":
        raise UserError(f'{where}: {text!r} has to begin with a mark, such as # or "')
    return text
