from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, MistralConfig, MistralForCausalLM

from knm.engine import GenerationOptions, PlainEngine, Sampling, SlotEngine, open_engine
from knm.models import LoadedModel
from tests.engine.random_models import (
    HIDDEN,
    VOCABULARY,
    NumberTokenizer,
    number_requests,
    random_model,
)
from tests.engine.test_slots import by_id, retriever_on

OPTIONS = GenerationOptions(20, 4)


def unlisted(model: Any) -> LoadedModel:
    tokenizer: Any = NumberTokenizer()
    return LoadedModel(model.eval(), tokenizer, replace(random_model().identity, name="odd"))


def neox() -> LoadedModel:
    torch.manual_seed(0)
    config = GPTNeoXConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=100,
        max_position_embeddings=128,
        bos_token_id=1,
        eos_token_id=1,
    )
    return unlisted(GPTNeoXForCausalLM(config))


def sliding_mistral() -> LoadedModel:
    config = MistralConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        sliding_window=8,
    )
    return unlisted(MistralForCausalLM(config))


@pytest.mark.parametrize(
    ("build", "reason"),
    [(neox, "architecture 'gpt_neox' is none of gpt2, llama"), (sliding_mistral, "sliding window")],
)
def test_other_models_are_decoded_by_generate_and_the_user_is_told(build, reason):
    said = list[str]()
    engine = open_engine(build(), OPTIONS, notify=said.append)
    assert isinstance(engine, PlainEngine)
    (line,) = said
    assert "plain `generate`, one prompt at a time" in line
    assert reason in line
    done = engine.complete(number_requests(3))
    assert [each.id for each in done] == ["problem-0", "problem-1", "problem-2"]


@pytest.mark.parametrize("case", ["greedy", "sampled", "stop", "knn"])
def test_both_engines_write_the_same(case):
    loaded = random_model()
    requests = number_requests(3)
    retriever = None
    if case == "sampled":
        how = Sampling(temperature=40.0, top_p=0.9, seed=1)
        requests = [replace(request, sampling=how) for request in requests]
    if case == "stop":
        requests = [replace(request, stop=("3", "5")) for request in requests]
    if case == "knn":
        retriever = retriever_on("cpu", weight=0.6, temperature=50.0)
    slots = open_engine(loaded, OPTIONS, retriever, notify=lambda line: None)
    assert isinstance(slots, SlotEngine)
    plain = PlainEngine(loaded, OPTIONS, retriever)
    ours, theirs = by_id(slots.complete(requests)), by_id(plain.complete(requests))
    for name, (text, reason, tokens, interventions) in theirs.items():
        assert ours[name][:3] == (text, reason, tokens)
        assert (interventions is None) == (retriever is None)
        if interventions is not None:
            assert ours[name][3].argmax_changes == interventions.argmax_changes
            assert ours[name][3].searched == interventions.searched


def test_the_user_is_told_how_neighbours_are_searched():
    said = list[str]()
    open_engine(random_model(), OPTIONS, retriever_on("cpu"), notify=said.append)
    assert said == ["kNN search: torch, exact, 400 keys x 64 on cpu"]
