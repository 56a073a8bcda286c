"""How a corpus is to be mined: which positions become entries, further options and their checks.

Loads no model library.
"""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from knm.datastore.arrays import KEY_DTYPES
from knm.errors import UserError, named
from knm.models import FINAL_NORM, parse_key_kind

if TYPE_CHECKING:
    from torch import Tensor


_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Answers:
    """What the LM said at n positions.

    `predicted` and `right` (n,) token ids, `probability` (n,) float32 of what was predicted, and
    `drawn` (n,) whether the position is in the random share of a rule.
    """

    predicted: "Tensor"
    right: "Tensor"
    probability: "Tensor"
    drawn: "Tensor"


@dataclass(frozen=True)
class PositionRule:
    """`select` says which positions are kept, (n,) bool; `share` is that of its random draw."""

    select: "Callable[[Answers], Tensor]"
    share: float = 0.0


def _all(answers: Answers) -> "Tensor":
    return answers.drawn.new_ones(answers.drawn.shape)


def _mistakes(answers: Answers) -> "Tensor":
    return answers.predicted != answers.right


def _mistakes_and_share(answers: Answers) -> "Tensor":
    return _mistakes(answers) | answers.drawn


def _below(bound: float) -> PositionRule:
    return PositionRule(lambda answers: answers.probability < bound)


# By name, and by name and number.
_PLAIN: Final[Mapping[str, PositionRule]] = {
    "all": PositionRule(_all),
    "mistakes": PositionRule(_mistakes),
}
_NUMBERED: Final[Mapping[str, Callable[[float], PositionRule]]] = {
    "mistakes+correct": lambda share: PositionRule(_mistakes_and_share, share),
    "low-confidence": _below,
}
POSITIONS: Final = (*_PLAIN, *(f"{name}:P" for name in _NUMBERED))


def parse_positions(text: str) -> PositionRule:
    """Read a rule: `all`, `mistakes`, `mistakes+correct:P` (and a random share P of the positions
    where the LM was right), `low-confidence:P` (where its argmax has a probability below P).

    Raises:
        UserError: it is none of these.
    """
    if text in _PLAIN:
        return _PLAIN[text]
    name, colon, number = text.partition(":")
    if not colon or name not in _NUMBERED:
        raise UserError(f"{named('positions')} {text}: choose one of {', '.join(POSITIONS)}")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise UserError(
            f"{named('positions')} {text}: {number!r} must be a number above 0, at most 1"
        )
    return _NUMBERED[name](value)


def batch_tokens_on(device_type: str) -> int:
    """Tokens of a forward batch, if nobody says, on a device of type `cpu`, `cuda` and so on."""
    return 16_384 if device_type == "cuda" else MiningOptions.batch_tokens


@dataclass(frozen=True)
class MiningOptions:
    """How examples become entries.

    `positions` says which are stored (see `parse_positions`), `batch_tokens` is the size of a
    forward batch with padding, `key_dtype` how keys are stored (`float16` or `bfloat16`),
    `key_kind` what they are made of (see `knm.models.keys`). Mining stops after `capacity` entries
    (None: at the end). `seed` is that of the draw of a random share. `preset` is what the datastore
    is searched by if nobody says; None leaves that to who searches.

    Raises:
        UserError: on a value out of range.
    """

    positions: str = "all"
    batch_tokens: int = 2048
    key_dtype: str = "float16"
    key_kind: str = FINAL_NORM
    capacity: int | None = None
    seed: int = 0
    preset: str | None = None

    def __post_init__(self) -> None:
        parse_positions(self.positions)
        parse_key_kind(self.key_kind)
        if self.batch_tokens < 1:
            raise UserError(f"{named('batch_tokens')} {self.batch_tokens}: must be at least 1")
        if self.key_dtype not in KEY_DTYPES:
            raise UserError(
                f"{named('key_dtype')} {self.key_dtype}: choose one of {', '.join(KEY_DTYPES)}"
            )
        if self.capacity is not None and self.capacity < 1:
            raise UserError(f"{named('capacity')} {self.capacity}: must be at least 1 entry")


def draw(
    record_id: str, offsets: np.ndarray[Any, Any], seed: int, share: float
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which of the positions `offsets` (n,) of a record are in a random `share`, (n,) bool.

    A position's lot is a hash of record, offset and seed: it is the same in any batch or shard.
    """
    if share == 0:
        return np.zeros(len(offsets), dtype=np.bool_)
    text = f"{seed}\0{record_id}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=8).digest()
    with np.errstate(over="ignore"):
        mixed = np.uint64(int.from_bytes(digest, "little")) + offsets.astype(np.uint64) * _GOLDEN
        # The finalizer of SplitMix64.
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    lots: np.ndarray[Any, np.dtype[np.bool_]] = (mixed >> np.uint64(11)) * 2.0**-53 < share
    return lots
