"""`knm serve` with the embedded model, driven by the public `openai` client."""

import openai
import pytest
from openai import OpenAI

from knm.problems import load_template
from tests.bench.processes import knm_serve
from tests.problems.problem_files import grammar_records

TOKENS = 40


@pytest.fixture(scope="module")
def url():
    token = {"KNM_ENGINE_TOKEN": "secret"}
    with knm_serve("--max-new-tokens", "64", environment=token) as address:
        yield address


@pytest.fixture(scope="module")
def client(url):
    with OpenAI(base_url=f"{url}/v1", api_key="secret", max_retries=0, timeout=60) as opened:
        yield opened


@pytest.fixture(scope="module")
def messages():
    record = grammar_records(1)[0]
    prompt = load_template("task").render(record["question_content"], "lua")
    return [{"role": "user", "content": prompt}]


@pytest.fixture(scope="module")
def greedy(client, messages):
    return client.chat.completions.create(
        model="embedded", messages=messages, temperature=0, max_tokens=TOKENS
    )


def test_a_chat_is_answered(greedy):
    choice = greedy.choices[0]
    assert choice.message.role == "assistant"
    assert choice.message.content.startswith("```lua\n")
    assert choice.finish_reason == "length"
    assert greedy.usage.completion_tokens == TOKENS
    assert choice.model_extra["knm"]["interventions"] is None


def test_a_streamed_chat_is_the_same_text(client, messages, greedy):
    stream = client.chat.completions.create(
        model="embedded",
        messages=messages,
        temperature=0,
        max_tokens=TOKENS,
        stream=True,
        stream_options={"include_usage": True},
    )
    *chunks, last = stream
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == greedy.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "length"
    assert last.usage == greedy.usage


def test_samples_with_a_seed_are_repeatable_and_differ_from_each_other(client, messages):
    def sample(seed):
        answer = client.chat.completions.create(
            model="embedded",
            messages=messages,
            temperature=2,
            top_p=0.99,
            n=2,
            seed=seed,
            max_tokens=32,
        )
        return [choice.message.content for choice in answer.choices]

    first = sample(1)
    assert first == sample(1)
    assert first[0] != first[1]
    assert first != sample(2)


def test_a_stop_string_ends_a_completion(client, messages, greedy):
    answer = client.chat.completions.create(
        model="embedded", messages=messages, temperature=0, max_tokens=TOKENS, stop="lua\n"
    )
    assert answer.choices[0].message.content == "```"
    assert answer.choices[0].finish_reason == "stop"


def test_a_conversation_goes_through_the_chat_template(client, messages):
    conversation = [{"role": "system", "content": "Write Lua."}, *messages]
    answer = client.chat.completions.create(
        model="embedded", messages=conversation, temperature=0, max_tokens=4
    )
    assert answer.usage.prompt_tokens > 0


def test_plain_completions_streamed_and_not(client):
    common = {"model": "embedded", "prompt": "local n = ", "temperature": 0, "max_tokens": 8}
    whole = client.completions.create(**common)
    pieces = [chunk.choices[0].text for chunk in client.completions.create(**common, stream=True)]
    assert "".join(pieces) == whole.choices[0].text


def test_models_are_listed(client):
    assert [model.id for model in client.models.list()] == ["embedded"]


