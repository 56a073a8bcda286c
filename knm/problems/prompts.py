"""Prompt templates: a problem's statement in, the text that a model is given out.

Wrapping in a model's chat template is not done here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from knm.errors import UserError
from knm.hashing import hash_bytes
from knm.outputs import file_named
from knm.problems.languages import language_prompt

_PLACEHOLDER: Final = re.compile(r"\{(statement|language)\}")


@dataclass(frozen=True)
class PromptTemplate:
    """A named text with the placeholders `{statement}` and `{language}`; other braces are text.

    `languages` names those that the text is true of; empty means any.
    """

    name: str
    text: str
    languages: frozenset[str] = frozenset()

    @property
    def content_hash(self) -> str:
        """Hash of the text."""
        return hash_bytes(self.text.encode())

    def suits(self, language: str) -> bool:
        """Whether the text is true of the language of that name."""
        return not self.languages or language in self.languages

    def render(self, statement: str, language: str) -> str:
        """Fill in the placeholders, once: those in the statement stay as they are.

        `language` is a name, or the path of a YAML file.

        Raises:
            UserError: the language is unknown, or the template is for others.
        """
        asked = language_prompt(language)
        if not self.suits(asked.name):
            raise UserError(
                f"prompt template {self.name!r} is for {', '.join(sorted(self.languages))}, not "
                f"{asked.name}; use the template 'task' or one of your own"
            )
        values = {"statement": statement, "language": asked.display}
        return _PLACEHOLDER.sub(lambda match: values[match[1]], self.text)


_SAMPLED: Final = 64


def sample_prompts(template: PromptTemplate, tasks: Sequence[tuple[str, str]]) -> list[str]:
    """Prompts of tasks (statement, language) at equal distances, at least 64; always the same ones.

    Raises:
        UserError: as `PromptTemplate.render`, or a language is unknown.
    """
    step = max(1, len(tasks) // _SAMPLED)
    return [template.render(asked, name) for asked, name in tasks[::step]]


_TASK: Final = """\
# Problem
{statement}

# Task
Write a {language} program that reads standard input and prints the answer."""

_CONTEST: Final = """\
# Problem
{statement}

# Task
Write a complete {language} program that reads the input from standard input and prints exactly \
what the problem asks for to standard output. It is judged on hidden tests, by output and by \
running time.

# Dialect
{language} has the syntax of Lua 5.1. In particular:
- Every number is a double. There is no `//` and no integer division: write `math.floor(a / b)`.
- There are no bit operators (`&`, `|`, `~`, `<<`, `>>`): call `bit.band`, `bit.bor`, `bit.bxor`, \
`bit.lshift`, `bit.rshift`, which work on 32 bits.
- Not equal is `~=`, not `!=`. There is no `+=`, no `++` and no `continue`.
- It is `unpack(t)`, not `table.unpack(t)`.
- `print(1e15)` shows an exponent: print large whole numbers with `string.format("%d", x)`.
- Text that was read is not a number: convert it with `tonumber`, or read with `io.read("*n")`.

# Answer
Answer with the whole program in one fenced code block tagged `lua`."""

TEMPLATES: Final = {
    template.name: template
    for template in (
        PromptTemplate("task", _TASK),
        PromptTemplate("contest", _CONTEST, languages=frozenset({"lua"})),
    )
}


def load_template(name: str) -> PromptTemplate:
    """Find a built-in template by name, or read one from a text file.

    A file's template has the file's name. One newline at its end, as editors write it, is dropped.

    Raises:
        UserError: neither exists, or the file cannot be read or has no `{statement}`.
    """
    if name in TEMPLATES:
        return TEMPLATES[name]
    path = file_named(name)
    if path is None:
        raise UserError(
            f"prompt template {name!r} is neither a file nor one of {', '.join(TEMPLATES)}"
        )
    try:
        text = path.read_text(encoding="utf-8").removesuffix("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error}); save it as UTF-8") from None
    if "{statement}" not in text:
        raise UserError(
            f"{path}: no {{statement}} in this prompt template; put it where the problem's "
            "statement belongs ({language} stands for the language)"
        )
    return PromptTemplate(path.name, text)
