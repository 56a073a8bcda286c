"""An engine process of a run's own: it answers before it has a model, and dies with the run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from knm.records import Request
from knm.serving import EngineLost, EngineProcess, end_ahead, start_ahead
from tests.engine.configurations import CONFIGURATION
from tests.problems.problem_files import ROOT

SETUP: Any = SimpleNamespace(to_json=dict)  # it is never opened
PARENT = """
import sys, time
from knm.serving import EngineProcess
from tests.serving.test_process import SETUP
from tests.engine.configurations import CONFIGURATION
process = EngineProcess(SETUP, CONFIGURATION)
assert process.client().configuration() == CONFIGURATION
print(process.pid, flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def wait_for_end(pid: int) -> None:
    give_up = time.monotonic() + 10
    while alive(pid):
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_however_its_parent_ends(number):
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.send_signal(number)
        parent.wait(10)
        wait_for_end(pid)


def test_it_holds_no_model_until_it_is_asked():
    process = EngineProcess(SETUP, CONFIGURATION)
    assert process.client().configuration() == CONFIGURATION
    assert "libtorch" not in Path(f"/proc/{process.pid}/maps").read_text()
    process.close()
    assert not alive(process.pid)


def test_one_that_was_started_ahead_loads_its_libraries_meanwhile():
    start_ahead()
    start_ahead()  # one is enough
    try:
        process = EngineProcess(SETUP, CONFIGURATION)
        give_up = time.monotonic() + 60
        while "libtorch_cpu" not in Path(f"/proc/{process.pid}/maps").read_text():
            assert time.monotonic() < give_up
            time.sleep(0.05)
        assert process.client().configuration() == CONFIGURATION
        process.close()
        assert not alive(process.pid)
        other = EngineProcess(SETUP, CONFIGURATION)
        assert other.pid != process.pid
        other.close()
    finally:
        end_ahead()


def test_what_was_started_ahead_for_nobody_ends(monkeypatch):
    started = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self.pid)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    start_ahead()
    end_ahead()
    end_ahead()
    assert len(started) == 1
    assert not alive(started[0])


def test_a_process_that_is_killed_is_lost_at_once():
    process = EngineProcess(SETUP, CONFIGURATION)
    os.kill(process.pid, signal.SIGSTOP)
    os.kill(process.pid, signal.SIGKILL)
    started = time.monotonic()
    with pytest.raises(EngineLost):
        process.client().complete("embedded", [Request("a", "a")], print)
    assert time.monotonic() - started < 5
    process.close()


def test_a_process_that_dies_before_its_order_is_lost_and_no_more(monkeypatch):
    class DeadAtOnce(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.kill()
            self.wait()

    monkeypatch.setattr(subprocess, "Popen", DeadAtOnce)
    process = EngineProcess(SETUP, CONFIGURATION)
    with pytest.raises(EngineLost):
        process.client().complete("embedded", [Request("a", "a")], print)
    process.close()
