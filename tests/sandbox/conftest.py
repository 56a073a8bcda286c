from collections.abc import Iterator

import pytest

from knm.errors import UserError
from knm.sandbox import Limits, Sandbox, SandboxUnavailable, open_sandbox

QUICK = Limits(cpu_seconds=0.5, wall_seconds=20, memory_bytes=128 << 20, output_bytes=1 << 20)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One local sandbox for all tests, as in a run: what one test does may not hurt another."""
    try:
        opened = open_sandbox("local", limits=QUICK)
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    with opened:
        yield opened


@pytest.fixture(scope="session")
def docker_sandbox_spec() -> str:
    """The Docker backend's name, where there is an engine for it."""
    try:
        open_sandbox("docker").close()
    except UserError as error:
        pytest.skip(str(error))
    return "docker"
