"""Where a model runs: found without transformers, whose import takes seconds."""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from knm.errors import UserError, named

if TYPE_CHECKING:
    import torch

DTYPES: Final = ("float32", "bfloat16", "float16")
"""Number formats, as torch names them."""


@dataclass(frozen=True)
class Placement:
    """Where a model runs and in which number format."""

    device: str
    dtype: str


def check_dtype(dtype: str | None) -> None:
    """Refuse an unknown number format; None is the default. Needs no model library.

    Raises:
        UserError: the dtype is unknown.
    """
    if dtype is not None and dtype not in DTYPES:
        raise UserError(f"{named('dtype')} {dtype}: unknown; choose one of {', '.join(DTYPES)}")


def resolve_placement(device: str | None, dtype: str | None) -> Placement:
    """Fill in defaults: a GPU in bfloat16 if there is one, else the CPU in float32.

    Raises:
        UserError: the device is not there, or the dtype is unknown.
    """
    check_dtype(dtype)
    import torch

    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{named('device')} {device}: not available here ({reason})") from None
    if dtype is None:
        dtype = "float32" if torch.device(device).type == "cpu" else "bfloat16"
    return Placement(device, dtype)


def launching_on(device: "torch.device") -> AbstractContextManager[None]:
    """Have what a thread launches meanwhile launched on `device`.

    Kernels, streams and graphs go to the GPU that is the thread's current one, which is the first
    unless somebody says so, wherever their tensors are.
    """
    import torch

    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def wait_without_spinning() -> None:
    """Have the threads of a process that computes sleep while they wait for each other.

    Spinning threads burn the cores that others compute on, and wait a time slice for every thread
    that was put aside: on two cores, beside a busy process, a decoding step took ten times as long,
    and training a small recurrent LM five times. Has to come before torch is imported; what the
    user has set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
