"""Reading the states that a key kind names from a Hugging Face model while it computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

from knm.errors import UserError, named
from knm.models.keys import KeyKind, Point, Tap

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Capture:
    """What the last forward pass left at each tap: states (..., H)."""

    def __init__(self, taps: Sequence[Tap]) -> None:
        self.taps = tuple(taps)
        self.states: dict[Tap, Tensor] = {}

    def keys(self, final: Tensor, rows: Tensor) -> Tensor:
        """Key rows (n, W) of the tokens `rows` (n,); `final` (B, T, H) is what the trunk gave."""
        chosen = {tap: state.flatten(0, -2)[rows] for tap, state in self.states.items()}
        head = final.flatten(0, -2)[rows] if Tap(Point.HEAD) in self.taps else None
        return join_states(self.taps, head, chosen)


def join_states(taps: Sequence[Tap], head: Tensor | None, states: Mapping[Tap, Tensor]) -> Tensor:
    """Keys (..., W) of the states (..., H) at `taps`; `head` is what the output head receives."""
    parts = [head if tap.point is Point.HEAD else states[tap] for tap in taps]
    present = [part for part in parts if part is not None]
    assert len(present) == len(parts)
    return present[0] if len(present) == 1 else torch.cat(present, -1)


@contextmanager
def capturing(model: PreTrainedModel, kind: KeyKind) -> Iterator[Capture]:
    """Keep, within the `with` block, what `kind` asks for beyond the head's input.

    Only these states are kept, and of the latest forward pass only. Afterwards nothing of it
    remains in the model.

    Raises:
        UserError: the model has no such layer, or its blocks cannot be told apart.
    """
    with ExitStack() as stack:
        capture = Capture(kind.taps(block_count(model)))
        for tap in capture.taps:
            if tap.point is not Point.HEAD:
                handle = _HOOKS[tap.point](find_blocks(model)[tap.block], capture.states, tap)
                stack.callback(handle.remove)
        stack.callback(capture.states.clear)
        yield capture


def block_count(model: PreTrainedModel) -> int:
    """How many blocks the model says it has."""
    config = model.config.get_text_config()
    return int(config.num_hidden_layers)


def find_blocks(
    model: PreTrainedModel, *, mend: str = f"use {named('key_kind')} final-norm"
) -> nn.ModuleList:
    """The blocks of the model's trunk, in order; some trunks have them one level deeper.

    Raises:
        UserError: there is not exactly one list of that many modules.
    """
    count = block_count(model)
    level: list[nn.Module] = [model.get_decoder()]
    while level:
        level = [child for module in level for child in module.children()]
        lists = [
            child for child in level if isinstance(child, nn.ModuleList) and len(child) == count
        ]
        if len(lists) == 1:
            return lists[0]
        if any(isinstance(child, nn.ModuleList) for child in level):
            break  # further down are parts of blocks
    raise UserError(f"{type(model).__name__}: its layers cannot be told apart: {mend}")


def _keep_output(
    states: dict[Tap, Tensor], tap: Tap, module: Any, inputs: Any, output: Any
) -> None:
    del module, inputs
    states[tap] = output[0] if isinstance(output, tuple) else output


def _keep_input(states: dict[Tap, Tensor], tap: Tap, module: Any, inputs: Any) -> None:
    del module
    states[tap] = inputs[0]


def _watch_residual(block: nn.Module, states: dict[Tap, Tensor], tap: Tap) -> Any:
    return block.register_forward_hook(partial(_keep_output, states, tap))


def _watch_mlp_input(block: nn.Module, states: dict[Tap, Tensor], tap: Tap) -> Any:
    mlp = getattr(block, "mlp", None)
    if not isinstance(mlp, nn.Module):
        raise UserError(
            f"{type(block).__name__} has no `mlp`: use a key kind other than last-mlp-input"
        )
    return mlp.register_forward_pre_hook(partial(_keep_input, states, tap))


_HOOKS: Final[Mapping[Point, Callable[[nn.Module, dict[Tap, Tensor], Tap], Any]]] = {
    Point.RESIDUAL: _watch_residual,
    Point.MLP_INPUT: _watch_mlp_input,
}
