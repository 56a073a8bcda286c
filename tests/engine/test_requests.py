from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.engine.requests import encode_request, encode_requests
from knm.errors import UserError
from knm.records import Request, Sampling

REQUESTS = st.builds(
    Request,
    id=st.just("r"),
    prompt=st.sampled_from(["", "Add.", "print the sum", "<|user|>7", "é\N{SNOWMAN}"]),
    chat=st.booleans(),
    sample=st.integers(0, 2),
    sampling=st.sampled_from([Sampling(), Sampling(0.8), Sampling(-1.0), Sampling(1.0, 0.0)]),
    prefix=st.sampled_from([(), (5, 6)]),
    ids=st.sampled_from([(), (), (1, 2, 3), (10**9,)]),
    system=st.sampled_from(["", "Be brief."]),
)


def one_by_one(tokenizer, requests: list[Request]) -> list[list[int] | str]:
    found: list[list[int] | str] = []
    for request in requests:
        try:
            found.append(encode_request(tokenizer, request))
        except UserError as error:
            found.append(str(error))
    return found


@settings(deadline=None)
@given(requests=st.lists(REQUESTS, max_size=6))
def test_together_each_request_has_the_tokens_that_it_has_alone(embedded, requests):
    together = encode_requests(embedded.tokenizer, requests)
    told = [str(found) if isinstance(found, UserError) else found for found in together]
    assert told == one_by_one(embedded.tokenizer, requests)


def test_a_chat_is_its_turn_in_the_template_and_a_text_what_it_says(embedded):
    tokenizer = embedded.tokenizer
    asked = Request("a", "Add.", prefix=(7,))
    chat, text = encode_requests(tokenizer, [asked, replace(asked, chat=False)])
    assert isinstance(chat, list)
    assert tokenizer.decode(chat[:-1]) == "<|user|>Add.<|end|><|assistant|>"
    assert text == [*tokenizer("Add.")["input_ids"], 7]
    assert chat[-1] == 7


def test_prompts_are_turned_into_tokens_together_and_those_of_samples_once(embedded, monkeypatch):
    asked: list[list[str]] = []
    tokenizer = embedded.tokenizer
    encode = type(tokenizer).__call__

    def counted(self, texts, **how):
        asked.append(texts)
        return encode(self, texts, **how)

    monkeypatch.setattr(type(tokenizer), "__call__", counted)
    requests = [
        Request(f"{prompt}", prompt, sample=sample) for prompt in "abc" for sample in range(4)
    ]
    encoded = encode_requests(tokenizer, requests)
    assert [len(texts) for texts in asked] == [3]
    assert encoded[0] == encoded[3] != encoded[4]
    assert encoded[0] is not encoded[3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt": "", "chat": False}, "the prompt is empty"),
        ({"sampling": Sampling(-1.0)}, "must be 0"),
        ({"prompt": "", "chat": False, "ids": (10**9,)}, "vocabulary has the tokens 0 to"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_its_place(embedded, changes, message):
    good = Request("a", "Add.")
    first, bad, last = encode_requests(embedded.tokenizer, [good, replace(good, **changes), good])
    assert first == last == encode_request(embedded.tokenizer, good)
    assert isinstance(bad, UserError)
    assert message in str(bad)
