import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.datastore import Datastore, thin
from knm.datastore.thin import (
    condense_datastore,
    deduplicate_datastore,
    distinct_entries,
    fitting_entries,
)
from knm.errors import UserError
from tests.datastore.stores import median_of, random_store, written
from tests.datastore.tiny import examples, mine_tiny
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
        patch.setattr(thin, "_BLOCK", 4)
        patch.setattr(thin, "_KEPT", 5)
        patch.setattr(thin, "_PAIRS", 3)
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
    with pytest.raises(UserError, match="tolerance 0"):
        deduplicate_datastore(alone, tmp_path / "out", tolerance=0.1)
    with pytest.raises(UserError, match="tolerance -1"):
        deduplicate_datastore(alone, tmp_path / "out", tolerance=-1)


def test_an_empty_datastore_stays_empty(tmp_path):
    empty = written(tmp_path / "empty", np.empty((0, 3)), [])
    assert len(deduplicate_datastore(empty, tmp_path / "out", tolerance=0.0)) == 0


CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Mined entries, of which the LM was right at most."""
    store = mine_tiny(tmp_path_factory.mktemp("source"), examples=examples(60))
    provenance = np.load(store.path / "provenance.npy")
    values = np.load(store.path / "vals.npy")
    right = np.arange(len(values)) % 4 > 0
    provenance["predicted"][right] = values[right]
    np.save(store.path / "provenance.npy", provenance)
    return Datastore.open(store.path)


def wrong_in(store):
    return store.provenance["predicted"] != store.values


def test_the_share_is_kept_and_most_of_it_used(source, tmp_path):
    store = condense_datastore(source, tmp_path / "small", share=0.5)
    room = -(-len(source) // 2)
    assert 0.9 * room < len(store) <= room
    assert wrong_in(store).mean() > wrong_in(source).mean()
    lineage = store.manifest.lineage[-1]
    assert (lineage["operation"], lineage["arguments"]["share"]) == ("condense", 0.5)
    assert Datastore.open(tmp_path / "small").manifest == store.manifest


def clustered(median: float | None):
    """Four clusters of 50 entries, two of them of one value; a mistake is the last of each."""
    draw = np.random.default_rng(0)
    keys = np.repeat(np.eye(4) * 20, 50, axis=0) + draw.normal(size=(200, 4)) * 0.1
    values = np.repeat([7, 7, 8, 9], 50)
    store = store_of(keys, values, median=median)
    store.provenance["predicted"] = values
    store.provenance["predicted"][49::50] = 1
    return store


@pytest.mark.parametrize("median", [None, 1e-4, 1.0, 1e5])
def test_what_is_said_nearby_is_left_out_and_mistakes_speak_for_it(median):
    keep, radius = fitting_entries(clustered(median), 4, CPU)
    assert np.flatnonzero(keep).tolist() == [49, 99, 149, 199]
    assert 0.1 < radius < 800


def test_everything_fits_into_a_share_of_one(source):
    keep, radius = fitting_entries(source, len(source), CPU)
    assert keep.all()
    assert radius == 0


def test_trust_is_measured_at_all_entries_of_the_source(source, tmp_path):
    store = condense_datastore(source, tmp_path / "small", share=0.5)
    calibration = store.manifest.calibration
    assert calibration is not None
    assert calibration.correct is not None
    assert calibration.correct.sampled >= (~wrong_in(source)).sum() - 5


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_share_that_is_none_is_refused(source, tmp_path, share):
    with pytest.raises(UserError, match="share"):
        condense_datastore(source, tmp_path / "small", share=share)


def test_tokens_that_do_not_fit_are_counted(source, tmp_path):
    with pytest.raises(UserError, match=r"different tokens, more than the 1 entries.*larger"):
        condense_datastore(source, tmp_path / "small", share=1e-6)
