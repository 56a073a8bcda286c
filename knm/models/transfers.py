"""Moving tensors between host and device without waiting for either."""

from typing import Any

import numpy as np
import torch
from torch import Tensor


def host_copy(tensor: Tensor) -> Tensor:
    """A copy on the host; on a GPU it is there when the current stream has come so far."""
    if tensor.device.type == "cpu":
        return tensor.clone()
    pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return pinned.copy_(tensor, non_blocking=True)


def device_copy(array: np.ndarray[Any, Any], device: torch.device) -> Tensor:
    """An array on `device`; on a CPU it shares the array's memory."""
    tensor = torch.from_numpy(array)
    if device.type == "cpu":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)
