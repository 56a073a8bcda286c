"""The life of containers: made, lost, replaced, removed; those of others are left alone."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from knm.errors import UserError
from knm.languages.language import load_language
from knm.sandbox import SandboxUnavailable, Verdict, open_sandbox
from knm.sandbox.docker import image as image_module
from knm.sandbox.docker.backend import DockerSandbox, find_image
from knm.sandbox.docker.containers import Container
from knm.sandbox.docker.engine import Engine
from knm.sandbox.docker.ownership import HOST, MARK, PROCESS, RUN, STARTED, owner_labels
from tests.sandbox.conftest import QUICK
from tests.sandbox.programs import SUM, SUM_PROGRAM
from tests.sandbox.test_limits import SLEEP
from tests.sandbox.test_local import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def own(own_image):
    with open_sandbox(f"docker:{own_image}", limits=QUICK) as opened:
        yield opened


def containers_of(engine, sandbox):
    return list(engine.containers(f"{RUN}={sandbox.labels[RUN]}"))


def test_unknown_backend_is_refused_with_the_names_there_are():
    for spec in ("docker:", "local:x", "unsafe:", "podman"):
        with pytest.raises(UserError, match=r"docker, local, unsafe, docker:IMAGE"):
            open_sandbox(spec)


def test_absent_engine_is_refused_with_the_alternatives(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(SandboxUnavailable, match=r"/nowhere/docker.sock.*DOCKER_HOST.*local"):
        open_sandbox("docker")


def test_absent_image_is_refused_with_the_command_that_makes_it(engine):
    with pytest.raises(SandboxUnavailable, match=r"no-such-image.*docker pull no-such-image"):
        open_sandbox("docker:no-such-image")


def test_image_of_other_sources_is_out_of_date(engine, own_image, monkeypatch):
    assert image_module.is_current(find_image(engine, own_image))
    monkeypatch.setattr(image_module, "MAIN", b"changed")
    with pytest.raises(SandboxUnavailable, match="out of date.*knm sandbox build"):
        find_image(engine, own_image)


def test_closing_removes_the_container_and_may_be_repeated(own, engine):
    assert len(containers_of(engine, own)) == 1
    own.close()
    assert not containers_of(engine, own)
    own.close()
    assert own.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED


def test_container_killed_between_judgements_is_replaced(own, engine):
    (container,) = containers_of(engine, own)
    engine.api.kill(container)
    assert own.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED
    assert container not in containers_of(engine, own)


def test_container_killed_during_a_judgement_is_replaced(own, engine):
    (container,) = containers_of(engine, own)
    timer = threading.Timer(0.2, engine.api.kill, (container,))
    timer.start()
    judgement = own.judge("while true do end", SUM)
    timer.join()
    assert judgement.verdict is Verdict.TIMEOUT
    assert container not in containers_of(engine, own)


def test_container_that_does_not_answer_is_given_up(own, engine, monkeypatch):
    monkeypatch.setattr("knm.sandbox.docker.dialects.BUSY", 0)
    monkeypatch.setattr("knm.sandbox.docker.dialects.GRACE_SECONDS", 0.5)
    (container,) = containers_of(engine, own)
    engine.api.pause(container)
    assert own.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED
    wait_until(lambda: container not in containers_of(engine, own))


def test_container_that_is_lost_every_time_is_a_fault_of_the_sandbox(own, monkeypatch):
    monkeypatch.setattr("knm.sandbox.docker.dialects.BUSY", 0)
    monkeypatch.setattr("knm.sandbox.docker.dialects.GRACE_SECONDS", 0)
    judgement = own.judge(SUM_PROGRAM, SUM)
    assert judgement.verdict is Verdict.SANDBOX_FAULT
    assert "does not answer" in judgement.message
    monkeypatch.undo()
    assert own.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED


def test_interrupted_judgement_does_not_disturb_the_next(own, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("knm.sandbox.docker.dialects.parse_answer", interrupt)
        with pytest.raises(KeyboardInterrupt):
            own.judge(SUM_PROGRAM, SUM)
    assert own.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED


def test_threads_share_a_pool_of_containers(own_image, engine):
    with DockerSandbox(load_language("lua").execution, QUICK, own_image, size=2) as sandbox:
        assert len(containers_of(engine, sandbox)) == 1
        with ThreadPoolExecutor(4) as threads:
            programs = [SUM_PROGRAM, "print(1)"] * 20
            told = list(threads.map(lambda program: sandbox.judge(program, SUM).verdict, programs))
        assert told == [Verdict.ACCEPTED, Verdict.WRONG_OUTPUT] * 20
        assert len(containers_of(engine, sandbox)) == 2


def test_replaced_containers_leak_no_descriptor(own, engine):
    def replace():
        for container in containers_of(engine, own):
            engine.api.kill(container)
        assert own.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED
        return len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(3):
        replace()
    assert replace() == replace()


def test_soak_finds_nothing_that_grows_and_no_verdict_that_varies(own_image):
    command = [sys.executable, "-m", "benchmarks.soak", "--json", "--count", "100"]
    soak = subprocess.run(
        [*command, "--sandbox", f"docker:{own_image}"], cwd=ROOT, stdout=subprocess.PIPE
    )
    figures = json.loads(soak.stdout)
    assert soak.returncode == 0, figures
    assert figures["after"]["containers"] == 1
    assert figures["after"]["verifier_processes"] == 4


SCRIPT = """
import sys
from knm.sandbox import Limits, open_sandbox
from tests.sandbox.programs import SUM
sandbox = open_sandbox("docker:{image}", limits=Limits(cpu_seconds=60, wall_seconds=60))
print(sandbox.labels["knm.sandbox.run"], flush=True)
{action}
"""


def run_script(image, action):
    """A process that has opened a sandbox and does something, and its run id."""
    script = SCRIPT.format(image=image, action=action)
    host = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT)
    assert host.stdout is not None
    return host, host.stdout.readline().decode().strip()


@pytest.mark.parametrize(
    ("death", "program"),
    [(signal.SIGINT, SLEEP), (signal.SIGKILL, "while true do end"), (signal.SIGTERM, SLEEP)],
)
def test_death_of_the_host_in_a_judgement_ends_the_container(own_image, engine, death, program):
    host, run = run_script(own_image, f"sandbox.judge({program!r}, SUM)")
    with host:
        assert len(engine.containers(f"{RUN}={run}")) == 1
        time.sleep(0.3)
        host.send_signal(death)
    wait_until(lambda: not engine.containers(f"{RUN}={run}"), seconds=5)


@pytest.mark.parametrize("action", ["", "sys.exit(3)", "raise ValueError"])
def test_sandbox_that_was_not_closed_is_removed_at_exit(own_image, engine, action):
    host, run = run_script(own_image, action)
    with host:
        host.wait()
    assert not engine.containers(f"{RUN}={run}")


def make_idle(engine, image, labels):
    """A container that outlives its client."""
    options = {"entrypoint": ["sleep", "60"], "labels": labels}
    return Container(engine, image, QUICK, options)


def test_opening_removes_what_dead_runs_left_and_nothing_else(own_image, engine):
    mine = owner_labels()
    dead = subprocess.Popen(["true"])
    dead.wait()
    variants = {
        "dead": mine | {PROCESS: str(dead.pid)},
        "reused": mine | {STARTED: "1"},
        "alive": mine,
        "first": mine | {PROCESS: "1", STARTED: "0"},
        "elsewhere": mine | {PROCESS: str(dead.pid), HOST: "another/4026531836"},
        "unknown": {MARK: "1"},
        "foreign": {"some": "label"},
    }
    made = {name: make_idle(engine, own_image, labels) for name, labels in variants.items()}
    try:
        with open_sandbox(f"docker:{own_image}", limits=QUICK):
            left = {entry["Id"] for entry in engine.api.containers(all=True)}
        gone = {name for name, container in made.items() if container.id not in left}
        assert gone == {"dead", "reused", "first"}
    finally:
        for container in made.values():
            container.close()


def test_runs_of_other_processes_are_left_alone(own_image, engine):
    host, run = run_script(own_image, "sys.stdin.read()")
    host.kill()
    host.wait()
    other, live = run_script(own_image, "import time; time.sleep(60)")
    with other:
        with open_sandbox(f"docker:{own_image}"):
            assert not engine.containers(f"{RUN}={run}")
            assert len(engine.containers(f"{RUN}={live}")) == 1
        other.terminate()


def test_engine_that_forgets_a_container_while_closing_is_no_error(own, engine):
    for container in containers_of(engine, own):
        engine.remove(container)
    own.close()


def test_sandbox_of_a_fork_is_left_to_its_parent(own, engine):
    child = os.fork()
    if child == 0:
        own.shut_down()
        os._exit(0)
    os.waitpid(child, 0)
    assert len(containers_of(engine, own)) == 1


def test_importing_the_sandbox_does_not_load_docker():
    script = "import sys, knm.sandbox; print('docker' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", script], cwd=ROOT) == b"False\n"


def test_engine_reports_its_refusals_with_their_reason(engine):
    assert isinstance(engine, Engine)
    with pytest.raises(SandboxUnavailable, match="could not make a container: .*no-such-image"):
        engine.create("no-such-image", {}, {})
