"""Several sandboxes judging at a time, for whoever has completions."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue

from knm.judging.attempts import Candidate, Evaluation, combine_samples, judge_candidate
from knm.problems import Problem
from knm.sandbox import Sandbox

Judge = Callable[[Problem, Sequence[Candidate]], Future[Evaluation]]


@contextmanager
def judge_pool(sandboxes: Sequence[Sandbox]) -> Iterator[Judge]:
    """Judge as many problems at a time as there are sandboxes, in the order they come.

    What is not begun when the `with` block ends is dropped.
    """
    free: SimpleQueue[Sandbox] = SimpleQueue()
    for sandbox in sandboxes:
        free.put(sandbox)

    def judge(problem: Problem, attempts: Sequence[Candidate]) -> Evaluation:
        sandbox = free.get()
        try:
            return combine_samples(
                [judge_candidate(problem, candidate, sandbox) for candidate in attempts]
            )
        finally:
            free.put(sandbox)

    pool = ThreadPoolExecutor(len(sandboxes))
    try:
        yield lambda problem, attempts: pool.submit(judge, problem, attempts)
    finally:
        pool.shutdown(cancel_futures=True)
