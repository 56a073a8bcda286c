"""The life of a sandbox: opening, being refused, losing its verifier, leaving nothing behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from knm.errors import UserError
from knm.problems import TestCase
from knm.sandbox import Limits, SandboxUnavailable, Verdict, open_sandbox
from tests.sandbox.programs import SUM, SUM_PROGRAM, cases, output_of
from tests.sandbox.test_limits import SLEEP


def parents() -> dict[int, int]:
    """Each process and its parent; those that are dead and not yet waited for are left out."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it has just ended
        if state not in "ZX":
            found[int(status.parent.name)] = int(parent)
    return found


def descendants(ancestor: int) -> list[int]:
    """Processes below `ancestor`, nearest first."""
    above = parents()
    found = [process for process, parent in above.items() if parent == ancestor]
    for process in found:
        found += [child for child, parent in above.items() if parent == process]
    return found


def alive(processes):
    return sorted(set(processes) & set(parents()))


def wait_until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def own(sandbox):
    """A sandbox whose processes are the only ones below this process that the test sees as new."""
    before = set(descendants(os.getpid()))
    with open_sandbox("local", limits=Limits(cpu_seconds=1, wall_seconds=20)) as opened:
        new = [process for process in descendants(os.getpid()) if process not in before]
        assert len(new) == 2, "a launcher and a verifier"
        yield opened, new


def test_unknown_backend_is_refused_with_the_names_there_are():
    with pytest.raises(UserError, match=r"'vm'.*local, unsafe"):
        open_sandbox("vm")


def test_unknown_language_is_refused_before_anything_starts():
    with pytest.raises(UserError, match="cobol"):
        open_sandbox("local", language="cobol")


def test_description_names_what_decides_a_verdict(sandbox):
    description = sandbox.describe()
    assert description["backend"] == "local"
    assert description["interpreter"].startswith("LuaJIT 2.1.")
    assert description["memory_bytes"] == str(128 << 20)
    assert "warning" not in description


def test_unsafe_sandbox_judges_alike_and_warns():
    with open_sandbox("unsafe", limits=Limits(cpu_seconds=0.3, wall_seconds=1)) as unsafe:
        assert "NOT ISOLATED" in unsafe.describe()["warning"]
        assert unsafe.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED
        assert unsafe.judge("while true do end", SUM).verdict is Verdict.TIMEOUT
        assert unsafe.judge(SLEEP, SUM).verdict is Verdict.TIMEOUT
        assert unsafe.judge("x = = 1", SUM).verdict is Verdict.SYNTAX_ERROR
        assert output_of(unsafe, "print(os.getenv('HOME'))") == "nil\n"


def test_system_that_denies_namespaces_is_refused_with_the_alternatives():
    # In a user namespace of its own the child may forbid any further one.
    script = """
import os, sys
from pathlib import Path
from knm.sandbox import SandboxUnavailable, open_sandbox
from knm.sandbox.jailed import system
user = os.geteuid()
system.call("unshare", 0x10000000)
Path("/proc/self/uid_map").write_text(f"0 {user} 1")
Path("/proc/sys/user/max_user_namespaces").write_text("0")
try:
    open_sandbox("local")
except SandboxUnavailable as error:
    sys.exit(str(error))
"""
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    if "PermissionError" in child.stderr:
        pytest.skip("this system does not let a process forbid itself user namespaces")
    assert "unshare" in child.stderr
    assert "sandbox docker" in child.stderr
    assert "sandbox unsafe" in child.stderr


def test_interpreter_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(UserError, match=r"lupa\.luajit21"):
        open_sandbox("local")


@pytest.mark.parametrize("which", [0, 1])
def test_killed_verifier_is_replaced_without_a_wrong_verdict(own, which):
    sandbox, processes = own
    assert sandbox.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED
    os.kill(processes[which], signal.SIGKILL)
    wait_until(lambda: not alive(processes))
    assert sandbox.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED
    assert not alive(processes)


