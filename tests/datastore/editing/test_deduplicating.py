import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.datastore.editing import deduplicate_datastore, deduplicating
from knm.datastore.editing.deduplicating import distinct_entries
from knm.errors import UserError
from tests.datastore.editing.stores import median_of, random_store, written
from tests.retrieval.stores import store_of

CPU = torch.device("cpu")


def reference(keys: np.ndarray, values: np.ndarray, radius: float) -> list[bool]:
    """One entry after the other against all that were kept before it."""
    wide = keys.astype(np.float64)
    kept: list[int] = []
    for row in range(len(keys)):
        same = [earlier for earlier in kept if values[earlier] == values[row]]
        if not (np.square(wide[same] - wide[row]).sum(1) <= radius).any():
            kept.append(row)
    return [row in kept for row in range(len(keys))]


@settings(max_examples=40)
@given(
    rows=st.integers(1, 60),
    levels=st.integers(1, 4),
    radius=st.sampled_from([0.0, 1.0, 2.0, 4.5]),
    shift=st.sampled_from([0, 100]),
    seed=st.integers(0, 99),
)
def test_it_keeps_what_a_plain_loop_keeps(rows, levels, radius, shift, seed):
    """Keys on a grid, so that many distances are the tolerance itself; blocks of 4 rows."""
    draw = np.random.default_rng(seed)
    keys = (draw.integers(0, levels, (rows, 3)) + shift).astype(np.float16)
    values = draw.integers(0, 2, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deduplicating, "_BLOCK", 4)
        patch.setattr(deduplicating, "_KEPT", 5)
        patch.setattr(deduplicating, "_PAIRS", 3)
        kept = distinct_entries(store_of(keys, values), radius, CPU)
    assert kept.tolist() == reference(keys, values, radius)


def test_the_tolerance_counts_in_median_distances_at_mistakes(tmp_path):
    source = random_store(tmp_path / "source")
    median = median_of(source)
    for tolerance in (0.1, 2.0):
        result = deduplicate_datastore(source, tmp_path / str(tolerance), tolerance=tolerance)
        keep = reference(source.keys, source.values, tolerance * median)
        assert np.array_equal(result.keys, source.keys[keep])
        arguments = result.manifest.lineage[-1]["arguments"]
        assert arguments == {"tolerance": tolerance, "squared_distance": tolerance * median}


def test_equal_keys_of_other_values_stay(tmp_path):
    source = written(tmp_path / "source", np.ones((4, 3)), [5, 6, 5, 6])
    result = deduplicate_datastore(source, tmp_path / "out", tolerance=0.0)
    assert result.values.tolist() == [5, 6]


def test_a_tolerance_without_a_unit_is_refused(tmp_path):
    alone = written(tmp_path / "source", np.ones((4, 3)), [5, 6, 5, 6])
    with pytest.raises(UserError, match="--tolerance 0"):
        deduplicate_datastore(alone, tmp_path / "out", tolerance=0.1)
    with pytest.raises(UserError, match="--tolerance -1"):
        deduplicate_datastore(alone, tmp_path / "out", tolerance=-1)


def test_an_empty_datastore_stays_empty(tmp_path):
    empty = written(tmp_path / "empty", np.empty((0, 3)), [])
    assert len(deduplicate_datastore(empty, tmp_path / "out", tolerance=0.0)) == 0
