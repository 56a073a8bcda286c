"""The self-check: every case on the local backend, and that it fails where there is no jail."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from knm.cli import app
from knm.errors import UserError
from knm.sandbox import SandboxUnavailable, open_sandbox
from knm.sandbox.selfcheck import Checker, Report, Result, all_cases, as_json, render, run_suite
from knm.sandbox.selfcheck.cases import WithoutJail, load_suite, suite_languages
from knm.sandbox.selfcheck.checking import NOTHING_HOLDS_IT
from knm.sandbox.selfcheck.host import SECRET_VARIABLE, Host
from knm.sandbox.selfcheck.requests import answers_to, decoding
from tests.sandbox.test_local import wait_until

CASES = list(all_cases(suite_languages()))
ROOT = Path(__file__).parents[2]
REPORT = Report(
    "local",
    (
        Result("lua/a", "to go", "accepted", "accepted", True),
        Result("lua/b", "to stay", "timeout", "accepted: still here", False),
    ),
    {"c": "gcc is missing"},
)


def knm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "knm.cli", *arguments], cwd=ROOT, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def checker(sandbox):
    with Checker("local") as opened:
        yield opened
        leftovers = opened.leftovers()
        assert leftovers.passed, leftovers


@pytest.fixture(scope="module")
def unsafe():
    with Checker("unsafe") as opened:
        yield opened


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_local_sandbox_passes(checker, case):
    try:
        checker.sandbox(case.language)
    except UserError as error:
        pytest.skip(str(error))
    result = checker.check(case)
    assert result.passed, f"{case.tries}: expected {result.expected}, observed {result.observed}"


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if getattr(case, "without_jail", None) is WithoutJail.FAILS],
    ids=lambda case: case.name,
)
def test_without_a_jail_it_fails(unsafe, case):
    try:
        unsafe.sandbox(case.language)
    except UserError as error:
        pytest.skip(str(error))
    assert not unsafe.check(case).passed


def test_harmful_case_is_not_run_without_a_jail(unsafe):
    case = next(case for case in CASES if case.name == "lua/kill-everyone")
    result = unsafe.check(case)
    assert (result.passed, result.observed) == (False, NOTHING_HOLDS_IT)


def test_docker_sandbox_passes(docker_sandbox_spec):
    report = run_suite(docker_sandbox_spec)
    assert [case for case in report.results if not case.passed] == []
    assert report.skipped == {}


def test_suite_covers_what_it_should():
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) > 250
    attacks = [case for case in CASES if getattr(case, "without_jail", None) is WithoutJail.FAILS]
    assert len(attacks) > 20
    assert suite_languages() == ["lua", "c", "lua5.4", "python"]
    verdicts = {
        language: {verdict for case in load_suite(language).cases for verdict in case.verdicts}
        for language in suite_languages()
    }
    judged = {"accepted", "wrong-output", "syntax-error", "runtime-error", "timeout"}
    judged |= {"memory-limit", "output-limit"}
    assert all(found == judged for found in verdicts.values())


def test_secret_that_a_program_shows_is_a_leak(checker):
    case = next(case for case in CASES if case.name == "lua/wrong-output")
    shown = checker.check(replace_program(case, f"io.stderr:write('{checker.host.secret}')"))
    assert not shown.passed
    assert shown.observed.endswith("the secret leaked")


def replace_program(case, program):
    return type(case)(**vars(case) | {"program": program})


def test_next_program_is_judged_after_every_case(checker, monkeypatch):
    case = next(case for case in CASES if case.name == "lua/accepted")
    suite = load_suite("lua")
    broken = type(suite)(**vars(suite) | {"sound": "error('broken')"})
    monkeypatch.setattr("knm.sandbox.selfcheck.checking.load_suite", lambda language: broken)
    result = checker.check(case)
    assert not result.passed
    assert "the next program was judged runtime-error" in result.observed


def test_host_notices_every_kind_of_harm():
    before = os.environ.get(SECRET_VARIABLE)
    with Host() as host:
        assert host.harm() == []
        assert os.environ[SECRET_VARIABLE] == host.secret
        script = host.fill(
            """
