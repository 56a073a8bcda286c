"""What tests of several modules correct by."""

import pytest

from tests.datastore.tiny import mine_tiny


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """All positions of the examples, mined with the tiny model."""
    return mine_tiny(tmp_path_factory.mktemp("store"))
