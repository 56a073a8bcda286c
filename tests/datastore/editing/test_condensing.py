import numpy as np
import pytest
import torch

from knm.datastore import Datastore
from knm.datastore.editing.condensing import condense_datastore, fitting_entries
from knm.errors import UserError
from tests.datastore.tiny import examples, mine_tiny
from tests.retrieval.stores import store_of

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
    with pytest.raises(UserError, match="--share"):
        condense_datastore(source, tmp_path / "small", share=share)


def test_tokens_that_do_not_fit_are_counted(source, tmp_path):
    with pytest.raises(UserError, match=r"different tokens, more than the 1 entries.*larger"):
        condense_datastore(source, tmp_path / "small", share=1e-6)
