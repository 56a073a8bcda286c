from collections.abc import Iterator

import pytest

from knm.models import LoadedModel, load_model
from knm.sandbox import Sandbox, SandboxUnavailable, open_sandbox


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
