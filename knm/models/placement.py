"""Where a model runs: found without the model library, whose import takes seconds."""

from dataclasses import dataclass
from typing import Final

import torch

from knm.errors import UserError

DTYPES: Final = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


@dataclass(frozen=True)
class Placement:
    """Where a model runs and in which number format."""

    device: str
    dtype: str


def resolve_placement(device: str | None, dtype: str | None) -> Placement:
    """Fill in defaults: a GPU in bfloat16 if there is one, else the CPU in float32.

    Raises:
        UserError: the device is not there, or the dtype is unknown.
    """
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"--device {device}: not available here ({reason})") from None
    if dtype is None:
        dtype = "float32" if torch.device(device).type == "cpu" else "bfloat16"
    if dtype not in DTYPES:
        raise UserError(f"--dtype {dtype}: unknown; choose one of {', '.join(DTYPES)}")
    return Placement(device, dtype)
