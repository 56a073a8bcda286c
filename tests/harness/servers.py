"""`knm serve` as a process, for tests that need the real engine once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.harness.problem_files import ROOT


def clean_environment() -> dict[str, str]:
    """The environment without what steers pytest or knm."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "KNM_"))
    }


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
