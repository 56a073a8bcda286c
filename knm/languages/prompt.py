"""What prompts and extraction know of a programming language.

It stands under `prompt` in the language's description:

- `display`: how a prompt names the language, with the version that fixes the dialect;
- `fence`: the tag of a fenced code block; languages that share one are dialects of each other;
- `tags`: a pattern that matches a whole lower-case tag of this language (default: `fence`);
- `statements`: patterns of which one matches the start of a line that is code rather than prose.
  Assignments and calls, as most languages write them, need none;
- `dialect`: what a model that knows the language only roughly has to be told of it, for prompt
  templates with the placeholder `{dialect}`; `{language}` in it stands for `display`.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from knm.errors import UserError

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
        dialect: what a prompt says of the language itself, without a line end; "" if nothing.
    """

    name: str
    display: str
    fence: str
    fence_tags: re.Pattern[str]
    statement: re.Pattern[str]
    dialect: str


def read_prompt(name: str, data: Any) -> LanguagePrompt:
    """How the language `name` is asked for, of the entry `prompt`.

    Raises:
        UserError: it is missing or malformed.
    """
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
    dialect = data.get("dialect", "")
    if not isinstance(dialect, str):
        raise UserError(f"{where}: `dialect` has to be a text")
    try:
        return LanguagePrompt(
            name=name,
            display=data["display"],
            fence=data["fence"],
            fence_tags=re.compile(str(data.get("tags", re.escape(data["fence"].lower())))),
            statement=re.compile("|".join([*map(str, statements), _ASSIGNMENT, _CALL])),
            dialect=dialect.strip("\n"),
        )
    except re.error as error:
        raise UserError(f"{where}: {error.pattern!r} is not a pattern: {error}") from None
