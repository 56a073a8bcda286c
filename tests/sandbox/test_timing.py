"""Limits of time hold while the machine is busy; nothing outlives a test run that is killed."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from knm.errors import UserError
from knm.sandbox import Limits, Verdict, open_sandbox
from tests.sandbox.programs import SUM, SUM_PROGRAM
from tests.sandbox.test_limits import SLEEP
from tests.sandbox.test_local import alive, descendants, wait_until

AT_ONCE = 8
SLEEPERS = {
    "lua": SLEEP,
    "python": "import time\ntime.sleep(600)",
    "c": "#include <unistd.h>\nint main(void) { for (;;) pause(); }",
}
TEST_RUN = """
import sys
from knm.sandbox import Limits, open_sandbox
from tests.sandbox.programs import SUM

def test_sleeper():
    sandbox = open_sandbox("local", language={language!r}, limits=Limits(wall_seconds=600))
    print("judging", file=sys.__stderr__, flush=True)
    sandbox.judge({program!r}, SUM)
"""


def judge_at_once(program, limits):
    def judge(_):
        with open_sandbox("local", limits=limits) as sandbox:
            return sandbox.judge(program, SUM)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(judge, range(AT_ONCE)))


def test_busy_loops_are_timeouts_of_cpu_time_however_busy_the_machine(sandbox):
    judgements = judge_at_once("while true do end", Limits(cpu_seconds=0.5, wall_seconds=300))
    assert {judgement.verdict for judgement in judgements} == {Verdict.TIMEOUT}
    assert {judgement.message for judgement in judgements} == {"CPU time limit of 0.5 s exceeded"}
    assert all(0.45 < judgement.cpu_seconds < 1.7 for judgement in judgements)


def test_wall_time_ends_nothing_that_computes(sandbox):
    # Each needs more time than its wall limit: on a busy machine many times as much.
    program = "local stop = os.clock() + 0.12 while os.clock() < stop do end " + SUM_PROGRAM
    judgements = judge_at_once(program, Limits(cpu_seconds=5, wall_seconds=0.1))
    assert {judgement.verdict for judgement in judgements} == {Verdict.ACCEPTED}
    assert all(judgement.wall_seconds > len(SUM) * 0.12 for judgement in judgements)


def test_short_naps_add_up(sandbox):
    program = """
    local ffi = require("ffi")
    ffi.cdef("int usleep(unsigned);")
    local n = 0
    while true do
      for i = 1, 1e4 do n = n + i end
      ffi.C.usleep(20000)
    end
    """
    limits = Limits(cpu_seconds=60, wall_seconds=0.5)
    judgement = sandbox.judge(program, SUM, limits=limits)
    assert judgement.message == "wall time limit of 0.5 s exceeded"


def test_sleepers_are_caught_by_wall_time_all_at_once(sandbox):
    started = time.monotonic()
    judgements = judge_at_once(SLEEP, Limits(cpu_seconds=2, wall_seconds=1))
    assert {judgement.message for judgement in judgements} == {"wall time limit of 1 s exceeded"}
    assert all(judgement.cpu_seconds < 1 for judgement in judgements)
    assert time.monotonic() - started < AT_ONCE, "one after the other"


def test_good_program_is_accepted_beside_busy_loops(sandbox):
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(judge_at_once, "while true do end", Limits(0.5, 300))
        verdicts = set()
        while not busy.done():
            verdicts.add(sandbox.judge(SUM_PROGRAM, SUM).verdict)
    assert verdicts == {Verdict.ACCEPTED}


@pytest.mark.parametrize("language", SLEEPERS)
def test_killed_test_run_leaves_no_process_behind(sandbox, tmp_path, language):
    try:
        open_sandbox("local", language=language).close()
    except UserError as error:
        pytest.skip(str(error))
    root = Path(__file__).parents[2]
    file = tmp_path / "test_killed.py"
    file.write_text(TEST_RUN.format(language=language, program=SLEEPERS[language]))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-s", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=tmp_path, env=environment
    ) as run:
        assert run.stderr is not None
        assert run.stderr.readline() == b"judging\n"
        # A launcher, a verifier, and the program.
        wait_until(lambda: len(descendants(run.pid)) == 3)
        processes = descendants(run.pid)
        run.send_signal(signal.SIGKILL)
    wait_until(lambda: not alive(processes), seconds=5)
