"""Containers judge as the local sandbox does, in every language, and hold what runs in them."""

import json
import shutil
import subprocess

import pytest

from knm.languages.language import load_language
from knm.sandbox import Limits, Verdict, open_sandbox
from knm.sandbox.docker.backend import DockerSandbox
from knm.sandbox.docker.containers import Container
from knm.sandbox.docker.flags import memory_bound
from tests.sandbox.conftest import QUICK
from tests.sandbox.programs import SUM, SUM_PROGRAM, cases, output_of

LUA = [
    SUM_PROGRAM,
    "print(1)",
    "x = = 1",
    "if true then",
    "print(7 // 2)",
    "local x; x.y = 1",
    "local x; x()",
    "print(nil + 1)",
    "print({} .. 'x')",
    "error({code = 2})",
    "os.exit(3)",
    "while true do end",
    "while true do print(1) end",
    "local t = {} while true do t[#t + 1] = ('x'):rep(2 ^ 20) .. #t end",
    "io.write('\\255\\0')",
    "print(io.open('/etc/passwd'))",
    "io.stderr:write(('x'):rep(2 ^ 19)) print(1)",
    "local ffi = require('ffi') ffi.cast('int *', 0)[0] = 1",
]
LUA54 = ['print(io.read("n") + io.read("n"))', "print(7 // 0)", "local x <const> = 1 x = 2"]
PYTHON = ["print(sum(map(int, input().split())))", "x = = 1", "1 / 0", "[][1]", "while True: pass"]
C = [
    '#include <stdio.h>\nint main() { int a, b; scanf("%d%d", &a, &b); printf("%d", a + b); }',
    "int main() { return x; }",
    "int main() { return *(volatile int *)0; }",
    "int main() { return 3; }",
    "int main() { for (;;); }",
]
PROGRAMS = {"lua": LUA, "lua5.4": LUA54, "python": PYTHON, "c": C}


@pytest.mark.parametrize("language", PROGRAMS)
def test_container_and_local_sandbox_agree(own_image, language):
    with (
        open_sandbox("local", language=language, limits=QUICK) as local,
        open_sandbox(f"docker:{own_image}", language=language, limits=QUICK) as contained,
    ):
        assert contained.describe()["interpreter"] != "unknown"
        for program in PROGRAMS[language]:
            ours, theirs = local.judge(program, SUM), contained.judge(program, SUM)
            told = [
                (each.verdict, each.error_class, each.failing_test, each.exit_code, each.expected)
                for each in (ours, theirs)
            ]
            assert told[0] == told[1], program


def test_language_of_a_file_of_the_users_is_judged_too(own_image, tmp_path):
    file = tmp_path / "shout.yaml"
    file.write_text("extends: python\nexecute: [python3, -I, -c, 'print(input().upper())']\n")
    with open_sandbox(f"docker:{own_image}", language=str(file)) as sandbox:
        assert sandbox.judge("", cases(("ab", "AB"))).verdict is Verdict.ACCEPTED


def test_problem_without_tests_is_broken(contained):
    assert contained.judge(SUM_PROGRAM, ()).verdict is Verdict.BROKEN_PROBLEM


def test_limits_of_one_judgement_may_exceed_those_of_the_sandbox(contained):
    program = "io.write(('x'):rep(4 * 2 ^ 20)) " + SUM_PROGRAM
    assert contained.judge(program, SUM).verdict is Verdict.OUTPUT_LIMIT
    wide = Limits(output_bytes=1 << 29, memory_bytes=1 << 31)
    assert contained.judge(program, SUM, limits=wide).verdict is Verdict.WRONG_OUTPUT
    assert contained.judge(program, SUM).verdict is Verdict.OUTPUT_LIMIT


def test_large_tests_are_judged(contained):
    size = 32 << 20
    test = cases(("x" * size, str(size)))
    program = "print(#io.read('*a'))"
    wide = Limits(memory_bytes=256 << 20)
    assert contained.judge(program, test, limits=wide).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize("size", [1, 10, 1 << 20])
