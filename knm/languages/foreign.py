"""Where a program is written as in another language: by the patterns of its own under `foreign`.

Strings and comments are blanked first: what is written there is no syntax. A pattern with a group
`name` goes by a word that other languages reserve, or have built in, and that is any name here: it
counts only where the text does not define that name itself.

Two rules can be wrong of text that the language's own compiler takes. Those with a `name` can be of
a piece of a program, whose definition lies outside it. `comment` can be of an expression that goes
on with Lua's `#` at the beginning of a line and has another statement behind it on that line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from knm.languages.language import noted_language
from knm.languages.lexis import LexerRules

_MOST_REPEATED: Final = 8
"""Signs in `[==[` up to which brackets are seen."""
# Of a string its quotes stay: the f before them is foreign. Line ends stay: rules go by line.
_INSIDE: Final = re.compile(r"[^\n\"']")
_NAME: Final = "name"
_DEFINITION: Final = (
    r"\bfunction\s+{0}\b|\bfunction\b[^()\n]*\([^)\n]*\b{0}\b"
    r"|\blocal[ \t]+[\w \t,]*\b{0}\b|\bfor[ \t]+[\w \t,]*\b{0}\b[\w \t,]*(?:=|\bin\b)"
    r"|(?<![\w.:]){0}\s*=(?!=)"
)


@dataclass(frozen=True)
class ForeignSpan:
    """Where a rule matches: from the match's begin to the end of the line that it ends in."""

    rule: str
    begin: int
    end: int


def foreign_spans(text: str, language: str | None = None) -> list[ForeignSpan]:
    """Every match of every rule of a language.

    `language` is what the corpus or datastore notes; of one that is unknown here nothing is told.
    """
    return list(_spans(text, language))


def _spans(text: str, language: str | None) -> Iterator[ForeignSpan]:
    known = noted_language(language)
    if known is None:
        return
    blank = blank_program(text, known.lexer or LexerRules())
    defined: dict[str, bool] = {}
    for rule, pattern in known.foreign.items():
        for match in pattern.finditer(blank):
            name = match.groupdict().get(_NAME)
            if name is not None:
                if name not in defined:
                    defined[name] = bool(re.search(_DEFINITION.format(re.escape(name)), blank))
                if defined[name]:
                    continue
            end = blank.find("\n", match.end())
            # Only what is behind the construct's begin: indentation is no one's syntax.
            begin = match.end() - len(match[0].lstrip())
            yield ForeignSpan(rule, begin, len(text) if end < 0 else end)


def blank_program(text: str, rules: LexerRules) -> str:
    """`text` with the inside of strings and comments as spaces, of the same length."""
    return _strings_and_comments(rules).sub(lambda match: _INSIDE.sub(" ", match[0]), text)


@cache
def _strings_and_comments(rules: LexerRules) -> re.Pattern[str]:
    patterns = {
        **rules.comment_patterns(_MOST_REPEATED),
        **rules.string_patterns(_MOST_REPEATED, unclosed=True),
    }
    longest_first = sorted(patterns, key=len, reverse=True)
    return re.compile("|".join(patterns[opening] for opening in longest_first) or "(?!)", re.DOTALL)
