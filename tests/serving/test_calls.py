import pytest

from knm.hashing import hash_bytes
from knm.records import GREEDY, Request, Sampling
from knm.serving.calls import read_chat_call, read_completion_call
from knm.serving.errors import ApiError

MESSAGES = [{"role": "user", "content": "Hello"}]


def complete(**body):
    return read_completion_call({"prompt": "Hello", **body}, "embedded", 64)


def chat(**body):
    return read_chat_call({"messages": MESSAGES, **body}, "embedded", 64, render)


def render(messages):
    return " / ".join(message["content"] for message in messages)


def test_a_prompt_is_the_whole_context_as_it_is():
    (request,) = complete(temperature=0).requests
    assert request == Request(hash_bytes(b"Hello"), "Hello", chat=False, max_new_tokens=64)


def test_one_user_message_is_what_the_bench_sends():
    (request,) = chat(temperature=0).requests
    assert (request.prompt, request.chat, request.sampling) == ("Hello", True, GREEDY)


def test_a_conversation_is_written_out():
    messages = [{"role": "system", "content": "Be brief."}, *MESSAGES]
    (request,) = chat(messages=messages, temperature=0).requests
    assert (request.prompt, request.chat) == ("Be brief. / Hello", False)


def test_contents_in_parts_are_joined():
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    (request,) = chat(messages=[{"role": "user", "content": parts}]).requests
    assert request.prompt == "Hello"


def test_choices_are_samples_of_each_prompt():
    call = complete(prompt=["a", "b"], n=2, temperature=0.5, top_p=0.9, seed=7)
    assert [(r.prompt, r.sample) for r in call.requests] == [
        ("a", 0),
        ("a", 1),
        ("b", 0),
        ("b", 1),
    ]
    assert {r.sampling for r in call.requests} == {Sampling(0.5, 0.9, 7)}
    assert call.first_choices == {0, 2}


def test_without_a_seed_each_call_draws_its_own():
    seeds = {complete().requests[0].sampling.seed for _ in range(8)}
    assert len(seeds) == 8


def test_the_bench_names_problems_and_samples():
    extension = {"chat": True, "ids": ["p", "q"], "samples": [0, 3], "whole": True}
    call = complete(prompt=["a", "b"], temperature=0, knm=extension)
    assert [(r.id, r.sample, r.chat) for r in call.requests] == [("p", 0, True), ("q", 3, True)]
    assert call.whole
    assert [r.withheld for r in call.requests] == [None, None]
    withheld = complete(knm={"withheld": "of another kind"})
    assert [r.withheld for r in withheld.requests] == ["of another kind"]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_both_names_of_the_bound_are_known(name):
    assert chat(**{name: 5}).requests[0].max_new_tokens == 5


def test_fields_that_ask_for_nothing_are_accepted():
    complete(logprobs=False, frequency_penalty=0, presence_penalty=0.0, echo=False, best_of=1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"suffix": "x"}, "suffix: not supported"),
        ({"logprobs": 3}, "logprobs: not supported"),
        ({"logprobs": 0}, "logprobs: not supported"),
        ({"logprobs": 0.0}, "logprobs: not supported"),
        ({"best_of": True}, "best_of: not supported"),
        ({"frequency_penalty": False}, "frequency_penalty: not supported"),
        ({"prompt": []}, "prompt: give text"),
        ({"prompt": [1, 2]}, "prompt: give text"),
        ({"model": "gpt-4"}, "'gpt-4': this server has 'embedded'"),
        ({"n": 0}, "n 0: must be from 1"),
        ({"n": True}, "n: expected an integer"),
        ({"temperature": -1}, "temperature -1: must be from 0"),
        ({"temperature": "hot"}, "temperature: expected a number"),
        ({"temperature": float("nan")}, "temperature: expected a number"),
        ({"top_p": 0}, "top_p 0"),
        ({"seed": 1.5}, "seed: expected an integer"),
        ({"stop": [""]}, "stop: give a text"),
        ({"max_tokens": 65}, "max_tokens 65: this server decodes at most 64"),
        ({"stream": "yes"}, "stream: expected bool"),
        ({"knm": {"mood": 1}}, "knm.mood: unknown"),
        ({"knm": {"withheld": True}}, "knm.withheld: give the reason as text"),
        ({"knm": {"withheld": ""}}, "knm.withheld: give the reason as text"),
        ({"knm": {"ids": ["a", "b"]}}, "knm.ids: give one for each prompt"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(body, message):
    with pytest.raises(ApiError, match=message):
        complete(**body)


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([], "messages: give a list"),
        ([{"role": "wizard", "content": "x"}], r"messages\[0\].role"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "only text"),
    ],
)
def test_malformed_conversations_are_refused_by_place(messages, message):
    with pytest.raises(ApiError, match=message):
        chat(messages=messages)


def test_a_body_that_is_no_object_is_refused():
    with pytest.raises(ApiError, match="not a JSON object"):
        read_completion_call(["prompt"], "embedded", 64)
