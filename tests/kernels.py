"""Where a GPU's kernels can be tested: there, or by Triton's interpreter (`tox run -e kernels`)."""

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
import torch

ON_A_GPU: Final = torch.cuda.is_available()
# Triton reads the variable when it is imported.
INTERPRETED: Final = not ON_A_GPU and os.environ.get("TRITON_INTERPRET") == "1"
DEVICE: Final = torch.device("cuda" if ON_A_GPU else "cpu")


def module_of_kernels(name: str) -> Any:
    """The module `name`; skips where its kernels cannot be executed."""
    if not (ON_A_GPU or INTERPRETED):
        pytest.skip("needs a GPU, or Triton and TRITON_INTERPRET=1: tox run -e kernels")
    return importlib.import_module(name)


@contextmanager
def logits_by_kernels() -> Iterator[None]:
    """Logits are read by kernels there too where an interpreter executes them."""
    with pytest.MonkeyPatch.context() as patch:
        if INTERPRETED:
            patch.setattr("knm.models.logits._by_kernels", lambda _: True)
        yield
