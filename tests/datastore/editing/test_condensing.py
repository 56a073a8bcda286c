from dataclasses import replace

import numpy as np
import pytest
import torch

from knm.datastore import Datastore
from knm.datastore.editing.condensing import condense_datastore, matching_entries
from knm.errors import UserError
from tests.datastore.tiny import examples, mine_tiny

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


def test_all_mistakes_stay_and_the_share_is_kept(source, tmp_path):
    store = condense_datastore(source, tmp_path / "small", share=0.5)
    assert len(store) == -(-len(source) // 2)
    assert wrong_in(store).sum() == wrong_in(source).sum()
    assert store.manifest.lineage[-1]["operation"] == "condense"
    assert Datastore.open(tmp_path / "small").manifest == store.manifest


def test_entries_that_the_mistakes_would_spoil_come_before_others(source):
    wrong = wrong_in(source)
    room = int(wrong.sum()) + 20
    keep = matching_entries(source, room, 1.0, CPU)
    # Everything is overruled by mistakes in this store of random text: none of the kept is idle.
    assert keep.sum() == room
    assert keep[wrong].all()


def test_trust_is_measured_at_all_entries_of_the_source(source, tmp_path):
    store = condense_datastore(source, tmp_path / "small", share=0.5)
    whole = source.manifest.calibration
    assert store.manifest.calibration is not None
    assert store.manifest.calibration.correct.sampled >= (~wrong_in(source)).sum() - 5
    assert whole is not None


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_share_that_is_none_is_refused(source, tmp_path, share):
    with pytest.raises(UserError, match="--share"):
        condense_datastore(source, tmp_path / "small", share=share)


def test_mistakes_that_do_not_fit_are_counted(source, tmp_path):
    with pytest.raises(UserError, match="larger --share"):
        condense_datastore(source, tmp_path / "small", share=0.01)


def test_a_source_without_distances_at_mistakes_is_refused(source, tmp_path):
    bare = replace(source, manifest=replace(source.manifest, calibration=None))
    with pytest.raises(UserError, match="positions all"):
        condense_datastore(bare, tmp_path / "small", share=0.5)
