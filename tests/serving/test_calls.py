import pytest

from knm.hashing import hash_bytes
from knm.records import GREEDY, Request, Sampling, Scoring
from knm.serving.calls import read_chat_call, read_completion_call, read_response_call
from knm.serving.errors import ApiError
from knm.serving.fields import Bounds

MESSAGES = [{"role": "user", "content": "Hello"}]
BOUNDS = Bounds("embedded", longest=64, context=512)


def complete(**body):
    return read_completion_call({"prompt": "Hello", **body}, BOUNDS)


def chat(**body):
    return read_chat_call({"messages": MESSAGES, **body}, BOUNDS, render)


def respond(**body):
    return read_response_call({"input": "Hello", **body}, BOUNDS, render)


def render(messages, arguments):
    return " / ".join([*(message["content"] for message in messages), *map(str, arguments)])


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
    chat(metadata={"run": "7"}, store=True, service_tier="auto", safety_identifier="me")
    chat(tools=[], tool_choice="auto", parallel_tool_calls=True, top_logprobs=0, top_k=-1)
    chat(verbosity="medium", reasoning_effort="none")
    respond(text={"verbosity": "medium"}, reasoning={"effort": "none"})
    respond(
        store=False,
        text={"format": {"type": "text"}},
        truncation="disabled",
        include=["reasoning.encrypted_content"],
    )


def test_prompts_may_be_token_ids():
    (one,) = complete(prompt=[5, 6]).requests
    assert (one.prompt, one.ids, one.chat) == ("", (5, 6), False)
    several = complete(prompt=[[5, 6], [7]]).requests
    assert [request.ids for request in several] == [(5, 6), (7,)]
    assert len({one.id, *(request.id for request in several)}) == 2  # an id is the prompt's


def test_log_probabilities_are_asked_for_in_both_ways():
    assert complete().requests[0].scoring is None
    assert complete(logprobs=0).requests[0].scoring == Scoring(0)
    assert chat(logprobs=True, top_logprobs=3).requests[0].scoring == Scoring(3)
    assert chat(logprobs=True).requests[0].scoring == Scoring(0)
    told = complete(prompt=["a", "b"], echo=True, logprobs=1, knm={"prompt_tokens": [4, 1]})
    assert [request.scoring for request in told.requests] == [
        Scoring(1, echo=True, asked=4),
        Scoring(1, echo=True, asked=1),
    ]


def test_nothing_is_written_only_where_the_prompt_is_told():
    (request,) = complete(max_tokens=0, echo=True).requests
    assert (request.max_new_tokens, request.scoring) == (0, Scoring(None, echo=True))


def test_a_server_that_is_bounded_by_its_context_alone_takes_any_length():
    wide = Bounds("embedded", longest=512, context=512)
    (request,) = read_completion_call({"prompt": "a", "max_tokens": 5000}, wide).requests
    assert request.max_new_tokens == 512


def test_a_response_is_asked_for_by_text_or_conversation():
    (request,) = respond(max_output_tokens=5, temperature=0).requests
    assert (request.prompt, request.chat, request.max_new_tokens) == ("Hello", True, 5)
    parts = [{"role": "user", "content": [{"type": "input_text", "text": "Hello"}]}]
    assert respond(input=parts, max_output_tokens=5, temperature=0).requests == (request,)
    (told,) = respond(instructions="Be brief.").requests
    assert (told.prompt, told.chat) == ("Be brief. / Hello", False)
    with pytest.raises(ApiError, match="stream: not supported here"):
        respond(stream=True)
    with pytest.raises(ApiError, match="previous_response_id: not supported"):
        respond(previous_response_id="resp_1")


def test_a_chat_template_is_given_what_clients_of_other_servers_give_it():
    given = {"enable_thinking": False, "budget": 3}
    (request,) = chat(chat_template_kwargs=given).requests
    assert request.chat_arguments == (("budget", 3), ("enable_thinking", False))
    messages = [{"role": "system", "content": "Be brief."}, *MESSAGES]
    (written,) = chat(messages=messages, chat_template_kwargs=given).requests
    assert written.prompt == "Be brief. / Hello / ('budget', 3) / ('enable_thinking', False)"
    bench = complete(chat_template_kwargs=given, knm={"chat": True, "system": "Be brief."})
    assert (bench.requests[0].system, bench.requests[0].chat_arguments) == (
        "Be brief.",
        request.chat_arguments,
    )


def test_what_a_developer_says_is_the_systems():
    messages = [{"role": "developer", "content": "Be brief."}, *MESSAGES]
    call = read_chat_call(
        {"messages": messages}, BOUNDS, lambda told, _: " ".join(turn["role"] for turn in told)
    )
    assert call.requests[0].prompt == "system user"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"suffix": "x"}, "suffix: not supported"),
        ({"logprobs": 21}, "logprobs 21: must be from 0 to 20"),
        ({"logprobs": 0.0}, "logprobs: expected an integer"),
        ({"logprobs": True}, "logprobs: expected an integer"),
        ({"echo": 1}, "echo: expected bool"),
        ({"max_tokens": 0}, "max_tokens 0: only with echo"),
        ({"response_format": {"type": "json_object"}}, "only text: a grammar would"),
        ({"knm": {"prompt_tokens": [1]}}, "knm.prompt_tokens: only with echo"),
        ({"echo": True, "knm": {"prompt_tokens": [0]}}, "knm.prompt_tokens: must be at least 1"),
        ({"knm": {"system": "x"}}, "only with knm.chat, or a chat"),
        ({"chat_template_kwargs": {"messages": 1}}, "messages is not for a user to set"),
        ({"chat_template_kwargs": {"a": []}}, "a: expected a text, a number, true or false"),
        ({"prompt": [1], "knm": {"chat": True}}, "knm.chat: only for prompts that are text"),
        ({"best_of": True}, "best_of: not supported"),
        ({"frequency_penalty": False}, "frequency_penalty: not supported"),
        ({"prompt": []}, "prompt: give text"),
        ({"prompt": [1, "a"]}, "prompt: give text or token ids"),
        ({"prompt": [True]}, "prompt: give text or token ids"),
        ({"prompt": ["a", []]}, "prompt: give text or token ids"),
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
        read_completion_call(["prompt"], BOUNDS)
