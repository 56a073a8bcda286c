import signal
from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

from knm.models import LoadedModel, load_model
from knm.sandbox import Sandbox, SandboxUnavailable, open_sandbox

# Where tests run in the background, processes that they start would ignore an interrupt too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more of the machine's other work than of ours.
settings.register_profile("knm", deadline=None)
settings.load_profile("knm")
# Small tensors gain nothing from threads and wait long for them on a busy machine.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The local sandbox with the limits of a run."""
    try:
        opened = open_sandbox("local")
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    with opened:
        yield opened


@pytest.fixture(scope="session")
def embedded() -> LoadedModel:
    """The embedded LM, float32 on the CPU."""
    return load_model(device="cpu")
