"""Texts that come and go as an engine likes are corrected as if each had been alone."""

import random
from typing import Any

import pytest
import torch

from knm.records import Request
from knm.retrieval import LMOutput, Preset, Retriever
from knm.retrieval.guard import Guard
from knm.serving.vllm.batch import Served
from knm.serving.vllm.correction import ServedCorrection
from tests.engine.random_models import number_requests, random_model
from tests.engine.test_contexts import BAYES, COPIES, retriever_on, written_alone

LENGTH = 12
PLAIN = Preset("plain", 0.6, temperature=50.0)


class Engine:
    """Takes steps for some of its texts at a time, in any order, and draws which."""

    def __init__(self, loaded: Any, retriever: Retriever, most_rows: int) -> None:
        self.model: Any = loaded.model
        retriever.attach_head(loaded.model.get_output_embeddings(), 97, loaded.tokenizer)
        self.correct = ServedCorrection(retriever, most_rows, torch.device("cpu"))
        self.draw = random.Random(0)

    @torch.inference_mode()
    def step(self, texts: list[Served]) -> None:
        ids = [[*(text.prompt or []), *text.written] for text in texts]
        hidden = torch.cat(
            [self.model.get_decoder()(torch.tensor([one])).last_hidden_state[:, -1] for one in ids]
        )
        logits = self.correct(hidden, self.model.get_output_embeddings()(hidden), texts)
        for text, token in zip(texts, logits.argmax(-1).tolist(), strict=True):
            assert isinstance(text.written, list)
            text.written.append(token)

    def run(self, texts: list[Served], most_rows: int) -> None:
        while waiting := [text for text in texts if len(text.written) < LENGTH]:
            self.step(self.draw.sample(waiting, min(len(waiting), self.draw.randint(1, most_rows))))


def served(loaded: Any, requests: list[Request]) -> list[Served]:
    return [Served(loaded.tokenizer(request.prompt)["input_ids"], []) for request in requests]


@pytest.mark.parametrize("preset", [BAYES, COPIES], ids=lambda each: each.name)
def test_texts_that_share_and_change_rows_are_written_as_alone(preset):
    loaded, asked = random_model(), number_requests(5)
    texts = served(loaded, asked)
    Engine(loaded, retriever_on("cpu", preset), 3).run(texts, 3)
    for request, text in zip(asked, texts, strict=True):
        alone = retriever_on("cpu", preset)
        assert text.written == written_alone(loaded, request.prompt, alone, LENGTH)


def test_a_text_that_was_forgotten_is_read_again():
    loaded, asked = random_model(), number_requests(9)
    texts = served(loaded, asked)
    Engine(loaded, retriever_on("cpu", COPIES), 2).run(texts, 2)  # 4 of 9 are known at a time
    for request, text in zip(asked, texts, strict=True):
        alone = retriever_on("cpu", COPIES)
        assert text.written == written_alone(loaded, request.prompt, alone, LENGTH)


def test_tokens_that_an_engine_takes_back_count_no_more():
    loaded, asked = random_model(), number_requests(1)
    (text,) = served(loaded, asked)
    engine = Engine(loaded, retriever_on("cpu", COPIES), 1)
    engine.run([text], 1)
    expected = list(text.written)
    assert isinstance(text.written, list)
    del text.written[4:]
    engine.run([text], 1)
    assert text.written == expected


def test_what_is_not_the_datastores_to_answer_stays_the_models_to_the_bit(monkeypatch):
    loaded, asked = random_model(), number_requests(3)
    texts = [*served(loaded, asked), Served(None, [5])]  # the last was given as embeddings
    retriever = retriever_on("cpu", PLAIN)
    engine = Engine(loaded, retriever, 4)
    foreign = loaded.tokenizer.decode(texts[1].prompt)
    guard = Guard(None, ["Lua"], ["Python"])
    monkeypatch.setattr(retriever, "_guard", guard)
    monkeypatch.setattr(
        Guard, "objection", lambda _self, prompt: "no" if prompt == foreign else None
    )
    hidden = torch.randn(4, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits = loaded.model.get_output_embeddings()(hidden)
        corrected = engine.correct(hidden, logits, texts)
        every = retriever.correct(hidden, LMOutput.read(logits)).logits
    assert [torch.equal(*pair) for pair in zip(corrected, logits, strict=True)] == [
        False,
        True,
        False,
        True,
    ]
    assert torch.equal(corrected[0], every[0])
    assert torch.equal(corrected[2], every[2])
