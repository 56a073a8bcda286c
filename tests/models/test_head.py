import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import FalconMambaConfig, FalconMambaForCausalLM

from knm.errors import UserError
from knm.models.head import OutputHead
from knm.models.optimising import Plan, optimise
from tests.datastore.tiny import VOCAB, examples, tiny_model
from tests.engine.random_models import KINDS, random_model
from tests.models.architectures import SCALING, scaling_model

IDS = torch.tensor([[5, 9, 30, 11, 7, 7, 3, 60]])


def model_of(kind):
    return scaling_model(kind).model if kind in SCALING else random_model(kind).model


@torch.no_grad()
def states_and_logits(model):
    hidden = model.get_decoder()(input_ids=IDS, use_cache=False)[0][0]
    return hidden, model(IDS, use_cache=False).logits[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", [*SCALING, *KINDS])
def test_logits_are_those_of_the_models_own_forward_pass(kind, dtype):
    model = model_of(kind).to(dtype)
    hidden, logits = states_and_logits(model)
    head = OutputHead(model)
    with torch.no_grad():
        assert torch.equal(head(hidden), logits)
        assert torch.equal(head.weight, model.get_output_embeddings().weight)


@pytest.mark.parametrize("kind", SCALING)
def test_the_head_alone_says_something_else_of_such_models(kind):
    model = model_of(kind)
    hidden, logits = states_and_logits(model)
    assert not torch.allclose(model.get_output_embeddings()(hidden), logits, atol=0.1)


@pytest.mark.parametrize("kind", [*SCALING, *KINDS])
def test_looking_at_a_model_leaves_nothing_in_it(kind):
    model = model_of(kind)
    _, before = states_and_logits(model)
    head = OutputHead(model)
    head(torch.zeros(2, model.config.hidden_size))
    assert torch.equal(states_and_logits(model)[1], before)
    assert "forward" not in vars(model.get_decoder())
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_a_model_whose_numbers_are_none_is_read_too():
    model = tiny_model().model
    with torch.no_grad():
        model.get_output_embeddings().weight[3] = torch.nan
    hidden, logits = states_and_logits(model)
    with torch.no_grad():
        torch.testing.assert_close(OutputHead(model)(hidden), logits, equal_nan=True)


def test_a_head_that_receives_other_states_than_the_trunk_gives_is_refused():
    model = tiny_model().model
    # As MiniCPM has it: the states are scaled on their way to the head.
    model.get_output_embeddings().register_forward_pre_hook(lambda _, inputs: (inputs[0] / 2,))
    with pytest.raises(UserError, match="receives something else than its trunk gives"):
        OutputHead(model)


def test_states_of_another_dtype_than_the_heads_are_read_too():
    config = FalconMambaConfig(vocab_size=VOCAB, hidden_size=32, num_hidden_layers=1, state_size=4)
    model = FalconMambaForCausalLM(config).to(torch.bfloat16).eval()
    hidden, logits = states_and_logits(model)
    with torch.no_grad():
        assert torch.equal(OutputHead(model)(hidden), logits)


@pytest.mark.parametrize("kind", SCALING)
def test_training_follows_the_loss_of_the_models_own_logits(kind):
    model, example = scaling_model(kind).model, examples(1)[0]
    ids = torch.tensor([example.ids])
    with torch.no_grad():
        logits = model(ids).logits[0, example.target_start - 1 : -1]
    expected = cross_entropy(logits, ids[0, example.target_start :]).item()
    figures = optimise(model, [[example]], Plan(0.0, 0.0, lambda step, steps: 1.0))
    assert figures["loss"] == pytest.approx(expected, abs=1e-5)
