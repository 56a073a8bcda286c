"""Languages that are commands, with and without a compiler, in each kind of jail."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from knm.errors import UserError
from knm.languages.descriptions import describe_language
from knm.languages.execution import read_execution
from knm.languages.language import load_language
from knm.sandbox import Limits, SandboxUnavailable, Verdict
from knm.sandbox.local import LocalSandbox
from knm.sandbox.worker import Jail
from tests.sandbox.programs import SUM, cases, output_of

QUICK = Limits(cpu_seconds=1, wall_seconds=20, memory_bytes=128 << 20, output_bytes=1 << 20)
PYTHON_SUM = "a, b = map(int, input().split())\nprint(a + b)\n"
C_SUM = """
#include <stdio.h>
int main(void) { int a, b; scanf("%d %d", &a, &b); printf("%d\\n", a + b); return 0; }
"""


def opened(language, jail):
    try:
        return LocalSandbox(load_language(language).execution, QUICK, jail)
    except SandboxUnavailable as error:
        if "install it" in str(error) or "unshare" in str(error):
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="module", params=[Jail.NAMESPACES, Jail.FILTER])
def python(request):
    with opened("python", request.param) as sandbox:
        yield sandbox


@pytest.fixture(scope="module", params=[Jail.NAMESPACES, Jail.FILTER])
def c(request):
    with opened("c", request.param) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("program", "verdict", "error_class"),
    [
        (PYTHON_SUM, Verdict.ACCEPTED, None),
        ("print(3)", Verdict.WRONG_OUTPUT, None),
        ("print(3", Verdict.SYNTAX_ERROR, "unbalanced-bracket"),
        ("if 1:\nprint(3)", Verdict.SYNTAX_ERROR, "indentation"),
        ("print(x)", Verdict.RUNTIME_ERROR, "name"),
        ("[][1]", Verdict.RUNTIME_ERROR, "index"),
        ("import numpy", Verdict.RUNTIME_ERROR, "module-not-found"),
        ("import sys; sys.exit(3)", Verdict.RUNTIME_ERROR, "exit-code"),
        ("while True: pass", Verdict.TIMEOUT, None),
        ("import time; time.sleep(60)", Verdict.TIMEOUT, None),
        ("x = [0] * 10**9", Verdict.MEMORY_LIMIT, None),
        ("while True: print('x' * 1000)", Verdict.OUTPUT_LIMIT, None),
    ],
)
def test_python_program_is_judged(python, program, verdict, error_class):
    limits = Limits(0.5, 1, QUICK.memory_bytes, QUICK.output_bytes)
    judgement = python.judge(program, SUM, limits=limits)
    assert (judgement.verdict, judgement.error_class) == (verdict, error_class), judgement


@pytest.mark.parametrize(
    ("program", "verdict", "error_class"),
    [
        (C_SUM, Verdict.ACCEPTED, None),
        ("int main(void) { return x; }", Verdict.SYNTAX_ERROR, "undeclared"),
        ("int main(void) { return 0 }", Verdict.SYNTAX_ERROR, "missing-token"),
        ("int f(void); int main(void) { return f(); }", Verdict.SYNTAX_ERROR, "link"),
        ("int main(void) { return *(int *)0; }", Verdict.RUNTIME_ERROR, "signal"),
        ("#include <stdlib.h>\nint main(void) { abort(); }", Verdict.RUNTIME_ERROR, "signal"),
        ("int main(void) { return 4; }", Verdict.RUNTIME_ERROR, "exit-code"),
        ("int main(void) { for (;;); }", Verdict.TIMEOUT, None),
        (
            "#include <stdlib.h>\nint main(void) { for (;;) *(volatile char *)malloc(64) = 1; }",
            Verdict.MEMORY_LIMIT,
            None,
        ),
    ],
)
def test_c_program_is_compiled_and_judged(c, program, verdict, error_class):
    judgement = c.judge(program, SUM)
    assert (judgement.verdict, judgement.error_class) == (verdict, error_class), judgement


def test_abort_is_told_by_its_own_signal(c):
    judgement = c.judge("#include <stdlib.h>\nint main(void) { abort(); }", SUM)
    assert judgement.message == "killed by SIGABRT"


def test_error_is_told_with_its_message(python, c):
    assert python.judge("int('x')", SUM).message.startswith("ValueError: invalid literal")
    assert c.judge("int main(void) { return x; }", SUM).message.startswith("'x' undeclared")


@pytest.mark.parametrize(
    "attempt",
    [
        "open('note', 'w')",
        "open('/tmp/note', 'w')",
        "open('main.py', 'a')",
        "os.mkdir('d')",
        "os.symlink('/', 'l')",
        "os.unlink('main.py')",
        "os.rename('main.py', 'other.py')",
        "os.chmod('main.py', 0)",
        "os.truncate('main.py', 0)",
        "os.fork()",
        "subprocess.run(['/bin/true'])",
        "socket.socket()",
        "os.kill(os.getppid(), 9)",
        "os.memfd_create('x')",
        "resource.setrlimit(resource.RLIMIT_AS, (1, 1))",
    ],
)
def test_running_program_can_change_nothing(python, attempt):
    program = f"""