def test_tests_are_streamed_and_judged_as_if_they_came_at_once(contained, monkeypatch, size):
    monkeypatch.setattr("knm.sandbox.protocol.BATCH_CHARACTERS", size)
    tests = cases(*((f"{number} 1", f"{number + 1}") for number in range(20)))
    judgement = contained.judge(SUM_PROGRAM, tests)
    assert (judgement.verdict, judgement.tests_passed) == (Verdict.ACCEPTED, 20)
    judgement = contained.judge(SUM_PROGRAM, (*tests, *cases(("1 \ud800", "1")), *tests))
    assert (judgement.verdict, judgement.failing_test) == (Verdict.RUNTIME_ERROR, 20)
    assert (judgement.tests_passed, judgement.tests_total) == (20, 41)
    assert contained.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED


def test_description_names_what_decides_a_verdict(contained, own_image, engine):
    description = contained.describe()
    assert description["backend"] == "docker"
    assert description["image_id"] == engine.image(own_image).id
    assert description["interpreter"].startswith("LuaJIT 2.1")
    assert description["system_call_filter"] == "yes"
    assert description["engine"] == engine.version
    assert description["container_user"] == "65534:65534"


def test_container_has_every_flag(own_image, engine):
    with DockerSandbox(load_language("lua").execution, QUICK, own_image) as sandbox:
        (container,) = sandbox.pool.idle
        inspected = engine.api.inspect_container(container.id)
    host = inspected["HostConfig"]
    memory = memory_bound(QUICK)
    assert (host["Memory"], host["MemorySwap"]) == (memory, memory)
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["PidsLimit"] == 64
    assert host["NanoCpus"] == 10**9
    assert host["IpcMode"] == "none"
    assert host["Init"] is True
    assert host["AutoRemove"] is True
    assert host["LogConfig"]["Type"] == "none"
    assert not host["Binds"]
    assert set(host["Tmpfs"]) == {"/tmp"}
    limits = {limit["Name"]: (limit["Soft"], limit["Hard"]) for limit in host["Ulimits"]}
    assert limits["core"] == (0, 0)
    assert limits["nofile"] == (256, 256)
    assert limits["fsize"][0] == limits["fsize"][1] < 1 << 30
    assert inspected["Config"]["User"] == "65534:65534"
    assert inspected["Config"]["StdinOnce"] is True


# Run unfiltered, as a verifier that does nothing itself would let it run.
PROBE = """
import errno, json, os, resource, socket, sys
def attempt(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
def fill(path, size):
    with open(path, "wb") as file:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
def many(path):
    for number in range(5000):
        open(f"{path}/{number}", "w").close()
def forks():
    for _ in range(200):
        if os.fork() == 0:
            import time; time.sleep(5); os._exit(0)
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
reach = lambda place: attempt(lambda: socket.create_connection(place, timeout=2).close())
print(json.dumps({
    "capabilities": [status[name].strip() for name in status if name.startswith("Cap")],
    "no_new_privileges": status["NoNewPrivs"].strip(),
    "seccomp": status["Seccomp"].strip(),
    "user": os.getresuid() + os.getresgid(),
    "interfaces": sorted(name for _, name in socket.if_nameindex()),
    "outside": reach(("192.0.2.1", 80)),
    "root": attempt(lambda: open("/new", "w")),
    "home": attempt(lambda: open("/var/tmp/new", "w")),
    "run": attempt(lambda: open("/dev/shm/new", "w")),
    "device": attempt(lambda: os.mknod("/tmp/device", 0o60600, os.makedev(8, 0))),
    "mount": attempt(lambda: os.chroot("/tmp")),
    "inodes": attempt(lambda: many("/tmp")),
    "space": attempt(lambda: fill("/tmp/0", 100 << 20)),
    "processes": attempt(forks),
    "core": resource.getrlimit(resource.RLIMIT_CORE),
}))
"""


