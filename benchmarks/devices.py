"""What a device is, how fast it copies, and timing calls on it."""

import time
from collections.abc import Callable
from typing import Any

import torch


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a call takes, the device's work included, and what it returns."""
    synchronize()
    started = time.perf_counter()
    result = call()
    synchronize()
    return time.perf_counter() - started, result


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def copy_bandwidth(device: str) -> float:
    """Gigabytes a second of a large copy on the device, read and written."""
    source = torch.empty(1 << (31 if device == "cuda" else 27), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    spent = [timed(lambda: target.copy_(source))[0] for _ in range(7)]
    return 2 * source.nbytes / sorted(spent)[3] / 1e9


def device_name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else "CPU"
