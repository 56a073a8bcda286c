"""What a LM is asked that is to translate a record's program, and the statement taken out again."""

import re
from typing import Final

from knm.corpora.records import CorpusRecord
from knm.languages.language import language_prompt
from knm.problems import fence_program

TRANSLATION_REQUEST: Final = """\
{statement}

# Solution
This {display} program solves the problem. Translate it: do what it does.
{program}"""
"""Its form. Journals of translations go by it."""

_HEADING: Final = re.compile(
    re.escape(TRANSLATION_REQUEST.removeprefix("{statement}").removesuffix("\n{program}")).replace(
        re.escape("{display}"), r"[^\n]+"
    )
    + r"(?=\n|\Z)"
)


def translation_request(record: CorpusRecord) -> str:
    """The record's statement and its program, to be translated: what a prompt has as statement.

    Raises:
        UserError: the record's language is unknown, or nothing says how to ask for it.
    """
    return TRANSLATION_REQUEST.format(
        statement=record.statement,
        display=language_prompt(record.language).display,
        program=fence_program(record.program, record.language),
    )


def without_solution(statement: str) -> str:
    """A statement without the program that a `translation_request` puts behind it, if one does."""
    heading = _HEADING.search(statement)
    return statement if heading is None else statement[: heading.start()]
