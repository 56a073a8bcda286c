from collections.abc import Iterator

import pytest

from knm.sandbox import Sandbox, SandboxUnavailable, open_sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The real sandbox: the grammar's Lua must run in what judges the models'."""
    try:
        opened = open_sandbox("local")
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    with opened:
        yield opened