import os, resource, socket, subprocess
try:
    {attempt}
    print("done")
except (OSError, ValueError):
    print("refused")
"""
    assert output_of(python, program) == "refused\n"
    assert python.judge(PYTHON_SUM, SUM).verdict is Verdict.ACCEPTED


def test_environment_and_box_hold_nothing_but_the_program(python, monkeypatch):
    monkeypatch.setenv("KNM_SECRET", "hidden")
    program = "import os\nprint(sorted(os.environ), os.listdir('.'))"
    environment = "['HOME', 'LC_ALL', 'PATH', 'TMPDIR']"
    assert output_of(python, program) == f"{environment} ['main.py']\n"


def test_program_finds_nothing_of_the_last_one(c):
    # The compiler leaves files; the next program may not include them.
    assert c.judge("int secret = 5;\nint main(void) { return 0; }", cases(("", ""))).exit_code == 0
    judgement = c.judge('#include "main"\nint main(void) { return 0; }', SUM)
    assert judgement.error_class == "header-not-found", judgement


def test_compiler_is_bounded_in_time(c):
    # Exponential macro expansion.
    doubling = "".join(f"#define A{i} A{i - 1} A{i - 1}\n" for i in range(1, 34))
    judgement = c.judge("#define A0 x\n" + doubling + "int y = A33;", SUM)
    assert judgement.verdict in {Verdict.TIMEOUT, Verdict.MEMORY_LIMIT, Verdict.SYNTAX_ERROR}
    assert c.judge(C_SUM, SUM).verdict is Verdict.ACCEPTED


def test_host_files_are_out_of_reach_of_namespaces():
    with opened("python", Jail.NAMESPACES) as sandbox:
        program = f"""
import os
for path in ("/etc/passwd", {str(Path(__file__))!r}, "/proc/self/environ", "/root", "/home"):
    print(os.path.exists(path))
print(sorted(os.listdir("/")))
"""
        lines = output_of(sandbox, program).splitlines()
        assert lines[:5] == ["False"] * 5
        entries = set(json.loads(lines[5].replace("'", '"')))
        assert entries <= {"bin", "box", "etc", "lib", "lib32", "lib64", "usr"}


def test_language_may_come_from_a_file_of_the_user(tmp_path):
    file = tmp_path / "shell.yaml"
    file.write_text(
        "extends: python\nfilename: main.sh\ncompile: []\nexecute: [sh, main.sh]\n"
        "version: [sh, -c, 'echo some shell']\n"
    )
    language = load_language(str(file)).execution
    assert language.name == "shell"
    with LocalSandbox(language, QUICK, Jail.NAMESPACES) as sandbox:
        assert sandbox.describe()["interpreter"] == "some shell"
        program = "read a b; echo $((a + b))"
        assert sandbox.judge(program, SUM).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "language file"),
        ("[]", "expected a mapping"),
        ("filename: x", "'library' is missing"),
        ("extends: lua\ncomplaint: ['(']", "unterminated|missing"),
        ("extends: cobol", "unknown language 'cobol'"),
    ],
)
def test_malformed_language_file_is_refused(tmp_path, text, message):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        read_execution("own", describe_language(str(file)))


def test_missing_command_is_named_before_anything_runs(tmp_path):
    file = tmp_path / "none.yaml"
    file.write_text("extends: python\ncompile: []\nexecute: [no-such-interpreter, x]\n")
    with pytest.raises(SandboxUnavailable, match="no-such-interpreter"):
        LocalSandbox(load_language(str(file)).execution, QUICK, Jail.NAMESPACES)


def test_entry_point_of_the_image_needs_the_standard_library_alone(tmp_path):
    root = Path(__file__).parents[2]
    for name in ("lua", "python"):
        (tmp_path / f"{name}.json").write_text(json.dumps(describe_language(name)))
    start = f"import sys; sys.path.insert(0, {str(root)!r}); from knm.sandbox.container import main"
    request = {"code": PYTHON_SUM, "timeout_s": 1, "test_cases": [{"input": "1 2", "output": "3"}]}
    lines = ["nonsense", json.dumps(request), json.dumps(request | {"code": None})]
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"{start}; main()", str(tmp_path), "python"],
        input="\n".join(lines).encode(),
        capture_output=True,
    )
    assert answer.stderr == b""
    results = [json.loads(line)["result"] for line in answer.stdout.splitlines()]
    assert results == ["fail:other", "success", "fail:other"]