def test_errors_are_the_clients_own_kinds(client, messages, url):
    with pytest.raises(openai.BadRequestError, match="max_tokens 9999"):
        client.chat.completions.create(model="embedded", messages=messages, max_tokens=9999)
    with pytest.raises(openai.NotFoundError, match="gpt-4"):
        client.chat.completions.create(model="gpt-4", messages=messages)
    with (
        OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.models.list()


def test_a_prompt_that_fills_the_context_has_openais_code(client):
    with pytest.raises(openai.BadRequestError, match="the model's context 2048") as error:
        client.completions.create(model="embedded", prompt="print " * 5000, max_tokens=4)
    assert error.value.code == "context_length_exceeded"


def test_a_text_is_scored_without_writing_anything(client):
    words = "local n = io.read('*n')"
    told = client.completions.create(
        model="embedded", prompt=words, temperature=0, max_tokens=0, echo=True, logprobs=2
    )
    choice = told.choices[0]
    assert (choice.text, told.usage.completion_tokens) == (words, 0)
    assert "".join(choice.logprobs.tokens) == words
    assert [
        words[at:].startswith(token)
        for at, token in zip(choice.logprobs.text_offset, choice.logprobs.tokens, strict=True)
    ] == [True] * len(choice.logprobs.tokens)
    assert choice.logprobs.token_logprobs[0] is None
    assert all(value < 0 for value in choice.logprobs.token_logprobs[1:])
    assert all(len(top) in {2, 3} for top in choice.logprobs.top_logprobs[1:])


def test_token_ids_are_a_prompt_and_log_probabilities_go_with_a_chat(client, messages, greedy):
    text = client.completions.create(model="embedded", prompt=[5, 6, 7], max_tokens=2)
    assert text.usage.prompt_tokens == 3
    chat = client.chat.completions.create(
        model="embedded",
        messages=messages,
        temperature=0,
        max_tokens=TOKENS,
        logprobs=True,
        top_logprobs=1,
    )
    choice = chat.choices[0]
    assert choice.message.content == greedy.choices[0].message.content
    assert "".join(token.token for token in choice.logprobs.content) == choice.message.content
    assert all(token.logprob == token.top_logprobs[0].logprob for token in choice.logprobs.content)


def test_log_probabilities_of_a_stream_are_those_of_the_whole_answer(client, messages):
    common = {"model": "embedded", "temperature": 0, "max_tokens": TOKENS, "logprobs": True}
    common |= {"messages": messages, "top_logprobs": 2}
    whole = client.chat.completions.create(**common).choices[0]
    chunks = [chunk.choices[0] for chunk in client.chat.completions.create(**common, stream=True)]
    assert "".join(chunk.delta.content or "" for chunk in chunks) == whole.message.content
    assert sum(bool(chunk.delta.content) for chunk in chunks) > 1  # text does not wait for them
    told = [token for chunk in chunks if chunk.logprobs for token in chunk.logprobs.content]
    assert len(told) == TOKENS
    assert told == whole.logprobs.content


@pytest.mark.parametrize(("most", "echo"), [(8, False), (8, True), (0, True)])
def test_a_streamed_text_is_told_with_its_log_probabilities(client, most, echo):
    common = {"model": "embedded", "prompt": "local n = io", "temperature": 0, "logprobs": 1}
    common |= {"max_tokens": most, "echo": echo}
    whole = client.completions.create(**common).choices[0]
    chunks = [chunk.choices[0] for chunk in client.completions.create(**common, stream=True)]
    assert "".join(chunk.text for chunk in chunks) == whole.text
    assert whole.text.startswith("local n = io") == echo
    assert chunks[-1].logprobs == whole.logprobs
    assert "".join(whole.logprobs.tokens) == whole.text


def test_a_response_is_the_chats_text(client, messages, greedy):
    answer = client.responses.create(
        model="embedded",
        input=messages,
        temperature=0,
        max_output_tokens=TOKENS,
        store=False,
        metadata={"run": "1"},
    )
    assert answer.output_text == greedy.choices[0].message.content
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert answer.usage.output_tokens == TOKENS


def test_a_model_is_looked_up_by_its_name(client):
    assert client.models.retrieve("embedded").model_extra["max_model_len"] == 2048
    with pytest.raises(openai.NotFoundError, match="'other'"):
        client.models.retrieve("other")


def test_a_grammar_is_refused_with_the_reason(client, messages):
    with pytest.raises(openai.BadRequestError, match="ask for JSON in the prompt"):
        client.chat.completions.create(
            model="embedded", messages=messages, response_format={"type": "json_object"}
        )