def test_verifier_killed_during_a_judgement_is_replaced(own):
    sandbox, (_, verifier) = own
    timer = threading.Timer(0.3, os.kill, (verifier, signal.SIGKILL))
    timer.start()
    judgement = sandbox.judge("while true do end", SUM)
    timer.join()
    assert judgement.verdict is Verdict.TIMEOUT


def test_verifier_that_dies_every_time_is_a_fault_of_the_sandbox(own, monkeypatch):
    sandbox, (_, verifier) = own
    monkeypatch.setattr("knm.sandbox.worker.BOOTSTRAP", "raise SystemExit('broken {folder}')")
    os.kill(verifier, signal.SIGKILL)
    judgement = sandbox.judge(SUM_PROGRAM, SUM)
    assert judgement.verdict is Verdict.SANDBOX_FAULT
    assert "the verifier died: broken" in judgement.message
    monkeypatch.undo()
    assert sandbox.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED


def test_verifier_that_does_not_answer_is_given_up(own, monkeypatch):
    sandbox, (_, verifier) = own
    monkeypatch.setattr("knm.sandbox.worker.GRACE_SECONDS", -19.9)
    monkeypatch.setattr("knm.sandbox.worker.STOP_SECONDS", 0.1)
    sandbox.judge(SUM_PROGRAM, SUM)
    os.kill(verifier, signal.SIGSTOP)
    assert sandbox.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED
    wait_until(lambda: not alive([verifier]))


def test_interrupted_judgement_does_not_disturb_the_next(own):
    sandbox, _ = own

    class Interrupting(tuple[TestCase, ...]):
        def __iter__(self):
            yield from cases(("1 2", "3"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sandbox.judge(SUM_PROGRAM, Interrupting(SUM))
    assert sandbox.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED


def test_sandbox_outlives_the_thread_that_opened_it(sandbox):
    opened = []
    thread = threading.Thread(target=lambda: opened.append(open_sandbox("local")))
    thread.start()
    thread.join()
    time.sleep(0.05)
    with opened[0] as other:
        processes = set(descendants(os.getpid()))
        assert other.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED
        assert processes == set(descendants(os.getpid()))


def test_closing_ends_every_process_and_may_be_repeated(own):
    sandbox, processes = own
    sandbox.close()
    assert not alive(processes)
    sandbox.close()


def test_killing_the_host_leaves_no_process_behind(sandbox):
    script = f"""
from knm.sandbox import Limits, open_sandbox
from tests.sandbox.programs import SUM
sandbox = open_sandbox("local", limits=Limits(wall_seconds=60))
print("ready", flush=True)
sandbox.judge({SLEEP!r}, SUM)
"""
    host = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    with host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"ready\n"
        wait_until(lambda: len(descendants(host.pid)) == 3)
        processes = descendants(host.pid)
        host.kill()
    wait_until(lambda: not alive(processes))


def test_several_processes_judge_at_once(sandbox):
    script = """
from knm.sandbox import open_sandbox
from tests.sandbox.programs import SUM, SUM_PROGRAM
with open_sandbox() as sandbox:
    print({sandbox.judge(SUM_PROGRAM, SUM).verdict.value for _ in range(20)})
"""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script]
    hosts = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(3)
    ]
    assert [host.communicate()[0] for host in hosts] == ["{'accepted'}\n"] * 3


def test_many_judgements_leak_no_descriptor_and_no_process(own):
    sandbox, _ = own

    def resources():
        return len(list(Path("/proc/self/fd").iterdir())), descendants(os.getpid())

    sandbox.judge(SUM_PROGRAM, SUM)
    before = resources()
    for program in (SUM_PROGRAM, "error()", "x = = 1", "os.exit(1)") * 25:
        assert sandbox.judge(program, SUM).verdict is not Verdict.SANDBOX_FAULT
    assert resources() == before


def test_importing_the_sandbox_loads_nothing_heavy():
    script = "import sys, knm.sandbox; print(sorted({'torch', 'numpy', 'lupa'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", script]) == b"[]\n"


def test_refusal_is_an_error_that_the_user_can_mend():
    assert issubclass(SandboxUnavailable, UserError)
