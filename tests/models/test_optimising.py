"""What spares memory changes no gradient."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from knm.models import EncodedExample, optimising
from knm.models.head import OutputHead
from knm.models.optimising import Plan, accumulate, cut_batches, optimise, recomputing
from tests.engine.random_models import KINDS, VOCABULARY, random_model

LENGTHS = [(12, 4), (30, 7), (9, 8), (40, 20), (21, 1)]
"""Tokens of an example, and how many of them are its prompt."""

PARTS = {"at once": None, "some together": 60, "each alone": 1}


def draw_examples():
    draw = random.Random(0)
    return [
        EncodedExample(f"r{length}", tuple(draw.choices(range(VOCABULARY), k=length)), start)
        for length, start in LENGTHS
    ]


def gradients(model):
    return {name: weight.grad.clone() for name, weight in model.named_parameters()}


def plain_step(kind):
    """Mean loss of all answer tokens, from all logits of each example by itself."""
    model = random_model(kind).model
    losses = []
    for example in draw_examples():
        ids = torch.tensor([example.ids])
        logits = model(ids).logits[0, example.target_start - 1 : -1]
        losses.append(cross_entropy(logits, ids[0, example.target_start :], reduction="none"))
    loss = torch.cat(losses).mean()
    loss.backward()
    return loss.detach(), gradients(model)


@contextmanager
def calls_of(module) -> Iterator[list[int]]:
    """Rows that the module was given, call by call."""
    seen: list[int] = []
    hook = module.register_forward_hook(
        lambda _module, inputs, _output: seen.append(inputs[0].flatten(0, -2).shape[0])
    )
    yield seen
    hook.remove()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS.keys())
@pytest.mark.parametrize("spare", [False, True], ids=["all kept", "computed again"])
def test_loss_and_gradients_are_those_of_the_plain_computation(kind, parts, spare):
    expected_loss, expected = plain_step(kind)
    model = random_model(kind).model
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    cut = optimising._parts(draw_examples(), parts)
    most = {"most_logits": 3 * VOCABULARY} if spare else {}
    with recomputing(model) if spare else nullcontext():
        loss = accumulate(model, OutputHead(model), cut, **most)
    torch.testing.assert_close(loss, expected_loss)
    torch.testing.assert_close(gradients(model), expected)


def test_the_head_is_computed_for_answers_alone_and_for_few_at_a_time():
    model = random_model().model
    examples, head = draw_examples(), OutputHead(model)
    with calls_of(model.get_output_embeddings()) as rows:
        accumulate(model, head, [examples], most_logits=10 * VOCABULARY)
    answers = sum(length - start for length, start in LENGTHS)
    assert sum(rows) == 2 * answers  # once for the loss, once for its gradient
    assert max(rows) == 10


@pytest.mark.parametrize("spare", [False, True])
def test_checkpointing_computes_blocks_again_and_leaves_no_trace(spare):
    model = random_model().model
    OutputHead(model)  # has a look at a model that it has not seen: a pass more
    block = model.model.layers[0]
    plan = Plan(1e-3, 0.0, lambda *_: 1.0, part_tokens=40, checkpointing=spare)
    with calls_of(block.self_attn.q_proj) as rows:
        figures = optimise(model, [draw_examples()], plan)
    passes = 1 + spare
    assert sum(rows) == passes * figures["tokens"]
    assert max(rows) <= 40
    assert not model.training
    assert "forward" not in vars(block)


def test_frozen_weights_are_not_stepped():
    model = random_model().model
    model.model.embed_tokens.requires_grad_(False)
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    optimise(model, [draw_examples()], Plan(1e-2, 0.1, lambda *_: 1.0, checkpointing=True))
    same = {name for name, weight in model.named_parameters() if weight.equal(before[name])}
    assert same == {"model.embed_tokens.weight"}


@given(
    st.lists(st.integers(2, 50), max_size=40), st.integers(1, 12), st.integers(1, 200), st.data()
)
def test_batches_hold_every_example_once_within_the_budget(lengths, stretch, budget, data):
    examples = [EncodedExample(str(n), (0,) * length, 1) for n, length in enumerate(lengths)]
    rng = random.Random(data.draw(st.integers(0, 9)))
    batches = cut_batches(examples, stretch, lambda size, longest: size * longest > budget, rng)
    assert sorted(example.record_id for batch in batches for example in batch) == sorted(
        example.record_id for example in examples
    )
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(len(e.ids) for e in batch) <= budget
