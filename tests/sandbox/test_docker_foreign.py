"""Images of others: driven by what the protocol promises, whatever they answer."""

import io
from pathlib import Path

import pytest

from knm.sandbox import Limits, SandboxUnavailable, Verdict, open_sandbox
from knm.sandbox.docker.image import pack
from tests.sandbox.programs import SUM, cases

VERIFIER = Path(__file__).with_name("plain_verifier.py")
DOCKERFILE = """
FROM {base}
COPY verifier.py /verifier.py
ENTRYPOINT ["python3", "/verifier.py"]
CMD []
{more}
"""
SUM_IN_PYTHON = "print(sum(map(int, input().split())))"


@pytest.fixture(scope="module")
def make_image(engine, own_image):
    made = []

    def make(tag, more=""):
        files = {
            "Dockerfile": DOCKERFILE.format(base=own_image, more=more).encode(),
            "verifier.py": VERIFIER.read_bytes(),
        }
        context = io.BytesIO(pack(files))
        for message in engine.api.build(
            fileobj=context, custom_context=True, tag=tag, rm=True, decode=True
        ):
            assert "error" not in message, message
        made.append(tag)
        return f"docker:{tag}"

    yield make
    for tag in made:
        engine.api.remove_image(tag)


@pytest.fixture(scope="module")
def plain(make_image):
    spec = make_image("knm-plain-test")
    with open_sandbox(spec, language="python", limits=Limits(cpu_seconds=1)) as opened:
        yield opened


def test_it_is_described_by_what_can_be_known(plain):
    description = plain.describe()
    assert description["interpreter"].startswith("Python 3")
    assert description["image"] == "knm-plain-test"
    assert description["container_user"] == "65534:65534"
    assert "system_call_filter" not in description


@pytest.mark.parametrize(
    ("program", "verdict", "error_class"),
    [
        (SUM_IN_PYTHON, Verdict.ACCEPTED, None),
        ("print(1)", Verdict.WRONG_OUTPUT, None),
        ("x = = 1", Verdict.SYNTAX_ERROR, "other-syntax"),
        ("1 / 0", Verdict.RUNTIME_ERROR, "division-by-zero"),
        ("while True: pass", Verdict.TIMEOUT, None),
        ("import time; time.sleep(60)", Verdict.TIMEOUT, None),
        ("#pieces", Verdict.ACCEPTED, None),
    ],
)
def test_its_answers_become_our_verdicts(plain, program, verdict, error_class):
    judgement = plain.judge(program, SUM)
    assert (judgement.verdict, judgement.error_class) == (verdict, error_class)


def test_what_was_expected_and_got_is_kept(plain):
    judgement = plain.judge("print(1)", SUM)
    assert (judgement.expected, judgement.got) == ("3\n", "1\n")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("#garbage", "this is no JSON"),
        ("#list", "expected a JSON object"),
        ("#exit", "out of order"),
        ("#huge", "more than"),
        ("#other", "other"),
    ],
)
def test_answer_that_is_none_is_a_fault_and_hurts_nothing_else(plain, program, message):
    judgement = plain.judge(program, SUM)
    assert judgement.verdict is Verdict.SANDBOX_FAULT
    assert message in judgement.message
    assert plain.judge(SUM_IN_PYTHON, SUM).verdict is Verdict.ACCEPTED


def test_silence_is_a_fault_once_time_is_up(plain, monkeypatch):
    monkeypatch.setattr("knm.sandbox.docker.dialects.GRACE_SECONDS", 0.5)
    quick = Limits(cpu_seconds=0.2, wall_seconds=0.2)
    judgement = plain.judge("#silence", SUM, limits=quick)
    assert judgement.verdict is Verdict.SANDBOX_FAULT
    assert "does not answer" in judgement.message


def test_second_answer_is_never_taken_for_that_to_the_next_request(plain):
    plain.judge("#twice", SUM)
    assert plain.judge("print(1)", SUM).verdict is Verdict.WRONG_OUTPUT


def test_program_is_held_there_too(plain):
    program = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=2)"
    judgement = plain.judge(program, cases(("", "")))
    assert judgement.verdict is Verdict.RUNTIME_ERROR
    assert "Network is unreachable" in judgement.stderr


def test_image_that_insists_on_its_user_is_given_it(make_image):
    private = "USER 0\nRUN chmod 700 /verifier.py\nUSER 1000:1000\nENV HOME=/\nUSER 0"
    with open_sandbox(make_image("knm-rooted-test", private), language="python") as sandbox:
        assert sandbox.describe()["container_user"] == "the image's own"
        assert sandbox.judge(SUM_IN_PYTHON, SUM).verdict is Verdict.ACCEPTED


def test_image_that_does_not_speak_the_protocol_is_refused(make_image):
    spec = make_image("knm-mute-test", 'ENTRYPOINT ["cat", "/etc/debian_version"]')
    with pytest.raises(SandboxUnavailable, match="knm-mute-test does not answer.*python"):
        open_sandbox(spec, language="python")
