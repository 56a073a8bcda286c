"""What prompts and extraction know of a programming language. Running it is the sandbox's.

It stands under `prompt` in the language's description (see `knm.languages`):

- `display`: how a prompt names the language, with the version that fixes the dialect;
- `fence`: the tag of a fenced code block; languages that share one are dialects of each other;
- `tags`: a pattern that matches a whole lower-case tag of this language (default: `fence`);
- `statements`: patterns of which one matches the start of a line that is code rather than prose.
  Assignments and calls, as most languages write them, need none.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from knm.errors import UserError
from knm.languages import describe_language, language_title

_ASSIGNMENT: Final = (
    r"[A-Za-z_][\w.]*(?:\[[^\]]*\])*"  # a variable, a field, an element
    r"(?:\s*,\s*[A-Za-z_][\w.]*(?:\[[^\]]*\])*)*"
    r"\s*=(?!=)\s*\S"
)
_CALL: Final = r"[A-Za-z_][\w.:]*\(.*\)\s*;?$"  # no space before the bracket: prose has "O (n)"


@dataclass(frozen=True)
class LanguagePrompt:
    """A language as a model is asked for it and as it answers.

    Attributes:
        name: as in `--language`, or that of its file.
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


@cache
def language_prompt(name: str) -> LanguagePrompt:
    """Find a language by name, or read it from the YAML file of that path.

    Raises:
        UserError: it is unknown (the message lists those that are known), or its description does
            not say how to ask for it.
    """
    return _read(language_title(name), describe_language(name).get("prompt"))


def _read(name: str, data: Any) -> LanguagePrompt:
    where = f"language {name}: `prompt`"
    if not isinstance(data, dict):
        raise UserError(
            f"{where} is missing, so that nobody can be asked for programs in it: add "
            "`prompt: {display: NAME AND VERSION, fence: TAG OF A CODE BLOCK}`"
        )
    for entry in ("display", "fence"):
        if not isinstance(data.get(entry), str) or not data[entry]:
            raise UserError(f"{where} needs text under `{entry}`, found {data.get(entry)!r}")
    statements = data.get("statements", [])
    if not isinstance(statements, list):
        raise UserError(f"{where}: `statements` has to be a list of patterns")
    try:
        return LanguagePrompt(
            name=name,
            display=data["display"],
            fence=data["fence"],
            fence_tags=re.compile(str(data.get("tags", re.escape(data["fence"].lower())))),
            statement=re.compile("|".join([*map(str, statements), _ASSIGNMENT, _CALL])),
        )
    except re.error as error:
        raise UserError(f"{where}: {error.pattern!r} is not a pattern: {error}") from None