def test_program_in_a_container_of_any_image_is_held(own_image, engine):
    options = {"user": "65534:65534", "entrypoint": ["python3", "-I", "-c", PROBE]}
    container = Container(engine, own_image, QUICK, options)
    try:
        seen = json.loads(container.ask(b"", 60))
    finally:
        container.close()
    assert set(seen.pop("capabilities")) == {"0" * 16}
    assert seen == {
        "no_new_privileges": "1",
        "seccomp": "2",
        "user": [65534] * 6,
        "interfaces": ["lo"],
        "outside": "ENETUNREACH",
        "root": "EROFS",
        "home": "EROFS",
        "run": "ENOENT",
        "device": "EPERM",
        "mount": "EPERM",
        "inodes": "ENOSPC",
        "space": "ENOSPC",
        "processes": "EAGAIN",
        "core": [0, 0],
    }


def test_program_sees_neither_the_verifier_nor_the_tests(contained):
    for file in ("/proc/1/environ", "/proc/1/cmdline", "/opt/verifier/__main__.py", "/etc/passwd"):
        assert output_of(contained, f"print(io.open('{file}'))").startswith("nil")


def test_our_image_is_driven_as_the_reference_harness_drives_its_own(own_image):
    if shutil.which("docker") is None:
        pytest.skip("the docker command is not installed")
    tests = [{"input": "1 2\n", "output": "3\n"}]
    requests = [
        {"code": SUM_PROGRAM, "timeout_s": 5, "test_cases": tests},
        {"code": "print(4)", "timeout_s": 5, "test_cases": tests},
        {"code": "x = = 1", "timeout_s": 5, "test_cases": tests},
        {"code": None},
        {"code": "while true do end", "timeout_s": 0.5, "test_cases": tests},
    ]
    answered = subprocess.run(
        ["docker", "run", "--rm", "-i", "--network", "none", own_image],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in answered.stdout.splitlines()]
    assert [answer["result"] for answer in answers] == [
        "success",
        "fail:wrong-output",
        "fail:error",
        "fail:other",
        "fail:timeout",
    ]
    assert (answers[1]["expected"], answers[1]["got"]) == ("3\n", "4\n")


# More than the verifier takes in at once, so that most of it waits in the pipe.
STEAL = """
import os
for stream in (0, 1):
    try:
        print(os.read(os.open(f"/proc/1/fd/{stream}", os.O_RDONLY | os.O_NONBLOCK), 99))
    except OSError:
        print("refused")
"""


@pytest.mark.parametrize("options", [[], ["--init"]])
def test_program_cannot_read_the_requests_that_are_to_come(own_image, options):
    if shutil.which("docker") is None:
        pytest.skip("the docker command is not installed")
    tests = [{"input": "", "output": "refused\nrefused" + " " * 100_000}]
    line = json.dumps({"code": STEAL, "timeout_s": 5, "test_cases": tests}) + "\n"
    answered = subprocess.run(
        ["docker", "run", "--rm", "-i", "--network", "none", *options, own_image, "python"],
        input=line * 5,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in answered.stdout.splitlines()]
    assert [(answer["result"], answer["got"]) for answer in answers] == [("success", None)] * 5


def test_image_answers_in_the_language_that_it_is_told(own_image):
    if shutil.which("docker") is None:
        pytest.skip("the docker command is not installed")
    request = {"code": "print('hi')", "timeout_s": 5, "test_cases": [{"input": "", "output": "hi"}]}
    command = ["docker", "run", "--rm", "-i", "--network", "none", own_image]
    python = subprocess.run([*command, "python"], input=json.dumps(request).encode(), stdout=-1)
    assert json.loads(python.stdout)["result"] == "success"
    unknown = subprocess.run([*command, "cobol"], stderr=-1, text=True)
    assert "choose from c, lua, lua5.4, python" in unknown.stderr
