"""A pytest plugin for tests: the bench in their own process, which has imported what takes long."""

import os
from collections.abc import Callable

import pytest

from tests.bench.processes import WITHOUT, clean_environment, session_cache
from tests.problems.problem_files import ROOT


@pytest.fixture
def bench_here(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., pytest.RunResult]:
    """Run `pytest bench ...` in the project's directory, as `run_bench`, but in this process."""
    monkeypatch.chdir(ROOT)
    for name in set(os.environ) - set(clean_environment()):
        monkeypatch.delenv(name)
    monkeypatch.setenv("KNM_CACHE_DIR", session_cache())
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> pytest.RunResult:
        words = ["bench", *map(str, arguments), *WITHOUT]
        return pytester.runpytest_inprocess(*words, syspathinsert=False)

    return run
