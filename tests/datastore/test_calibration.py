import numpy as np
import pytest

from knm.datastore import Calibration, Datastore
from tests.datastore.tiny import examples, mine_tiny


def reference(store: Datastore, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Plain leave-record-out nearest neighbour."""
    keys = store.read_keys(slice(0, len(store))).astype(np.float64)
    records = store.provenance["record"]
    distances = np.square(keys[rows, None] - keys[None]).sum(-1)
    distances[records[rows][:, None] == records[None]] = np.inf
    found = distances.argmin(1)
    return distances.min(1), store.values[found] == store.values[rows]


@pytest.mark.parametrize("side", ["mistakes", "correct"])
def test_distances_and_reliability_leave_the_own_record_out(tmp_path, side):
    store = mine_tiny(tmp_path, examples=examples(60))
    wrong = store.provenance["predicted"] != store.values
    rows = np.flatnonzero(wrong if side == "mistakes" else ~wrong)
    distances, right = reference(store, rows)
    summary = getattr(store.manifest.calibration, side)
    assert summary.sampled == len(rows) > 0
    assert summary.nearest_right == pytest.approx(right.mean())
    for point in ("0.1", "0.25", "0.5", "0.75", "0.9"):
        expected = np.quantile(distances, float(point))
        assert summary.quantiles[point] == pytest.approx(expected, rel=1e-4)


def test_the_median_at_mistakes_is_what_temperatures_scale_with(tmp_path):
    calibration = mine_tiny(tmp_path).manifest.calibration
    assert calibration is not None
    assert calibration.mistakes is not None
    assert calibration.mistake_distance_median == calibration.mistakes.quantiles["0.5"] > 0


def test_a_single_record_has_nothing_to_be_measured_against(tmp_path):
    store = mine_tiny(tmp_path, examples=examples(1))
    assert store.manifest.calibration == Calibration(None, None, None)
