"""How a corpus is to be mined: options and their checks, without a model library."""

from dataclasses import dataclass

from knm.datastore.arrays import KEY_DTYPES
from knm.datastore.positions import parse_positions
from knm.errors import UserError
from knm.models import FINAL_NORM, parse_key_kind


@dataclass(frozen=True)
class MiningOptions:
    """How examples become entries.

    `positions` says which are stored (see `parse_positions`), `batch_tokens` is the size of a
    forward batch with padding, `key_dtype` how keys are stored (`float16` or `bfloat16`),
    `key_kind` what they are made of (see `knm.models.keys`). Mining stops after `capacity` entries
    (None: at the end). `seed` is that of the draw of a random share.

    Raises:
        UserError: on a value out of range.
    """

    positions: str = "all"
    batch_tokens: int = 2048
    key_dtype: str = "float16"
    key_kind: str = FINAL_NORM
    capacity: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        parse_positions(self.positions)
        parse_key_kind(self.key_kind)
        if self.batch_tokens < 1:
            raise UserError(f"--batch-tokens {self.batch_tokens}: must be at least 1")
        if self.key_dtype not in KEY_DTYPES:
            raise UserError(f"--key-dtype {self.key_dtype}: choose one of {', '.join(KEY_DTYPES)}")
        if self.capacity is not None and self.capacity < 1:
            raise UserError(f"--capacity {self.capacity}: must be at least 1 entry")
