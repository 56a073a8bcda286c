from dataclasses import replace
from functools import partial
from typing import Any, cast

import pytest
import torch
from transformers import (
    GenerationConfig,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    MistralConfig,
    MistralForCausalLM,
)

from knm.engine import ContextExceeded, GenerationOptions, PlainEngine, SlotEngine, open_engine
from knm.models import LoadedModel
from knm.records import Request, Sampling
from knm.retrieval import Retriever, resolve_preset
from tests.datastore.tiny import mine_tiny
from tests.engine.random_models import (
    HIDDEN,
    POSITIONS,
    VOCABULARY,
    NumberTokenizer,
    number_requests,
    random_model,
)
from tests.engine.test_slots import by_id, retriever_on
from tests.models.architectures import SCALING, scaling_model

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
        retriever = retriever_on("cpu", lmbda=0.6, temperature=50.0)
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


PENALTIES: dict[str, Any] = {
    "repetition_penalty": 3.0,
    "no_repeat_ngram_size": 1,
    "suppress_tokens": list(range(2, 60)),
    "bad_words_ids": [[token] for token in range(2, 60)],
    "num_beams": 3,
    "forced_eos_token_id": 5,
}


@pytest.mark.parametrize("setting", PENALTIES)
def test_greedy_is_the_argmax_whatever_a_generation_config_asks_for(setting):
    requests = number_requests(4)
    asked = random_model()
    before = by_id(PlainEngine(asked, OPTIONS, None).complete(requests))
    own = GenerationConfig(eos_token_id=1, pad_token_id=0, **{setting: PENALTIES[setting]})
    asked.model.generation_config = own
    for engine in (PlainEngine(asked, OPTIONS, None), SlotEngine(asked, OPTIONS, None, print)):
        assert by_id(engine.complete(requests)) == before
    assert asked.model.generation_config is own


@pytest.mark.parametrize("build", [PlainEngine, partial(SlotEngine, notify=print)])
@pytest.mark.parametrize("named_by", ["tokenizer", "config", "generation_config"])
def test_a_completion_ends_with_an_end_that_anybody_names(named_by, build):
    loaded = random_model()
    request = number_requests(1)[0]
    (whole,) = build(without_ends(loaded), OPTIONS, None).complete([request])
    assert (whole.finish_reason, whole.completion_tokens) == ("length", 20)
    words = whole.text.split()
    end = next(word for place, word in enumerate(words) if word not in words[:place] and place > 2)
    holder = {
        "tokenizer": loaded.tokenizer,
        "config": loaded.model.config,
        "generation_config": loaded.model.generation_config,
    }[named_by]
    holder.eos_token_id = int(end) if named_by != "generation_config" else [96, int(end)]
    (done,) = build(loaded, OPTIONS, None).complete([request])
    assert done.finish_reason == "stop"
    assert done.text.split() == words[: words.index(end)]


def test_the_user_is_told_of_a_model_that_names_no_end():
    said = list[str]()
    open_engine(without_ends(random_model()), OPTIONS, notify=said.append)
    assert said == [
        "model 'qwen3' names no end token: every completion goes on to its limit; "
        "add eos_token to its tokenizer_config.json"
    ]


def without_ends(loaded: LoadedModel) -> LoadedModel:
    """No part of a model names an end token."""
    holder: Any
    for holder in (loaded.tokenizer, loaded.model.config, loaded.model.generation_config):
        holder.eos_token_id = None
    return loaded


@pytest.mark.parametrize("build", [PlainEngine, partial(SlotEngine, notify=print)])
def test_a_prompt_that_fills_the_context_is_said_to_with_its_length(build):
    engine = build(random_model(), OPTIONS, None)
    for length in (POSITIONS, POSITIONS + 7):
        request = Request("long", " ".join(["7"] * length), chat=False)
        with pytest.raises(
            ContextExceeded, match=f"{length} tokens, .* {POSITIONS}: shorten"
        ) as at:
            engine.submit(request)
        assert (at.value.prompt_tokens, at.value.context) == (length, POSITIONS)
    (done,) = engine.complete([Request("fits", " ".join(["7"] * (POSITIONS - 1)), chat=False)])
    assert done.completion_tokens == 1


@pytest.mark.parametrize("kind", SCALING)
def test_models_that_scale_or_cap_their_logits_write_what_they_give(kind, tmp_path):
    scaling = scaling_model(kind)
    loaded = LoadedModel(scaling.model, cast(Any, NumberTokenizer()), scaling.identity)
    prompts = [Request(f"{first}", f"{first} 9 30", chat=False) for first in (5, 7, 40)]
    zero = Retriever(mine_tiny(tmp_path, loaded=scaling), resolve_preset("v1", lmbda=0.0))
    alone, corrected = (
        PlainEngine(loaded, OPTIONS, retriever).complete(prompts) for retriever in (None, zero)
    )
    for request, done, again in zip(prompts, alone, corrected, strict=True):
        ids = [int(word) for word in request.prompt.split()]
        for word in done.text.split():
            with torch.no_grad():
                assert int(loaded.model(torch.tensor([ids])).logits[0, -1].argmax()) == int(word)
            ids.append(int(word))
        assert again.text == done.text


def test_the_user_is_told_how_neighbours_are_searched():
    said = list[str]()
    open_engine(random_model(), OPTIONS, retriever_on("cpu"), notify=said.append)
    assert said == ["kNN search: torch, exact, 400 keys x 64 on cpu"]
