"""Sleeping is told from computing by looking at real processes, whoever else is busy."""

import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from knm.sandbox.idling import IdleClock, computes
from tests.sandbox.test_local import wait_until

SLEEPER = "import sys; print(flush=True); sys.stdin.read()"
SPINNER = "print(flush=True)\nwhile True: pass"
THREAD = (
    "import threading\ndef spin():\n    while True: pass\n"
    "thread = threading.Thread(target=spin); thread.start(); print(flush=True); thread.join()"
)
CHILD = (
    f"import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', {SPINNER!r}])\n"
    "print(flush=True)\ntry:\n    sys.stdin.read()\nfinally:\n    child.kill()"
)


@pytest.fixture
def start():
    with ExitStack() as stack:

        def start(script):
            process = subprocess.Popen(
                [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            stack.callback(end, process, gently=script is CHILD)
            assert process.stdout is not None
            process.stdout.readline()
            return process.pid

        yield start


def end(process, *, gently):
    """End a process; gently where it has a child to end."""
    if not gently:
        process.kill()
    process.communicate()


@pytest.mark.parametrize("script", [SPINNER, THREAD, CHILD], ids=["itself", "thread", "child"])
def test_time_of_what_computes_is_not_idle(start, script):
    process = start(script)
    wait_until(lambda: computes(process))
    clock = IdleClock(process)
    end = time.monotonic() + 0.4
    while time.monotonic() < end:
        time.sleep(0.02)
        idle = clock.look()
    assert idle < 0.1


def test_time_of_what_sleeps_is_idle_until_the_clock_begins_again(start):
    process = start(SLEEPER)
    wait_until(lambda: not computes(process))
    clock = IdleClock(process)
    started = time.monotonic()
    time.sleep(0.2)
    assert 0.2 <= clock.look() <= time.monotonic() - started + 0.01
    clock.restart()
    assert clock.look() < 0.2


def test_process_that_is_gone_does_not_compute():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert not computes(process.pid)