import os, socket
os.kill(@VICTIM@, 19)
socket.create_connection(("127.0.0.1", @TCP_PORT@)).close()
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", @UDP_PORT@))
socket.socket(socket.AF_UNIX).connect("\\0@UNIX_NAME@")
open("@SCRATCH@/x", "w").close()
"""
        )
        subprocess.run([sys.executable, "-c", script], check=True)
        assert host.harm() == [
            "another process was killed or stopped",
            "a TCP connection arrived",
            "a UNIX connection arrived",
            "a UDP packet arrived",
            "a file was written on the host",
        ]
        assert host.harm() == []
    assert os.environ.get(SECRET_VARIABLE) == before


def test_stray_process_is_noticed():
    script = "import ctypes, sys; ctypes.CDLL(None).prctl(15, b'knm-stray'); sys.stdin.read()"
    with Host() as host:
        stray = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE)
        try:
            wait_until(lambda: host.harm() == ["1 processes were left behind"])
        finally:
            stray.communicate()
        assert host.harm() == []


def test_requests_and_tests_that_are_sound_are_seen_as_such(sandbox):
    assert answers_to()(sandbox) == "success"
    tests = json.dumps([{"input": "", "output": "", "testtype": "stdin"}])
    assert decoding(lambda: tests)(sandbox) == "decoded, bounded memory"


def test_language_without_its_tools_is_skipped_with_the_reason(monkeypatch):
    def opening(spec, *, language, limits):
        if language == "lua":
            raise SandboxUnavailable("lua is missing")
        return open_sandbox(spec, language=language, limits=limits)

    monkeypatch.setattr("knm.sandbox.selfcheck.checking.open_sandbox", opening)
    monkeypatch.setattr("knm.sandbox.selfcheck.checking.all_cases", lambda languages: iter(()))
    report = run_suite("local", ["lua", "lua5.4"])
    assert report.skipped == {"lua": "lua is missing"}
    assert [case.name for case in report.results] == ["host/leftovers"]
    with pytest.raises(SandboxUnavailable, match="lua is missing"):
        run_suite("local", ["lua"])


def test_unknown_language_is_refused():
    with pytest.raises(UserError, match="no cases of language cobol; choose from lua, c"):
        run_suite("local", ["cobol"])


def test_json_has_what_was_promised():
    assert as_json(REPORT) == {
        "backend": "local",
        "cases": [
            {"name": "lua/a", "expected": "accepted", "observed": "accepted", "passed": True},
            {
                "name": "lua/b",
                "expected": "timeout",
                "observed": "accepted: still here",
                "passed": False,
            },
        ],
        "skipped": {"c": "gcc is missing"},
    }


def test_table_shows_every_case_and_the_sums():
    lines = render(REPORT).splitlines()
    assert lines[0].split() == ["case", "tries", "expected", "observed"]
    assert lines[1].split() == ["ok", "lua/a", "to", "go", "accepted", "accepted"]
    assert lines[2].endswith("timeout   accepted: still here")
    assert lines[4] == "local: 1 of 2 cases passed, 1 FAILED"
    assert lines[5] == "c skipped: gcc is missing"
    assert all(len(line) <= 30 for line in render(REPORT, 30).splitlines()[:3])


@pytest.fixture
def few_cases(monkeypatch) -> list[str]:
    """Has the suite be a few cases of each kind: above all of them are run."""
    own = [case for case in CASES if case.language == "lua5.4"]
    attacks = [case for case in own if getattr(case, "without_jail", None) is WithoutJail.FAILS]
    few = [*attacks[:3], *(case for case in own if case not in attacks)][:6]
    monkeypatch.setattr("knm.sandbox.selfcheck.checking.all_cases", lambda languages: iter(few))
    return [case.name for case in few]


def check(*options: str) -> tuple[int, str, str]:
    """`knm sandbox check` in this process: exit status and what it wrote."""
    done = CliRunner().invoke(app, ["sandbox", "check", "--language", "lua5.4", *options])
    return done.exit_code, done.stdout, done.stderr


def test_command_prints_json_and_says_yes(sandbox, few_cases):
    status, shown, _ = check("--json")
    report = json.loads(shown)
    assert status == 0, [case for case in report["cases"] if not case["passed"]]
    assert report["backend"] == "local"
    assert [case["name"] for case in report["cases"]] == [*few_cases, "host/leftovers"]
    assert all(set(case) == {"name", "expected", "observed", "passed"} for case in report["cases"])


def test_command_says_no_where_a_case_fails(few_cases):
    status, shown, said = check("--sandbox", "unsafe")
    assert status == 1, said
    assert "FAIL" in shown
    assert said == ""


def test_command_refuses_a_backend_that_there_is_not():
    process = knm("sandbox", "check", "--sandbox", "vm", "--json")
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.startswith("knm: unknown sandbox 'vm'")
