"""The sandbox as its users see it: what it judges by, what it says, what a program may take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, Self

from knm.errors import UserError, named

if TYPE_CHECKING:
    from knm.testcases import TestCase

EXCERPT_CHARACTERS = 2000
KEPT_CHARACTERS = 1 << 20
"""Of each text that `keep_io` keeps: an answer of a container has to hold them all."""

SIGNAL = "signal"
"""The error class of what a signal has killed."""

COMPILER_SECONDS = 10.0  # at least, of CPU time
COMPILER_MEMORY = 1 << 30  # at least
HIGHEST_LIMITS = {
    "cpu_seconds": 86_400,
    "wall_seconds": 7 * 86_400,
    "memory_bytes": 1 << 40,
    "output_bytes": 1 << 30,
}


class Verdict(StrEnum):
    """The outcome of judging one completion."""

    ACCEPTED = "accepted"
    WRONG_OUTPUT = "wrong-output"
    SYNTAX_ERROR = "syntax-error"
    RUNTIME_ERROR = "runtime-error"
    TIMEOUT = "timeout"
    MEMORY_LIMIT = "memory-limit"
    OUTPUT_LIMIT = "output-limit"
    NO_CODE = "no-code"
    TRUNCATED = "truncated"
    SANDBOX_FAULT = "sandbox-fault"
    ENGINE_FAULT = "engine-fault"
    BROKEN_PROBLEM = "broken-problem"
    NOT_JUDGED = "not-judged"

    @property
    def is_infrastructure(self) -> bool:
        """Whether it says nothing of the model: the trouble is ours or the problem's.

        Or nobody has judged: a verdict that a run has which only decodes.
        """
        return self in INFRASTRUCTURE

    @property
    def study_group(self) -> str | None:
        """The group in the original study's statistics; None where it counts as no failure."""
        if self is Verdict.ACCEPTED or self.is_infrastructure:
            return None
        return STUDY_GROUPS.get(self, "other")


INFRASTRUCTURE = frozenset(
    {Verdict.SANDBOX_FAULT, Verdict.ENGINE_FAULT, Verdict.BROKEN_PROBLEM, Verdict.NOT_JUDGED}
)
STUDY_GROUPS = {
    Verdict.WRONG_OUTPUT: "output error",
    Verdict.SYNTAX_ERROR: "syntax error",
    Verdict.RUNTIME_ERROR: "runtime error",
}


@dataclass(frozen=True)
class Limits:
    """What a program may take on each test.

    `cpu_seconds` is the limit that counts. `wall_seconds` catches what sleeps: time in which a
    program computes, or waits for a processor that others have, is not part of it. `memory_bytes`
    is address space beyond that of the idle interpreter, `output_bytes` bounds standard output and
    standard error, each; both are whole numbers.

    Raises:
        UserError: a limit is not a positive number, or larger than any system could grant.
    """

    cpu_seconds: float = 5.0
    wall_seconds: float = 15.0
    memory_bytes: int = 512 << 20
    output_bytes: int = 16 << 20

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            whole = name.endswith("_bytes")
            known = int if whole else int | float
            sound = isinstance(value, known) and not isinstance(value, bool)
            if not sound or not 0 < value <= HIGHEST_LIMITS[name]:
                raise UserError(
                    f"limit {name}: expected a positive {'whole ' if whole else ''}number up to "
                    f"{HIGHEST_LIMITS[name]}, found {str(value)[:40]}"
                )


def make_limits(
    time_limit: float | None = None, memory_limit: int | None = None, limits: Limits | None = None
) -> Limits:
    """Limits per test: `limits` (default: those of `Limits`) with what is given in their place.

    `time_limit` is CPU time in seconds, and a longer one moves the wall time along; `memory_limit`
    is in MiB.

    Raises:
        UserError: a limit is not positive, or larger than any system could grant.
    """
    made = limits or Limits()
    try:
        option, value = "time_limit", str(time_limit)
        if time_limit is not None:
            wall = max(Limits.wall_seconds, 3 * time_limit)
            made = replace(made, cpu_seconds=time_limit, wall_seconds=wall)
        option, value = "memory_limit", str(memory_limit)
        if memory_limit is not None:
            made = replace(made, memory_bytes=memory_limit << 20)
    except UserError as error:
        raise UserError(f"{named(option)} {value}: {error}") from None
    return made


@dataclass(frozen=True)
class Judgement:
    """The verdict on a program and what supports it.

    The first failing test decides: `failing_test` is its index from 0, `exit_code` (None after a
    signal) and `stderr` are its own. `failing_input`, `expected`, `got` and `stderr` are cut to
    `EXCERPT_CHARACTERS`, or with `keep_io` to `KEPT_CHARACTERS`, each with a mark of how much is
    missing. Times are sums over the tests run, `peak_memory_bytes` is
    the largest resident set of any. `lenient_accepted` is the lenient grader's answer for the whole
    program.
    """

    verdict: Verdict
    error_class: str | None = None
    message: str = ""
    tests_passed: int = 0
    tests_total: int = 0
    failing_test: int | None = None
    failing_input: str | None = None
    expected: str | None = None
    got: str | None = None
    exit_code: int | None = None
    stderr: str = ""
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_memory_bytes: int = 0
    lenient_accepted: bool = False

    @property
    def label(self) -> str:
        """Verdict and class, such as `runtime-error (index-nil)`."""
        return (
            f"{self.verdict.value} ({self.error_class})" if self.error_class else self.verdict.value
        )


class Sandbox(Protocol):
    """Judges programs of one language, each in isolation. Not for several threads at once."""

    def judge(
        self,
        program: str,
        tests: Sequence[TestCase],
        *,
        limits: Limits | None = None,
        keep_io: bool | None = None,
    ) -> Judgement:
        """Run a program on tests until one fails.

        Trouble of the sandbox is a verdict (`sandbox-fault`), never an exception.

        Args:
            program: source text.
            tests: none is a fault of the problem.
            limits: per test; those that the sandbox was opened with by default.
            keep_io: whether what a failing test read and wrote is kept as a whole, and not its
                beginning alone; as the sandbox was opened by default.
        """

    def describe(self) -> dict[str, str]:
        """Backend, language, interpreter version and limits, for the report."""

    def close(self) -> None:
        """End all processes. May be called again."""

    def __enter__(self) -> Self:
        """Close at the end of a `with` block."""

    def __exit__(self, *_: object) -> None:
        """See `close`."""


def excerpt(text: str, most: int = EXCERPT_CHARACTERS) -> str:
    """The beginning of a text, and how much is missing."""
    missing = len(text) - most
    if missing <= 0:
        return text
    return f"{text[:most]}… [{missing:,} more characters]"


def excerpt_of_end(text: str, most: int = EXCERPT_CHARACTERS) -> str:
    """The end of a text, and how much is missing."""
    missing = len(text) - most
    if missing <= 0:
        return text
    return f"[{missing:,} characters before] …{text[-most:]}"


def kept_characters(keep_io: bool) -> int:
    """How much is kept of each text of a failing test."""
    return KEPT_CHARACTERS if keep_io else EXCERPT_CHARACTERS
