import pytest

from knm.embedded import store
from knm.embedded.store import ensure_embedded_datastore
from knm.errors import UserError


def test_that_it_is_mined_is_said_before_it_takes_its_time(tmp_path, monkeypatch):
    told: list[str] = []

    def mine(*_):
        assert len(told) == 1
        raise UserError("interrupted")

    monkeypatch.setattr(store, "mine", mine)
    with pytest.raises(UserError, match="interrupted"):
        ensure_embedded_datastore(tmp_path / "store", told.append)
    assert "mining the embedded datastore into" in told[0]
    assert str(tmp_path / "store") in told[0]
