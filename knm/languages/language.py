"""The record of a language: everything that its description says, read part by part."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Final

from knm.errors import UserError
from knm.hashing import hash_json
from knm.languages.descriptions import describe_language, language_names, language_title
from knm.languages.execution import Execution, read_execution, says_execution
from knm.languages.lexis import LexerRules, read_lexer
from knm.languages.prompt import LanguagePrompt, read_prompt

DEFAULT_LANGUAGE: Final = "lua"
"""The language of whatever does not say one."""


@dataclass(frozen=True, eq=False)
class Language:
    """A language by its description. A part is read when it is asked for.

    Whoever needs a part that is missing or malformed is told so by a `UserError`; the others work.
    """

    name: str
    description: Mapping[str, Any] = field(repr=False)

    @cached_property
    def prompt(self) -> LanguagePrompt:
        """How a model is asked for it and answers in it."""
        return read_prompt(self.name, self.description.get("prompt"))

    @cached_property
    def execution(self) -> Execution:
        """How its programs are run and their errors read."""
        return read_execution(self.name, self.description)

    @cached_property
    def lexer(self) -> LexerRules | None:
        """What its lexemes look like; None if it does not say."""
        data = self.description.get("lexer")
        return None if data is None else read_lexer(self.name, data)

    @cached_property
    def foreign(self) -> Mapping[str, re.Pattern[str]]:
        """What is written in other languages and never in this one: patterns by name."""
        rules = self.description.get("foreign", {})
        where = f"language {self.name}: `foreign`"
        if not isinstance(rules, Mapping):
            raise UserError(f"{where} has to be a mapping of names to patterns")
        try:
            return {name: re.compile(str(pattern), re.MULTILINE) for name, pattern in rules.items()}
        except re.error as error:
            raise UserError(f"{where}: {error.pattern!r} is not a pattern: {error}") from None

    @property
    def reference(self) -> str | None:
        """The field of a problem that holds a program in it, if there is one."""
        field_name = self.description.get("reference")
        return None if field_name is None else str(field_name)

    @property
    def content_hash(self) -> str:
        """Hash of the whole description."""
        return hash_json(self.description)


@cache
def load_language(name: str) -> Language:
    """The language of that name, or that the YAML file of that path describes.

    Raises:
        UserError: there is none (the message lists those there are), or its file is malformed.
    """
    return Language(language_title(name), describe_language(name))


def own_hash(name: str) -> dict[str, str]:
    """The hash of a language that is the user's own, as `language`; empty for a packaged one.

    Those of the package are told by its version.
    """
    return {"language": load_language(name).content_hash} if name not in language_names() else {}


def language_prompt(name: str) -> LanguagePrompt:
    """How a model is asked for a language, by name or file.

    Raises:
        UserError: it is unknown (the message lists those that are known), or its description does
            not say how to ask for it.
    """
    return load_language(name).prompt


def noted_language(name: str | None) -> Language | None:
    """The language that a corpus or datastore calls `name`; None if it is unknown here.

    Those that note none are of the default one. What they call theirs is their own affair: its file
    may be somewhere else.
    """
    try:
        return load_language(name or DEFAULT_LANGUAGE)
    except UserError:
        return None


def lexer_rules(name: str | None) -> LexerRules | None:
    """The lexemes of the language that a corpus or datastore calls `name`; None if nobody knows.

    Raises:
        UserError: its description is malformed.
    """
    language = noted_language(name)
    return None if language is None else language.lexer


def runnable_names() -> list[str]:
    """The languages of this package whose programs can be run and judged."""
    return [name for name in language_names() if says_execution(load_language(name).description)]


def lexer_names() -> list[str]:
    """The languages of this package that have a lexer."""
    return [name for name in language_names() if load_language(name).lexer is not None]
