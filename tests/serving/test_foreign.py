"""Servers of another kind: asked in their own way, and again where that may help."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.engine import ContextExceeded
from knm.errors import UserError
from knm.records import Completion, Request, Sampling
from knm.serving import Dialect, EngineFailed, EngineLost, EngineRefused, ForeignClient
from knm.serving.foreign import read_context_error
from knm.serving.transport import Patience
from tests.serving.openai_server import OpenAIServer, answer, error, speaking
from tests.serving.scripted import ScriptedEngine, serving

QUICK = Patience(silence=0.5, busy=5.0, repeats=3, first_pause=0.01)
HELLO = Request("p", "hello", max_new_tokens=9)


def ask(url: str, request: Request = HELLO, dialect: Dialect | None = None) -> Completion:
    return ForeignClient(url, None, dialect, QUICK).answer("small", request)


def test_a_turn_is_a_chat_and_a_bare_context_a_completion():
    server = OpenAIServer()
    with speaking(server) as url:
        told = ask(url)
        assert (told.text, told.finish_reason, told.interventions) == (
            "hello written",
            "stop",
            None,
        )
        assert (told.prompt_tokens, told.completion_tokens, told.tokens) == (7, 3, ())
        ask(url, Request("p", "bare", chat=False, stop=("END",)))
    assert server.bodies == [
        (
            "/v1/chat/completions",
            {
                "model": "small",
                "temperature": 0.0,
                "max_tokens": 9,
                "messages": [{"role": "user", "content": "hello"}],
            },
        ),
        (
            "/v1/completions",
            {"model": "small", "temperature": 0.0, "prompt": "bare", "stop": ["END"]},
        ),
    ]


def test_the_system_and_the_chat_templates_arguments_are_said():
    server = OpenAIServer()
    request = replace(HELLO, system="Be brief.", chat_arguments=(("enable_thinking", False),))
    with speaking(server) as url:
        ask(url, request)
        ask(url, request, Dialect("completions", "max_tokens"))
    (_, chat), (_, text) = server.bodies
    assert chat["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
    ]
    assert chat["chat_template_kwargs"] == {"enable_thinking": False}
    assert text["prompt"] == "Be brief.\n\nhello"
    assert "chat_template_kwargs" not in text


def test_samples_differ_by_their_seeds_and_the_first_has_the_runs_own():
    server = OpenAIServer()
    with speaking(server) as url:
        for seed in (3, 4):
            for sample in range(3):
                sampling = Sampling(0.8, 0.9, seed)
                ask(url, Request("p", "hello", sample=sample, sampling=sampling))
    bodies = [body for _, body in server.bodies]
    seeds = [body["seed"] for body in bodies]
    assert len(set(seeds)) == 6
    assert (seeds[0], seeds[3]) == (3, 4)
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert {(body["temperature"], body["top_p"]) for body in bodies} == {(0.8, 0.9)}


def test_our_own_server_can_be_asked_in_that_way_too():
    with serving(ScriptedEngine()) as url:
        told = ForeignClient(url, None, None, QUICK).answer(
            "embedded", Request("p", "a", max_new_tokens=2)
        )
    assert told.text == "a 0 1"


@pytest.mark.parametrize(
    "faults",
    [
        [error(429, "Rate limit reached", "rate_limit_exceeded", Retry_After="0.3")],
        [error(500, "oops"), error(502, "bad gateway"), error(503, "no healthy upstream")],
        [1.0],
        [error(529, "overloaded"), error(429, "slow down")],
    ],
    ids=["rate", "faults", "silence", "overload"],
)
def test_what_passes_is_tried_again(faults):
    server = OpenAIServer(faults=list(faults))
    with speaking(server) as url:
        began = time.monotonic()
        assert ask(url).text == "hello written"
        if len(faults) == 1:
            assert time.monotonic() - began >= 0.3
    assert len(server.bodies) == len(faults) + 1


def test_a_date_to_ask_again_at_is_understood():
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    with speaking(OpenAIServer(faults=[error(429, "wait", Retry_After=soon)])) as url:
        began = time.monotonic()
        assert ask(url).text == "hello written"
    assert 0.5 < time.monotonic() - began < 4


def test_longer_than_anyone_waits_is_lost_at_once():
    with speaking(OpenAIServer(faults=[error(429, "tomorrow", Retry_After="86400")])) as url:
        began = time.monotonic()
        with pytest.raises(EngineLost, match=r"longer than 5 s: 429: tomorrow"):
            ask(url)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (error(429, "You exceeded your quota", "insufficient_quota"), EngineFailed, "your quota"),
        (error(401, "Incorrect API key"), EngineFailed, "401: Incorrect API key"),
        (error(400, "bad stop"), EngineRefused, "400: bad stop"),
        ((400, {"object": "error", "message": "flat", "code": 400}, {}), EngineRefused, "flat"),
        ((422, {"detail": [{"msg": "Field required"}]}, {}), EngineRefused, "Field required"),
        (answer("", chat=True, finish_reason="content_filter"), EngineRefused, "filter"),
        ((200, {"choices": []}, {}), EngineFailed, "not an answer of OpenAI's protocol"),
        # A part of an answer, or one in another shape, is no program of the model's.
        (answer("local x", chat=True, finish_reason="abort"), EngineFailed, "broke the answer off"),
        (answer("local x", chat=True, finish_reason="error"), EngineFailed, "broke the answer off"),
        (answer([{"type": "text", "text": "x"}], chat=True), EngineFailed, "not an answer of"),
        ((200, {"error": {"message": "no credit"}}, {}), EngineFailed, "no credit"),
    ],
)
def test_what_does_not_pass_is_told_after_one_call(fault, kind, message):
    server = OpenAIServer(faults=[fault])
    with speaking(server) as url, pytest.raises(kind, match=message):
        ask(url)
    assert len(server.bodies) == 1


def test_faults_without_end_are_told_in_the_end():
    server = OpenAIServer(faults=[error(500, "oops")] * 9)
    with speaking(server) as url:
        with pytest.raises(EngineFailed, match="500: oops"):
            ask(url)
        assert len(server.bodies) == 1 + QUICK.repeats
        assert ForeignClient(url, None, None, QUICK).is_alive()
    assert not ForeignClient(url, None, None, QUICK).is_alive()
    with pytest.raises(EngineLost, match="127.0.0.1"):
        ask(url)


VLLM = (
    "This model's maximum context length is 600 tokens. However, you requested {total} tokens "
    "({prompt} in the messages, {asked} in the completion). Please reduce the length."
)
WORDS = [
    (VLLM.format(total=912, prompt=400, asked=512), (400, 600)),
    (
        "'max_tokens' or 'max_completion_tokens' is too large: 512. This model's maximum context "
        "length is 600 tokens and your request has 400 input tokens (512 > 600 - 400).",
        (400, 600),
    ),
    (
        "Requested token count exceeds the model's maximum context length of 600 tokens. You "
        "requested a total of 912 tokens: 400 tokens from the input messages and 512 tokens for "
        "the completion.",
        (400, 600),
    ),
    ("The input (700 tokens) is longer than the model's context length (600 tokens).", (700, 600)),
    (
        "This model's maximum context length is 8192 tokens. However, your messages resulted in "
        "9000 tokens.",
        (9000, 8192),
    ),
    ("stop: too many", (None, None)),
]


@pytest.mark.parametrize(("message", "numbers"), WORDS)
def test_the_words_of_a_full_context_are_understood(message, numbers):
    assert read_context_error(message) == numbers


@given(st.text() | st.builds(lambda a, b: f"{a} context length {b}", st.text(), st.text()))
def test_whatever_a_server_says_is_read(message):
    for number in read_context_error(message):
        assert number is None or number >= 0


def test_a_message_of_digits_is_read_at_once():
    began = time.monotonic()
    digits = "1" * 100_000
    assert read_context_error(f"context {digits}") == (None, None)
    read_context_error(f"context length is {digits} tokens and has {digits} input tokens")
    assert time.monotonic() - began < 5


def test_a_prompt_that_fits_gets_what_is_left_of_the_context_and_one_that_does_not_is_told():
    def object_to(_path, body):
        prompt = len(body["messages"][0]["content"])
        total = prompt + body["max_tokens"]
        if total <= 600:
            return None
        return error(400, VLLM.format(total=total, prompt=prompt, asked=body["max_tokens"]))

    server = OpenAIServer(object_to=object_to)
    with speaking(server) as url:
        assert ask(url, Request("p", "x" * 400, max_new_tokens=512)).text.endswith("written")
        assert [body["max_tokens"] for _, body in server.bodies] == [512, 200]
        with pytest.raises(ContextExceeded) as raised:
            ask(url, Request("p", "x" * 700, max_new_tokens=512))
    assert (raised.value.prompt_tokens, raised.value.context) == (700, 600)


def test_how_a_server_wants_to_be_asked_is_found_out():
    def without_template(path, _body):
        if path == "/v1/chat/completions":
            return error(400, "this model has no chat template, one must be provided")
        return None

    def newer_limit(_path, body):
        if "max_tokens" in body:
            return error(400, "Unsupported parameter: use 'max_completion_tokens' instead.")
        return None

    for object_to, dialect in (
        (lambda *_: None, Dialect("chat", "max_tokens")),
        (without_template, Dialect("completions", "max_tokens")),
        (newer_limit, Dialect("chat", "max_completion_tokens")),
    ):
        with speaking(OpenAIServer(object_to=object_to)) as url:
            assert ForeignClient(url, None, None, QUICK).find_dialect("small") == dialect
            assert ask(url, HELLO, dialect).text == "hello written"


def test_a_server_that_gives_no_answer_is_refused_with_its_own_reason():
    server = OpenAIServer(object_to=lambda *_: error(400, "temperature: only 1"))
    told = r"small does not answer: 400: temperature: only 1"
    with speaking(server) as url, pytest.raises(UserError, match=told):
        ForeignClient(url, None, None, QUICK).find_dialect("small")


def test_the_time_of_calls_that_run_together_is_shared_among_them():
    server = OpenAIServer(seconds=0.4)
    with speaking(server) as url:
        client = ForeignClient(url, None, None, Patience(repeats=0))
        with ThreadPoolExecutor(8) as pool:
            done = list(pool.map(lambda _: client.answer("small", HELLO), range(8)))
    assert server.most == 8
    assert 0.4 <= sum(each.seconds for each in done) < 2.0
