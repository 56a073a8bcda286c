import os
from collections.abc import Iterator

import pytest

from knm.errors import UserError
from knm.sandbox import Limits, Sandbox, SandboxUnavailable, open_sandbox
from knm.sandbox.docker.engine import Engine
from knm.sandbox.docker.image import BASE, IMAGE, IMPORTED_BASE, build, context_hash

QUICK = Limits(cpu_seconds=0.5, wall_seconds=20, memory_bytes=128 << 20, output_bytes=1 << 20)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The Docker engine, if there is one."""
    try:
        opened = Engine()
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def own_image(engine: Engine) -> Iterator[str]:
    """Our image as this tree makes it, under a name of its own, built on what the engine has."""
    bases = [name for name in (IMPORTED_BASE, BASE, IMAGE) if engine.image(name)]
    if not bases:
        pytest.skip(f"no image to build on: make {IMAGE} with `knm sandbox build`")
    tag = f"knm-sandbox-test:{context_hash()[:12]}-{os.getpid()}"
    yield build(engine, bases[0], tag, lambda text: None).name
    engine.api.remove_image(tag)


@pytest.fixture(scope="session")
def contained(own_image: str) -> Iterator[Sandbox]:
    """One sandbox of containers for all tests."""
    with open_sandbox(f"docker:{own_image}", limits=QUICK) as opened:
        yield opened


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
