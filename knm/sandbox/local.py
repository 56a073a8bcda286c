"""Judging on this host: one warm verifier process, in a jail unless told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from knm.errors import UserError, named
from knm.sandbox.judge import judge_program
from knm.sandbox.types import Judgement, Limits, Verdict, kept_characters
from knm.sandbox.worker import Jail, Worker, WorkerLost, WorkerRefused

if TYPE_CHECKING:
    from knm.languages.execution import Execution
    from knm.testcases import TestCase

ATTEMPTS = 2
BACKEND_NAMES = {Jail.NAMESPACES: "local", Jail.FILTER: "container", Jail.NONE: "unsafe"}


class SandboxUnavailable(UserError):
    """This system denies what a sandbox needs; the message names the alternatives."""


class LocalSandbox:
    """Runs programs in a verifier process of its own, which is started again if it is lost.

    Args:
        language: of the programs.
        limits: per test.
        jail: what holds a program. Without a jail it can do whatever this user can, and only its
            own limits bound it.
        keep_io: see `Sandbox.judge`.

    Raises:
        SandboxUnavailable: the jail cannot be made.
    """

    def __init__(
        self, language: Execution, limits: Limits, jail: Jail, *, keep_io: bool = False
    ) -> None:
        self.language = language
        self.limits = limits
        self.keep_io = keep_io
        self.jail = jail
        self.worker: Worker | None = None
        worker = self.running()
        self.interpreter_version = worker.interpreter_version
        self.filtered = worker.filtered

    def judge(
        self,
        program: str,
        tests: Sequence[TestCase],
        *,
        limits: Limits | None = None,
        keep_io: bool | None = None,
    ) -> Judgement:
        """Run a program on tests until one fails. See `Sandbox.judge`."""
        if not tests:
            return Judgement(Verdict.BROKEN_PROBLEM, message="the problem has no tests")
        limits = limits or self.limits
        kept = kept_characters(self.keep_io if keep_io is None else keep_io)
        trouble = ""
        for _ in range(ATTEMPTS):
            try:
                return judge_program(self.running(), self.language, limits, program, tests, kept)
            except (WorkerLost, SandboxUnavailable) as error:
                trouble = str(error)
                self.close()
            except BaseException:
                self.close()  # an exchange was cut short; the next judgement starts afresh
                raise
        return Judgement(Verdict.SANDBOX_FAULT, message=trouble, tests_total=len(tests))

    def describe(self) -> dict[str, str]:
        """Backend, language, interpreter version and limits, for the report."""
        limits = self.limits
        description = {
            "backend": BACKEND_NAMES[self.jail],
            "language": self.language.name,
            "interpreter": self.interpreter_version,
            "system_call_filter": "yes" if self.filtered else "no",
            "cpu_seconds": f"{limits.cpu_seconds:g}",
            "wall_seconds": f"{limits.wall_seconds:g}",
            "memory_bytes": str(limits.memory_bytes),
            "output_bytes": str(limits.output_bytes),
        }
        if self.jail is Jail.NONE:
            description["warning"] = (
                "NOT ISOLATED: programs run with this user's files, network and processes in reach"
            )
        return description

    def close(self) -> None:
        """End the verifier. The next judgement would start another."""
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def running(self) -> Worker:
        """The verifier, started if there is none.

        Raises:
            SandboxUnavailable: it refuses to start.
            WorkerLost: it died while starting.
        """
        if self.worker is None:
            try:
                self.worker = Worker(self.language, self.jail)
            except WorkerRefused as error:
                raise SandboxUnavailable(
                    f"this system cannot make the jail of the local sandbox ({error}). It needs "
                    f"unprivileged user namespaces: allow them, or use {named('sandbox')} docker, "
                    f"or {named('sandbox')} unsafe to debug with programs that you trust"
                ) from None
        return self.worker
