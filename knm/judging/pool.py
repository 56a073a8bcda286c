"""Several sandboxes judging at a time, for whoever has completions."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import Final

from knm.judging.attempts import Attempt, judge_attempts
from knm.judging.keeping import JudgementCache, KeepingSandbox
from knm.problems import Problem
from knm.report import ProblemResult
from knm.sandbox import Limits, Sandbox, open_sandbox

MOST_WORKERS: Final = 16


class JudgePool:
    """Judges as many problems at a time as there are sandboxes, in the order they come."""

    def __init__(self, sandboxes: Sequence[Sandbox], threads: ThreadPoolExecutor) -> None:
        self._sandboxes, self._threads = sandboxes, threads
        self._free: SimpleQueue[Sandbox] = SimpleQueue()
        for sandbox in sandboxes:
            self._free.put(sandbox)

    def describe(self) -> dict[str, str]:
        """What its sandboxes are, for the report."""
        return self._sandboxes[0].describe()

    @property
    def from_before(self) -> int:
        """How many judgements so far had been kept before the pool was opened."""
        keeping = (one for one in self._sandboxes if isinstance(one, KeepingSandbox))
        return sum(one.from_before for one in keeping)

    def judge(
        self, problem: Problem, attempts: Sequence[Attempt], asked: str | None = None
    ) -> Future[ProblemResult]:
        """Have one problem's attempts judged together; what waits is dropped with the pool.

        `asked` is the hash of the prompt, None where it is not known.
        """
        return self._threads.submit(self._judge, problem, attempts, asked)

    def _judge(
        self, problem: Problem, attempts: Sequence[Attempt], asked: str | None
    ) -> ProblemResult:
        sandbox = self._free.get()
        try:
            return judge_attempts(problem, attempts, sandbox, asked)
        finally:
            self._free.put(sandbox)


def default_workers() -> int:
    """Programs judged at a time: one for each core, up to `MOST_WORKERS`."""
    return min(MOST_WORKERS, len(os.sched_getaffinity(0)))


@contextmanager
def open_judges(
    sandbox: str,
    language: str,
    limits: Limits,
    workers: int | None = None,
    *,
    keep_io: bool = False,
    kept: JudgementCache | None = None,
    fresh: bool = False,
) -> Iterator[JudgePool]:
    """A pool of `workers` sandboxes of one kind (default: by the number of cores).

    `keep_io` is as in `open_sandbox`. What is `kept` is not judged again; if `fresh`, only what was
    kept since the pool was opened.

    What is not begun when the `with` block ends is dropped.

    Raises:
        SandboxUnavailable: the system denies what the sandbox needs.
        UserError: there is no such sandbox or language.
    """

    began = time.time()

    def open_one() -> Sandbox:
        opened = open_sandbox(sandbox, language=language, limits=limits, keep_io=keep_io)
        if kept is None:
            return opened
        since = began if fresh else 0.0
        try:
            return KeepingSandbox(opened, kept, language, keep_io=keep_io, since=since, began=began)
        except BaseException:
            opened.close()
            raise

    with ExitStack() as stack:
        count = workers or default_workers()
        sandboxes = _open_all(open_one, count, stack)
        threads = ThreadPoolExecutor(count)
        stack.callback(threads.shutdown, cancel_futures=True)
        yield JudgePool(sandboxes, threads)


def _open_all(open_one: Callable[[], Sandbox], count: int, stack: ExitStack) -> list[Sandbox]:
    """Open the first by itself, so that one failure is reported once; `stack` closes them all."""
    first = stack.enter_context(open_one())
    with ThreadPoolExecutor(count) as pool:
        opening = [pool.submit(open_one) for _ in range(count - 1)]
    opened = [each for each in opening if each.exception() is None]
    others = [stack.enter_context(each.result()) for each in opened]
    for each in opening:
        each.result()  # raises what kept one of them from being opened
    return [first, *others]
