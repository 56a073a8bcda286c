"""Judgements kept on disk, by everything that decides them, and the sandbox that asks there first.

A timeout is kept like any other verdict. That is safe because nothing else is then said than an
uninterrupted run would have said: the limits, the sandbox, the processor and the kernel are part of
the key, and time in which a program waits for a processor that others have counts in no limit.

Never kept is what may say nothing of the program: faults of sandbox and problem; programs, and what
compiles or starts them, that were killed by a signal, as the system does with whatever it has no
memory for; timeouts of images that go by the wall, and tell of no processor's time.
"""

import platform
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Final, Self

import knm
from knm.cache import Cache, Table
from knm.hashing import hash_bytes, hash_file, hash_json, hash_json_items
from knm.languages.language import load_language
from knm.problems import TestCase
from knm.sandbox import SIGNAL, Judgement, Limits, Sandbox, Verdict

FILE_NAME: Final = "judgements.sqlite"
KEY_VERSION: Final = 1
_KILLED: Final = (128 + signal.SIGKILL, -signal.SIGKILL)
"""What a shell, and Python, makes of a child that was killed."""

_TABLE: Final = Table("judgements", "judgement", {})
_PACKAGE: Final = Path(knm.__file__).parent
_SOURCES: Final = (
    "testcases.py",
    "languages/execution.py",
    "sandbox/*.py",
    "sandbox/docker/*.py",
    "sandbox/jailed/*",
)
"""What runs programs and compares their output, in this package."""


@dataclass(frozen=True)
class KeptJudgement:
    """A judgement, and the wall time in seconds that it took."""

    judgement: Judgement
    seconds: float


class JudgementCache(Cache):
    """A cache of judgements."""

    def __init__(self, directory: Path, notify: Callable[[str], None]) -> None:
        """Open or create the cache in `directory`.

        Raises:
            UserError: the directory cannot be made or written.
        """
        super().__init__(directory / FILE_NAME, _TABLE, notify)


class KeepingSandbox:
    """A sandbox that runs no program again on tests that it has been judged by.

    `language` is what the sandbox was opened with, and `keep_io` likewise. What was kept before
    `since` is not looked at. `from_before` counts the judgements that were kept before `began`;
    `spared` are the seconds that all those took which were not made again. As for the sandbox
    itself, one thread at a time. Whoever opened the sandbox closes it.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        kept: JudgementCache,
        language: str,
        *,
        keep_io: bool = False,
        since: float = 0.0,
        began: float = 0.0,
    ) -> None:
        self._sandbox = sandbox
        self._kept = kept
        self._keep_io = keep_io
        self._since = since
        self._began = began
        self._fixed = {
            "version": KEY_VERSION,
            "judge": _judge_hash(),
            "machine": _machine(),
            "language": hash_json(dict(load_language(language).execution.description)),
            "sandbox": sandbox.describe(),
        }
        self.from_before = 0
        self.spared = 0.0

    def judge(
        self,
        program: str,
        tests: Sequence[TestCase],
        *,
        limits: Limits | None = None,
        keep_io: bool | None = None,
    ) -> Judgement:
        """What is kept, or else the sandbox's answer. See `Sandbox.judge`."""
        keep_io = self._keep_io if keep_io is None else keep_io
        key = self._key(program, tests, limits, keep_io=keep_io)
        found = self._kept.read(key, KeptJudgement, since=self._since)
        if found is not None:
            self.from_before += found.created < self._began
            self.spared += found.value.seconds
            return found.value.judgement
        started = time.perf_counter()
        judgement = self._sandbox.judge(program, tests, limits=limits, keep_io=keep_io)
        if _is_of_the_program(judgement):
            made = KeptJudgement(judgement, time.perf_counter() - started)
            self._kept.write(key, made)
        return judgement

    def describe(self) -> dict[str, str]:
        """See `Sandbox.describe`."""
        return self._sandbox.describe()

    def close(self) -> None:
        """End all processes of the sandbox."""
        self._sandbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _key(
        self, program: str, tests: Sequence[TestCase], limits: Limits | None, *, keep_io: bool
    ) -> str:
        return hash_json(
            {
                **self._fixed,
                "limits": limits and asdict(limits),
                "keep_io": keep_io,
                "program": hash_bytes(program.encode("utf-8", "surrogatepass")),
                "tests": hash_json_items([test.input, test.output] for test in tests),
            }
        )


def seconds_spared(sandbox: Sandbox) -> float:
    """The seconds that judgements took which a sandbox has had kept so far."""
    return sandbox.spared if isinstance(sandbox, KeepingSandbox) else 0.0


def _is_of_the_program(judgement: Judgement) -> bool:
    killed = judgement.error_class == SIGNAL or judgement.exit_code in _KILLED
    on_the_wall = judgement.verdict is Verdict.TIMEOUT and not judgement.cpu_seconds
    return not (judgement.verdict.is_infrastructure or killed or on_the_wall)


@cache
def _judge_hash() -> str:
    """The hash of what decides a verdict in this package: no number that somebody has to raise."""
    files = (path for pattern in _SOURCES for path in _PACKAGE.glob(pattern))
    sources = sorted(path for path in files if path.suffix in (".py", ".lua"))
    return hash_json({str(path.relative_to(_PACKAGE)): hash_file(path) for path in sources})


@cache
def _machine() -> str:
    """What the time that a program takes depends on."""
    return f"{platform.platform()}, {_processor()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line for line in lines if line.startswith("model name")), "")
