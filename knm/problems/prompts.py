"""Prompt templates: a problem's statement in, the text that a model is given out.

Wrapping in a model's chat template is not done here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from knm.errors import UserError, named
from knm.hashing import hash_bytes, hash_json
from knm.languages.language import DEFAULT_LANGUAGE, language_prompt
from knm.languages.prompt import LanguagePrompt
from knm.outputs import file_named
from knm.problems.field_prompts import ANSWER_FORM, DSPY_SYSTEM, DSPY_TURN, LIVECODEBENCH_SYSTEM
from knm.problems.records import FUNCTION, STDIN, Problem
from knm.records import ChatArguments

_PLACEHOLDER: Final = re.compile(r"\{(statement|language)\}")
_OF_LANGUAGE: Final = re.compile(r"\{(dialect|fence)\}")


@dataclass(frozen=True)
class PromptTemplate:
    """A named text with placeholders; other braces are text.

    `{statement}` is the problem's, `{language}` what the language is called, `{fence}` the tag of
    its code blocks and `{dialect}` what has to be said of it. A text with `{dialect}` is for the
    languages whose description brings one.

    Attributes:
        system: a text of the same kind, without statement, that the system says before; "" for
            none.
        chat: whether the model's chat template is put around it; else it is the whole context.
        arguments: what the chat template is given beside the turns.
        kind: the kind of problems that it asks for; None for any.
    """

    name: str
    text: str
    system: str = ""
    chat: bool = True
    arguments: ChatArguments = ()
    kind: str | None = None

    @property
    def content_hash(self) -> str:
        """Hash of all of it as it is for the default language, statement and name left open."""
        default = language_prompt(DEFAULT_LANGUAGE)
        text = _filled(self.text, default)
        if not (self.system or self.arguments) and self.chat:
            return hash_bytes(text.encode())
        arguments = [list(pair) for pair in self.arguments]
        return hash_json([_filled(self.system, default), text, self.chat, arguments])

    def check_chat(self) -> None:
        """Refuse a use that puts a chat template around the text.

        Raises:
            UserError: the text is the whole context.
        """
        if not self.chat:
            raise UserError(
                f"prompt template {self.name!r} is the whole context, without a chat template; "
                "use another template here"
            )

    def check_problem(self, problem: Problem, language: str) -> None:
        """Refuse a problem that the text does not ask for, or that is of another language.

        Raises:
            UserError: naming templates that do.
        """
        if self.kind not in (None, problem.kind):
            others = [each.name for each in TEMPLATES.values() if each.kind == problem.kind]
            raise UserError(
                f"{named('prompt')} {self.name}: it does not ask for what problem "
                f"{problem.question_id!r} is about (kind {problem.kind}); give "
                f"{named('prompt')} {' or '.join([*others, 'completion'])}"
            )
        wanted = problem.extras.get("language")
        if problem.kind == FUNCTION and wanted not in (None, language_prompt(language).fence):
            raise UserError(
                f"{named('language')} {language}: problem {problem.question_id!r} is of the "
                f"language {wanted!r}; give that, or its part of the data set in another"
            )

    def suits(self, language: str) -> bool:
        """Whether the text can be said of the language of that name."""
        return self._is_for(language_prompt(language))

    def render(self, statement: str, language: str) -> str:
        """Fill in the placeholders, once: those in the statement stay as they are.

        `language` is a name, or the path of a YAML file.

        Raises:
            UserError: the language is unknown, or its description has not got the dialect that the
                template needs.
        """
        asked = language_prompt(language)
        if not self._is_for(asked):
            raise UserError(
                f"prompt template {self.name!r} tells a model of the dialect, and language "
                f"{asked.name} describes none: use the template 'task' or one of your own, or "
                "add `prompt: {dialect: TEXT}` to the language's file"
            )
        values = {"statement": statement, "language": asked.display}
        return _PLACEHOLDER.sub(lambda match: values[match[1]], _filled(self.text, asked))

    def render_system(self, language: str) -> str:
        """What the system says; "" for nothing."""
        asked = language_prompt(language)
        return _filled(self.system, asked).replace("{language}", asked.display)

    def _is_for(self, language: LanguagePrompt) -> bool:
        return bool(language.dialect) or "{dialect}" not in self.text


def _filled(text: str, language: LanguagePrompt) -> str:
    """A text with what the language alone decides."""
    values = {"dialect": language.dialect, "fence": language.fence}
    return _OF_LANGUAGE.sub(lambda match: values[match[1]], text)


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

_FUNCTION: Final = """\
# Function
```{fence}
{statement}
```

# Task
Complete this {language} function. Answer with the whole function in one fenced code block tagged \
`{fence}`, without tests and without examples of its use."""

_CONTEST: Final = """\
# Problem
{statement}

# Task
Write a complete {language} program that reads the input from standard input and prints exactly \
what the problem asks for to standard output. It is judged on hidden tests, by output and by \
running time.

# Dialect
{dialect}

# Answer
Answer with the whole program in one fenced code block tagged `{fence}`."""

TEMPLATES: Final = {
    template.name: template
    for template in (
        PromptTemplate("task", _TASK, kind=STDIN),
        PromptTemplate("contest", _CONTEST, kind=STDIN),
        PromptTemplate("livecodebench", ANSWER_FORM, LIVECODEBENCH_SYSTEM, kind=STDIN),
        PromptTemplate("ag-livecodebench-x", DSPY_TURN, DSPY_SYSTEM, kind=STDIN),
        PromptTemplate("function", _FUNCTION, kind=FUNCTION),
        PromptTemplate("completion", "{statement}", chat=False),
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
