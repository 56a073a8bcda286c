"""The bench and `knm serve` as processes, as a user starts them; and a server in this process."""

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from knm.bench import prepare_engine
from knm.engine import describe_setup, open_setup
from knm.options import ServedEngineOptions
from tests.problems.problem_files import ROOT
from tests.serving.scripted import behind_http

# Hypothesis's plugin imports all of it, a second of each process for nothing.
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")


def clean_environment() -> dict[str, str]:
    """The environment without what steers pytest or knm, for one of many on the same cores."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "KNM_"))
    }
    return kept | {"COLUMNS": "200", "OMP_NUM_THREADS": "1"}


def start_bench(
    *arguments: object, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """`pytest bench ...` in the project's directory; completions are kept for this session only."""
    return start_pytest("bench", *arguments, environment=environment)


def start_pytest(
    *arguments: object, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """`pytest ...` in the project's directory, as `start_bench`."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *map(str, arguments), *WITHOUT],
        cwd=ROOT,
        env=clean_environment() | {"KNM_CACHE_DIR": session_cache()} | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run_bench(
    *arguments: object, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`pytest bench ...` to its end."""
    return run_pytest("bench", *arguments, environment=environment)


def run_pytest(
    *arguments: object, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`pytest ...` to its end."""
    with start_pytest(*arguments, environment=environment) as process:
        stdout, stderr = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


@cache
def session_cache() -> str:
    """Where completions are kept for this session only."""
    directory = tempfile.mkdtemp(prefix="knm-tests-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


@contextmanager
def knm_serve(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """`knm serve` on a free port of the loopback; gives its address when the model is loaded."""
    command = [sys.executable, "-m", "knm.cli", "serve", "--port", "0", "--json", *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=clean_environment() | dict(environment or {}),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def engine_server(options: ServedEngineOptions) -> Iterator[str]:
    """What `knm serve` serves, by this process, which has the libraries that cost it seconds."""
    setup = prepare_engine(options, ROOT)
    with behind_http(lambda: open_setup(setup), describe_setup(setup)) as url:
        yield url
