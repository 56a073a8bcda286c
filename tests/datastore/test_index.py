import sys

import numpy as np
import pytest

from knm.datastore import Datastore, IndexOptions, build_index
from knm.errors import UserError
from tests.datastore.tiny import examples, mine_tiny


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Datastore:
    return mine_tiny(tmp_path_factory.mktemp("store"), examples=examples(120))


def test_flat_is_exact_and_noted_in_the_manifest(store):
    path = build_index(store, "flat")
    info = Datastore.open(store.path).manifest.indexes["flat"]
    assert path == store.path / "flat.index" == store.path / info.file
    assert info.recall_at_16 == pytest.approx(1.0, abs=0.002)
    assert info.nlist is None


def test_ivf_sizes_itself_and_measures_its_recall(store):
    build_index(store, "ivf")
    info = Datastore.open(store.path).manifest.indexes["ivf"]
    assert info.nlist == len(store) // 40
    assert info.nprobe == min(info.nlist, 32)
    assert 0.5 < info.recall_at_16 <= 1.0


def test_fewer_probed_lists_recall_less(store):
    recalls = []
    for nprobe in (1, 4, 16):
        build_index(store, "ivf", IndexOptions(nlist=16, nprobe=nprobe))
        recalls.append(Datastore.open(store.path).manifest.indexes["ivf"].recall_at_16)
    assert recalls == sorted(recalls)
    assert recalls[0] < 0.9 < recalls[-1]


def test_a_seed_gives_the_same_index(store):
    first = build_index(store, "ivf", IndexOptions(seed=3)).read_bytes()
    assert build_index(store, "ivf", IndexOptions(seed=3)).read_bytes() == first
    assert build_index(store, "ivf", IndexOptions(seed=4)).read_bytes() != first


def test_building_one_index_keeps_the_others(store):
    build_index(store, "flat")
    build_index(store, "ivf")
    assert set(Datastore.open(store.path).manifest.indexes) == {"flat", "ivf"}


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("cube", IndexOptions(), "choose one of flat, ivf"),
        ("flat", IndexOptions(nlist=3), "no lists"),
        ("ivf", IndexOptions(nlist=0), "--nlist 0"),
        ("ivf", IndexOptions(nlist=4, nprobe=5), "--nprobe 5"),
    ],
)
def test_options_that_do_not_fit_are_refused(store, kind, options, message):
    with pytest.raises(UserError, match=message):
        build_index(store, kind, options)


def test_without_faiss_the_message_says_what_to_do(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(UserError, match="Faiss is not installed"):
        build_index(store, "flat")


def test_an_empty_datastore_has_nothing_to_index(store):
    from dataclasses import replace

    empty = replace(store, manifest=replace(store.manifest, count=0), keys=np.empty((0, 32)))
    with pytest.raises(UserError, match="empty"):
        build_index(empty, "flat")
