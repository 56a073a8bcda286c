"""Key kinds: which of a decoder's states a datastore is keyed by.

| kind | state |
|---|---|
| `final-norm` | what the output head receives (default) |
| `last-layer` | the residual stream after the last block, before the final norm |
| `last-mlp-input` | what the MLP of the last block receives |
| `layer-N` | the residual stream after block N, from 1 |
| several joined by `+` | those states, one after the other |
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from knm.errors import UserError, named

FINAL_NORM: Final = "final-norm"
_LAYER: Final = re.compile(r"layer-([1-9]\d*)")


class Point(Enum):
    """Where in a decoder a state is taken."""

    HEAD = "what the head receives"
    RESIDUAL = "the residual stream after a block"
    MLP_INPUT = "what a block's MLP receives"


@dataclass(frozen=True)
class Tap:
    """One state: a point and, but for the head, the block (from 0) that it belongs to."""

    point: Point
    block: int = 0


# Of a decoder with so many blocks.
_NAMED: Final[Mapping[str, Callable[[int], Tap]]] = {
    FINAL_NORM: lambda blocks: Tap(Point.HEAD),  # noqa: ARG005
    "last-layer": lambda blocks: Tap(Point.RESIDUAL, blocks - 1),
    "last-mlp-input": lambda blocks: Tap(Point.MLP_INPUT, blocks - 1),
}


@dataclass(frozen=True)
class KeyKind:
    """The states that make up a key, by name and in order. Make it with `parse_key_kind`."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return "+".join(self.parts)

    def width(self, hidden_size: int) -> int:
        """The width of a key of a model with this hidden size."""
        return len(self.parts) * hidden_size

    def places_in(self, whole: "KeyKind", hidden_size: int) -> list[int]:
        """The columns of keys of `whole`, which has all these parts, that make up keys of this."""
        starts = [whole.parts.index(part) * hidden_size for part in self.parts]
        return [start + column for start in starts for column in range(hidden_size)]

    def taps(self, blocks: int) -> tuple[Tap, ...]:
        """Where a decoder of `blocks` blocks has the parts.

        Raises:
            UserError: it has no such block.
        """
        return tuple(_locate(part, blocks) for part in self.parts)


def parse_key_kind(text: str, field: str = "key_kind") -> KeyKind:
    """Read a key kind as `--key-kind` and manifests write it; errors name `field`.

    Raises:
        UserError: unknown, or a part is named twice.
    """
    parts = tuple(text.split("+"))
    for part in parts:
        if part not in _NAMED and not _LAYER.fullmatch(part):
            raise UserError(
                f"{named(field)} {text}: {part!r} is none of {', '.join(_NAMED)}, layer-N (N "
                "from 1), or several of them joined by +"
            )
    if len(set(parts)) < len(parts):
        raise UserError(f"{named(field)} {text}: names a part twice: leave one out")
    return KeyKind(parts)


def join_key_kinds(kinds: Sequence[KeyKind]) -> KeyKind:
    """The key kind that has each part of `kinds` once: `places_in` finds the others' keys in it."""
    return KeyKind(tuple(dict.fromkeys(part for kind in kinds for part in kind.parts)))


def _locate(part: str, blocks: int) -> Tap:
    if part in _NAMED:
        return _NAMED[part](blocks)
    number = int(part.removeprefix("layer-"))
    if number > blocks:
        raise UserError(
            f"key kind {part!r}: the model has {blocks} layers: choose layer-1 to layer-{blocks}"
        )
    return Tap(Point.RESIDUAL, number - 1)
