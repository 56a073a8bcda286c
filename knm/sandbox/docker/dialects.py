"""What is asked of an image: of ours more than of others, which only promise the protocol."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from knm.errors import UserError
from knm.sandbox.container import ATTENDED
from knm.sandbox.docker.containers import Container
from knm.sandbox.docker.conversation import ContainerLost
from knm.sandbox.docker.flags import USER
from knm.sandbox.protocol import (
    DESCRIBE,
    asked_for,
    batch,
    parse_answer,
    parse_object,
    write_case,
    write_request,
)
from knm.sandbox.types import Judgement, Limits, Verdict, kept_characters
from knm.sandbox.worker import GRACE_SECONDS
from knm.testcases import TestCase

if TYPE_CHECKING:
    from knm.languages.execution import Execution

START_SECONDS = 60.0
# Our verifier itself sees to it that what sleeps is ended (see `worker`). One that is silent for as
# many times the wall time as this is lost, however busy the machine.
BUSY = 10
PROMISED_FIELDS = ("code", "timeout_s", "test_cases")


@contextlib.contextmanager
def answering(line: bytes) -> Iterator[None]:
    """Read an answer.

    Raises:
        ContainerLost: it is none of the protocol.
    """
    try:
        yield
    except UserError as error:
        raise ContainerLost(f"the container said {line[:200]!r}: {error}") from None


class Dialect(Protocol):
    """How containers of an image are made and asked."""

    user: str | None

    def options(self) -> dict[str, Any]:
        """Further arguments of `create_container`."""

    def judge(
        self,
        container: Container,
        program: str,
        tests: Sequence[TestCase],
        limits: Limits,
        *,
        keep_io: bool = False,
    ) -> Judgement:
        """Have a container judge a program.

        Raises:
            ContainerLost: it does not answer, or not as the protocol says.
        """

    def describe(self, container: Container) -> dict[str, str]:
        """What a container says of itself.

        Raises:
            ContainerLost: nothing, or nothing of sense.
        """


class OwnDialect:
    """Of our image: it is told the language and all limits, and ends with its client."""

    user: str | None = USER

    def __init__(self, language: Execution) -> None:
        self.language = language

    def options(self) -> dict[str, Any]:
        """See `Dialect.options`."""
        language = self.language
        return {
            "user": self.user,
            "command": [language.name, json.dumps(dict(language.description))],
            "environment": {ATTENDED: "1"},
        }

    def judge(
        self,
        container: Container,
        program: str,
        tests: Sequence[TestCase],
        limits: Limits,
        *,
        keep_io: bool = False,
    ) -> Judgement:
        """See `Dialect.judge`. A container is given more tests when it asks for them."""
        first = batch(tests)
        request = write_request(program, first, limits)
        request |= {"tests_total": len(tests), "keep_io": keep_io}
        sent = len(first)
        while True:
            # One more than the tests: compiling.
            seconds = BUSY * limits.wall_seconds * (sent + 1) + GRACE_SECONDS
            # Not in ASCII, which can take three times the memory.
            line = json.dumps(request, ensure_ascii=False).encode(errors="surrogatepass")
            answer = container.ask(line, seconds)
            with answering(answer):
                index = asked_for(answer)
                if index is None:
                    return parse_answer(answer, self.language, program, len(tests))
                if not 0 <= index < len(tests):
                    raise UserError("there is no such test")
            more = batch(tests, index)
            request, sent = {"test_cases": list(map(write_case, more))}, len(more)

    def describe(self, container: Container) -> dict[str, str]:
        """See `Dialect.describe`."""
        answer = container.ask(DESCRIBE, START_SECONDS)
        with answering(answer):
            told = parse_object(answer).get("description")
            if told is None:
                raise UserError("description: missing")
        return {name: told[name] for name in ("interpreter", "system_call_filter")}


class PlainDialect:
    """Of any image that speaks the Agnostics protocol.

    Args:
        language: that the image is for. Where its description has a `version_program`, that is
            how the image is asked for the interpreter's version.
        user: to run as; None for the image's own.
    """

    def __init__(self, language: Execution, user: str | None) -> None:
        self.language = language
        self.user = user

    def options(self) -> dict[str, Any]:
        """See `Dialect.options`."""
        place = {"HOME": "/tmp", "TMPDIR": "/tmp"}
        return {"environment": place} | ({"user": self.user} if self.user else {})

    def judge(
        self,
        container: Container,
        program: str,
        tests: Sequence[TestCase],
        limits: Limits,
        *,
        keep_io: bool = False,
    ) -> Judgement:
        """See `Dialect.judge`. All tests are in one line, as the protocol has it."""
        seconds = limits.wall_seconds * (len(tests) + 1) + GRACE_SECONDS
        request = write_request(program, tests, limits)
        promised = {name: request[name] for name in PROMISED_FIELDS}
        answer = container.ask(json.dumps(promised).encode(), seconds)
        with answering(answer):
            return parse_answer(
                answer, self.language, program, len(tests), kept_characters(keep_io)
            )

    def describe(self, container: Container) -> dict[str, str]:
        """See `Dialect.describe`. What a program prints is the `got` of a wrong answer."""
        program = self.language.description.get("version_program", "")
        told = self.judge(container, program, (TestCase("", "?"),), Limits())
        printed = told.got if told.verdict is Verdict.WRONG_OUTPUT else None
        return {"interpreter": (printed or "").strip() or "unknown"}
