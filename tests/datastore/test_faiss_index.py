import sys

import numpy as np
import pytest
import torch

from knm.datastore import Datastore, IndexKind, IndexOptions, MiningOptions, build_index
from knm.datastore.faiss_index import open_index
from knm.errors import UserError
from tests.datastore.stores import random_store, written
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


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_distances_are_those_to_the_stored_keys(tmp_path, dtype, kind):
    settings = MiningOptions(batch_tokens=40, key_dtype=dtype)
    store = mine_tiny(tmp_path, settings, examples=examples(40))
    build_index(store, kind)
    keys = torch.from_numpy(store.read_keys(slice(0, len(store))))
    queries = keys[:9] + 0.01
    distances, ids = open_index(Datastore.open(store.path), kind).search(queries, 4)
    exact = (keys[None] - queries[:, None]).square().sum(-1)
    torch.testing.assert_close(exact.gather(1, ids), distances)


def test_ivf_keeps_keys_as_they_are_stored(store):
    path = build_index(store, "ivf")
    assert path.stat().st_size < 4 * len(store) * store.manifest.dim  # what float32 takes in bytes


def test_codes_are_measured_again_by_the_stored_keys(store):
    """Few bits, all lists: what is found is coarse, what is returned is exact."""
    build_index(store, "ivf-pq", IndexOptions(nlist=4, nprobe=4, m=4, nbits=3, refine=1))
    coarse = Datastore.open(store.path).manifest.indexes["ivf-pq"].recall_at_16
    build_index(store, "ivf-pq", IndexOptions(nlist=4, nprobe=4, m=4, nbits=3, refine=20))
    opened = Datastore.open(store.path)
    info = opened.manifest.indexes["ivf-pq"]
    assert coarse + 0.2 < info.recall_at_16
    assert (info.m, info.nbits, info.refine, info.ef) == (4, 3, 20, None)
    queries = torch.from_numpy(store.read_keys(slice(0, 9))) + 0.01
    distances, ids = open_index(opened, "ivf-pq").search(queries, 4)
    keys = torch.from_numpy(store.read_keys(ids.flatten().numpy())).view(9, 4, -1)
    torch.testing.assert_close(distances, (keys - queries[:, None]).square().sum(-1))


def test_hnsw_recalls_more_the_more_it_keeps_in_view(store):
    recalls = []
    for ef in (1, 200):
        build_index(store, "hnsw", IndexOptions(m=4, ef=ef))
        recalls.append(Datastore.open(store.path).manifest.indexes["hnsw"].recall_at_16)
    assert recalls[0] < recalls[1]
    assert recalls[1] > 0.95


@pytest.mark.parametrize("kind", IndexKind)
def test_every_kind_chooses_its_options_by_the_size_of_the_datastore(tmp_path, kind):
    for rows in (2, 3, 90):
        small = random_store(tmp_path / f"{kind}-{rows}", rows)
        build_index(small, kind)
        opened = Datastore.open(small.path)
        _, ids = open_index(opened, kind).search(torch.from_numpy(small.read_keys(slice(0, 1))), 5)
        assert ids[0, 0] == 0
        assert (ids[0] >= 0).sum() == min(rows, 5)


@pytest.mark.parametrize("kind", IndexKind)
def test_duplicate_keys_are_all_found_each_once(tmp_path, kind):
    keys = np.random.default_rng(0).standard_normal((80, 6))
    keys[10:40] = keys[10]
    copies = written(tmp_path / "copies", keys, range(80))
    build_index(copies, kind)
    opened = open_index(Datastore.open(copies.path), kind)
    distances, ids = opened.search(torch.from_numpy(copies.read_keys(slice(10, 11))), 30)
    assert sorted(ids[0].tolist()) == list(range(10, 40))
    assert distances[0].max() == 0


def test_a_damaged_index_is_named(store):
    path = build_index(store, "flat")
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(UserError, match=r"flat\.index: damaged"):
        open_index(Datastore.open(store.path), "flat")


def test_a_seed_gives_the_same_index(store):
    first = build_index(store, "ivf", IndexOptions(seed=3)).read_bytes()
    assert build_index(store, "ivf", IndexOptions(seed=3)).read_bytes() == first
    assert build_index(store, "ivf", IndexOptions(seed=4)).read_bytes() != first


def test_building_one_index_keeps_the_others(store):
    build_index(store, "flat")
    build_index(store, "ivf")
    assert set(Datastore.open(store.path).manifest.indexes) >= {"flat", "ivf"}


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("cube", IndexOptions(), "choose one of flat, ivf"),
        ("flat", IndexOptions(nlist=3), "nlist 3: not an option of a flat index"),
        ("ivf", IndexOptions(m=3), "m 3: .* it takes nlist, nprobe"),
        ("ivf-pq", IndexOptions(m=5), "m 5: must divide the width of the keys, 32"),
        ("ivf-pq", IndexOptions(nbits=13), "nbits 13"),
        ("ivf-pq", IndexOptions(refine=0), "refine 0"),
        ("hnsw", IndexOptions(m=1), "m 1"),
        ("hnsw", IndexOptions(ef=0), "ef 0"),
        ("ivf", IndexOptions(nlist=0), "nlist 0"),
        ("ivf", IndexOptions(nlist=4, nprobe=5), "nprobe 5"),
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
