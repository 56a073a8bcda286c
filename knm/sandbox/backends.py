"""The sandbox as its users see it, and the registry of backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, Self

from knm.errors import UserError
from knm.sandbox.languages import Language, load_language
from knm.sandbox.local import LocalSandbox
from knm.sandbox.verdicts import Judgement, Limits
from knm.sandbox.worker import Jail

if TYPE_CHECKING:
    from knm.testcases import TestCase


class Sandbox(Protocol):
    """Judges programs of one language, each in isolation. Not for several threads at once."""

    def judge(
        self, program: str, tests: Sequence[TestCase], *, limits: Limits | None = None
    ) -> Judgement:
        """Run a program on tests until one fails.

        Trouble of the sandbox is a verdict (`sandbox-fault`), never an exception.

        Args:
            program: source text.
            tests: none is a fault of the problem.
            limits: per test; those that the sandbox was opened with by default.
        """

    def describe(self) -> dict[str, str]:
        """Backend, language, interpreter version and limits, for the report."""

    def close(self) -> None:
        """End all processes. May be called again."""

    def __enter__(self) -> Self:
        """Close at the end of a `with` block."""

    def __exit__(self, *_: object) -> None:
        """See `close`."""


BACKENDS: dict[str, Callable[[Language, Limits], Sandbox]] = {
    "local": lambda language, limits: LocalSandbox(language, limits, Jail.NAMESPACES),
    "unsafe": lambda language, limits: LocalSandbox(language, limits, Jail.NONE),
}


def open_sandbox(
    spec: str = "local", *, language: str = "lua", limits: Limits | None = None
) -> Sandbox:
    """Open the sandbox that `spec` names.

    Args:
        spec: `local` (a jail on this host) or `unsafe` (no jail, for debugging).
        language: a name that `language_names` lists.
        limits: per test; the defaults of `Limits` if none are given.

    Raises:
        SandboxUnavailable: the system denies what the backend needs.
        UserError: there is no such backend or language.
    """
    if spec not in BACKENDS:
        raise UserError(f"unknown sandbox {spec!r}; choose from {', '.join(sorted(BACKENDS))}")
    return BACKENDS[spec](load_language(language), limits or Limits())
