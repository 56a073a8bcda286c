"""What is asked of an image: of ours more than of others, which only promise the protocol."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from knm.errors import UserError
from knm.sandbox.container import ATTENDED
from knm.sandbox.docker.containers import Container
from knm.sandbox.docker.conversation import ContainerLost
from knm.sandbox.docker.flags import USER
from knm.sandbox.protocol import DESCRIBE, parse_object, write_request
from knm.sandbox.verdicts import Limits, Verdict
from knm.testcases import TestCase

if TYPE_CHECKING:
    from knm.sandbox.languages import Language

START_SECONDS = 60.0
PROMISED_FIELDS = ("code", "timeout_s", "test_cases")


class Dialect(Protocol):
    """How containers of an image are made and asked."""

    user: str | None

    def options(self) -> dict[str, Any]:
        """Further arguments of `create_container`."""

    def request(self, program: str, tests: Sequence[TestCase], limits: Limits) -> dict[str, Any]:
        """The request to judge a program."""

    def describe(self, container: Container) -> dict[str, str]:
        """What a container says of itself.

        Raises:
            ContainerLost: nothing, or nothing of sense.
        """


class OwnDialect:
    """Of our image: it is told the language and all limits, and ends with its client."""

    user: str | None = USER

    def __init__(self, language: Language) -> None:
        self.language = language

    def options(self) -> dict[str, Any]:
        """See `Dialect.options`."""
        language = self.language
        return {
            "user": self.user,
            "command": [language.name, json.dumps(dict(language.description))],
            "environment": {ATTENDED: "1"},
        }

    def request(self, program: str, tests: Sequence[TestCase], limits: Limits) -> dict[str, Any]:
        """See `Dialect.request`."""
        return write_request(program, tests, limits)

    def describe(self, container: Container) -> dict[str, str]:
        """See `Dialect.describe`."""
        answer = container.ask(DESCRIBE, START_SECONDS)
        try:
            told = parse_object(answer)["description"]
        except (UserError, KeyError):
            raise ContainerLost(f"the container said {answer[:200]!r}") from None
        return {name: told[name] for name in ("interpreter", "system_call_filter")}


class PlainDialect:
    """Of any image that speaks the Agnostics protocol.

    Args:
        language: that the image is for. Where its description has a `version_program`, that is
            how the image is asked for the interpreter's version.
        user: to run as; None for the image's own.
    """

    def __init__(self, language: Language, user: str | None) -> None:
        self.language = language
        self.user = user

    def options(self) -> dict[str, Any]:
        """See `Dialect.options`."""
        place = {"HOME": "/tmp", "TMPDIR": "/tmp"}
        return {"environment": place} | ({"user": self.user} if self.user else {})

    def request(self, program: str, tests: Sequence[TestCase], limits: Limits) -> dict[str, Any]:
        """See `Dialect.request`."""
        request = write_request(program, tests, limits)
        return {name: request[name] for name in PROMISED_FIELDS}

    def describe(self, container: Container) -> dict[str, str]:
        """See `Dialect.describe`. What a program prints is the `got` of a wrong answer."""
        program = self.language.description.get("version_program", "")
        request = self.request(program, (TestCase("", "?"),), Limits())
        told = container.judge(request, START_SECONDS, self.language)
        printed = told.got if told.verdict is Verdict.WRONG_OUTPUT else None
        return {"interpreter": (printed or "").strip() or "unknown"}
