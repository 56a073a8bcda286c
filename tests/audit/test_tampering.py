import numpy as np
import pytest

from knm.audit.tampering import tamper
from tests.datastore.tiny import mine_tiny


@pytest.fixture
def source(tmp_path):
    return mine_tiny(tmp_path / "source")


def test_shuffled_values_are_the_same_values_at_other_keys(source, tmp_path):
    store = tamper("shuffled", source, tmp_path / "shuffled")
    np.testing.assert_array_equal(store.keys, source.keys)
    np.testing.assert_array_equal(store.provenance, source.provenance)
    np.testing.assert_array_equal(np.sort(store.values), np.sort(source.values))
    assert (store.values != source.values).mean() > 0.5


def test_random_keys_have_the_lengths_and_moments_of_the_real_ones(source, tmp_path):
    store = tamper("random", source, tmp_path / "random")
    np.testing.assert_array_equal(store.values, source.values)
    ours, theirs = (each.read_keys(slice(None)) for each in (store, source))
    drawn, real = (np.linalg.norm(keys, axis=1) for keys in (ours, theirs))
    np.testing.assert_allclose(drawn, real, rtol=1e-2)
    cosine = (ours * theirs).sum(1) / drawn / real
    assert cosine.max() < 0.95
    np.testing.assert_allclose(ours.std(0), theirs.std(0), rtol=0.5)


@pytest.mark.parametrize("kind", ["shuffled", "random"])
def test_the_same_source_gives_the_same_control_calibrated_anew(source, tmp_path, kind):
    one, two = (tamper(kind, source, tmp_path / name) for name in ("one", "two"))
    assert one.content_hash == two.content_hash != source.content_hash
    assert one.manifest.lineage[-1]["operation"] == kind
    assert one.manifest.calibration is not None
    assert one.manifest.calibration != source.manifest.calibration
