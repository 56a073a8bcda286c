"""From hidden states to the logits that the model itself gives.

Behind the output head some models scale their logits (Granite, Cohere) or cap them (Gemma 2), each
in its own `forward`. That code is what runs here too, with given states in place of what the trunk
computes, so that nothing has to be known of an architecture. Where it adds nothing to the head, the
head alone is called.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from knm.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_PROBE: Final = (0, 1)  # token ids that every vocabulary has
_PROBE_LOGIT: Final = 64.0  # so large that a cap is felt, in bfloat16 too


@dataclass(frozen=True)
class _Reading:
    """How a model's logits are read.

    `output` is what its trunk gave once, a frame for given states; `plain` says that the head is
    all there is.
    """

    output: Any
    plain: bool


_READINGS: WeakKeyDictionary[PreTrainedModel, _Reading] = WeakKeyDictionary()


class OutputHead:
    """The logits (n, V) of a model at hidden states (n, H), as its own forward pass gives them."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Look once at how the model comes from the one to the other.

        Raises:
            UserError: it has no output head, or its head receives something else than what the
                trunk gives, so that states at the one are no keys at the other.
        """
        self._model = model
        self.weight: Tensor = find_head(model).weight
        if model not in _READINGS:
            _READINGS[model] = _look(model)
        self._reading = _READINGS[model]

    def __call__(self, hidden: Tensor) -> Tensor:
        """Logits (n, V), in the dtype in which the model gives them but for a last cast of all."""
        if self._reading.plain:
            logits: Tensor = find_head(self._model)(hidden)
            return logits
        return _through_model(self._model, self._reading.output, hidden)


def find_head(model: PreTrainedModel) -> nn.Linear:
    """The output head.

    Raises:
        UserError: there is none.
    """
    head: nn.Linear | None = model.get_output_embeddings()
    if head is None:
        raise UserError(f"{type(model).__name__} has no output head: choose a causal LM")
    return head


@torch.no_grad()
def _look(model: PreTrainedModel) -> _Reading:
    trunk, head, seen = model.get_decoder(), find_head(model), dict[str, Any]()

    def keep_output(_module: nn.Module, _inputs: Any, output: Any) -> None:
        seen["output"] = output

    def keep_input(_module: nn.Module, inputs: Any) -> None:
        seen["received"] = inputs[0]

    hooks = [trunk.register_forward_hook(keep_output), head.register_forward_pre_hook(keep_input)]
    try:
        ids = torch.tensor([_PROBE], device=head.weight.device)
        said = model(input_ids=ids, use_cache=False, return_dict=True).logits[0]
    finally:
        for hook in hooks:
            hook.remove()
    output, received = copy.copy(seen["output"]), seen["received"]
    given = output[0]
    if not _equal(received, given.to(received.dtype)):
        raise UserError(
            f"{type(model).__name__}: its output head receives something else than its trunk gives;"
            " such models are not supported: choose another"
        )
    try:
        again = _through_model(model, output, given[0])
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # it needs more than that
        raise _unreadable(model, repr(error)) from error
    if not _equal(again, said):
        raise _unreadable(model, "given the same states, it said something else")
    probes = given[0] * (_PROBE_LOGIT / said.abs().amax().clamp_min(1e-6)).to(given.dtype)
    plain = given.dtype == head.weight.dtype and _equal(
        _through_model(model, output, probes), head(probes)
    )
    return _Reading(output, plain)


def _equal(a: Tensor, b: Tensor) -> bool:
    """Whether all numbers are the same; those that are none are found where they matter."""
    return a.shape == b.shape and bool(((a == b) | (a.isnan() & b.isnan())).all())


def _unreadable(model: PreTrainedModel, why: str) -> UserError:
    return UserError(
        f"{type(model).__name__}: its logits cannot be read from hidden states ({why}): choose "
        "another model"
    )


def _through_model(model: PreTrainedModel, output: Any, hidden: Tensor) -> Tensor:
    """Run the model's own forward pass behind a trunk that gives `hidden` (n, H)."""
    with _standing_in(model.get_decoder(), output, hidden[None]):
        ids = torch.zeros((1, 1), dtype=torch.int64, device=hidden.device)
        logits: Tensor = model(input_ids=ids, use_cache=False, return_dict=True).logits[0]
    return logits


@contextmanager
def _standing_in(trunk: nn.Module, output: Any, hidden: Tensor) -> Iterator[None]:
    """Let the trunk compute nothing and give `hidden` (1, n, H), framed as its own `output` was."""
    if isinstance(output, tuple):
        framed: Any = (hidden, *output[1:])
    else:
        framed = copy.copy(output)
        framed.last_hidden_state = hidden

    def give(*_inputs: Any, **_options: Any) -> Any:
        return framed

    trunk.forward = give
    try:
        yield
    finally:
        del trunk.forward
