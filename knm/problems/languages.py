"""What prompts and extraction know of a programming language. Running it is the sandbox's."""

import re
from dataclasses import dataclass
from typing import Final

from knm.errors import UserError


@dataclass(frozen=True)
class LanguagePrompt:
    """A language as a model is asked for it and as it answers.

    Attributes:
        name: as in `--language`.
        display: as a prompt says it, with the version that fixes the dialect.
        fence: the tag of a fenced code block.
        fence_tags: matches a whole lower-case tag that means this language.
        statement: matches the start of a line that is code rather than prose.
    """

    name: str
    display: str
    fence: str
    fence_tags: re.Pattern[str]
    statement: re.Pattern[str]


_ASSIGNMENT: Final = r"""[A-Za-z_][\w.]*(?:\[[^\]]*\])*       # a variable, a field, an element
                         (?:\s*,\s*[A-Za-z_][\w.]*(?:\[[^\]]*\])*)*
                         \s*=(?!=)\s*\S"""
_CALL: Final = r"[A-Za-z_][\w.:]*\(.*\)\s*;?$"  # no space before the bracket: prose has "O (n)"

_LUA_TAGS: Final = re.compile(r"lua(jit)?[-_]?[\d.]*")
_LUA_STATEMENT: Final = re.compile(
    rf"""local\s+function\b
       | local\s+[A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*\s*(?:[=;]|$)
       | function\s+[\w.:]+\s*\(
       | for\s+\w+(?:\s*,\s*\w+)*\s*(?:=|\bin\b).*\bdo\b
       | while\b.*\bdo(?:\s*(?:--.*)?|\b.*\bend\s*;?)$
       | if\b.*\bthen(?:\s*(?:--.*)?|\b.*\bend\s*;?)$
       | repeat$
       | print\s*[("'\[]
       | io\.\w
       | {_ASSIGNMENT}
       | {_CALL}""",
    re.VERBOSE,
)
_PYTHON_TAGS: Final = re.compile(r"(py|python|pypy)[-_]?[\d.]*")
_PYTHON_STATEMENT: Final = re.compile(
    rf"""from\s+[\w.]+\s+import\b
       | import\s+[\w.]+(?:\s+as\s+\w+)?(?:\s*,\s*[\w.]+(?:\s+as\s+\w+)?)*$
       | (?:def|class)\s+\w+\s*[(:]
       | for\s+[\w\s,()]+\bin\b.*:
       | (?:while|if|with)\b.*:\s*(?:\#.*)?$
       | print\s*\(
       | {_ASSIGNMENT}
       | {_CALL}""",
    re.VERBOSE,
)

_LANGUAGES: Final = {
    language.name: language
    for language in (
        LanguagePrompt("lua", "LuaJIT 2.1", "lua", _LUA_TAGS, _LUA_STATEMENT),
        LanguagePrompt("lua5.4", "Lua 5.4", "lua", _LUA_TAGS, _LUA_STATEMENT),
        LanguagePrompt("python", "Python 3", "python", _PYTHON_TAGS, _PYTHON_STATEMENT),
    )
}


def language_prompt(name: str) -> LanguagePrompt:
    """Find a language by name.

    Raises:
        UserError: it is unknown; the message lists those that are known.
    """
    try:
        return _LANGUAGES[name]
    except KeyError:
        raise UserError(
            f"language {name!r} is unknown; choose from {', '.join(_LANGUAGES)}"
        ) from None
