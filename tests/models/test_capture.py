import pytest
import torch

from knm.errors import UserError
from knm.models import capturing, parse_key_kind
from tests.engine.random_models import HIDDEN, KINDS, random_model

IDS = torch.tensor([[5, 9, 30, 11], [7, 7, 3, 60]])
ROWS = torch.tensor([0, 3, 6])


def states(model, kind: str) -> torch.Tensor:
    with capturing(model, parse_key_kind(kind)) as capture, torch.no_grad():
        final = model.get_decoder()(input_ids=IDS, use_cache=False).last_hidden_state
        return capture.keys(final, ROWS)


@pytest.mark.parametrize("architecture", KINDS)
def test_residual_states_are_those_that_transformers_reports(architecture):
    model = random_model(architecture).model
    with torch.no_grad():
        output = model(IDS, output_hidden_states=True)
    reported = [state.flatten(0, 1)[ROWS] for state in output.hidden_states]
    for layer in (1, 2):
        torch.testing.assert_close(states(model, f"layer-{layer}"), reported[layer])
    torch.testing.assert_close(states(model, "final-norm"), reported[-1])
    norm = model.get_decoder().ln_f if architecture == "gpt2" else model.get_decoder().norm
    torch.testing.assert_close(norm(states(model, "last-layer")), reported[-1])
    torch.testing.assert_close(states(model, "layer-3"), states(model, "last-layer"))


@pytest.mark.parametrize("architecture", KINDS)
def test_the_input_of_the_last_mlp_makes_the_last_step_of_the_residual_stream(architecture):
    model = random_model(architecture).model
    before, last = states(model, "last-mlp-input"), states(model, "last-layer")
    block = model.get_decoder().h[-1] if architecture == "gpt2" else model.get_decoder().layers[-1]
    # What the MLP adds to the stream is what separates the block's output from its attention's.
    attended = last - block.mlp(before)
    norm = block.ln_2 if architecture == "gpt2" else block.post_attention_layernorm
    torch.testing.assert_close(norm(attended), before, rtol=1e-3, atol=1e-3)


def test_parts_are_joined_in_the_order_of_the_kind():
    model = random_model().model
    joined = states(model, "layer-2+final-norm+last-mlp-input")
    parts = [states(model, part) for part in ("layer-2", "final-norm", "last-mlp-input")]
    assert joined.shape == (3, 3 * HIDDEN)
    assert torch.equal(joined, torch.cat(parts, 1))


def test_nothing_remains_in_the_model():
    model = random_model().model
    states(model, "layer-1+last-mlp-input")
    with (
        pytest.raises(UserError, match="layer-9"),
        capturing(model, parse_key_kind("layer-1+layer-9")),
    ):
        pass
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_a_trunk_whose_layers_cannot_be_told_apart_is_refused():
    model = random_model().model
    model.get_decoder().more = torch.nn.ModuleList([torch.nn.Linear(1, 1)] * 3)
    with pytest.raises(UserError, match="cannot be told apart"):
        states(model, "layer-1")
