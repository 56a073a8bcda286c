from dataclasses import replace

import pytest

from knm.audit import STORES, Materials, build_store
from knm.corpora import load_corpus
from knm.datastore import MiningOptions
from knm.models import load_model
from knm.packaged import EMBEDDED_CORPUS
from knm.problems import load_template
from knm.retrieval.adaptor import load_adaptor


@pytest.fixture
def materials(tiny, tmp_path):
    records = load_corpus(EMBEDDED_CORPUS / "train.jsonl")[:8]
    return Materials(
        load_model(str(tiny), device="cpu"),
        load_template("task"),
        MiningOptions(),
        tmp_path,
        lambda corpus: records if corpus == "in-domain" else records[:3],
    )


@pytest.mark.parametrize("name", [name for name in STORES if STORES[name].share is None])
def test_every_kind_is_built_once_from_the_programs_asked_for(materials, name):
    store = build_store(name, materials, 2)
    assert set(store.record_ids) == {
        record.id for record in materials.records_of(STORES[name].corpus)[:2]
    }
    before = (store.path / "manifest.json").stat().st_mtime_ns
    assert build_store(name, materials, 2).content_hash == store.content_hash
    assert (store.path / "manifest.json").stat().st_mtime_ns == before


def test_a_share_of_the_keys_is_kept_once(materials, monkeypatch):
    monkeypatch.setitem(STORES, "condensed", replace(STORES["condensed"], share=0.5))
    whole, store = (build_store(name, materials, 8) for name in ("in-domain", "condensed"))
    assert len(whole) / 3 < len(store) <= -(-len(whole) // 2)
    before = (store.path / "manifest.json").stat().st_mtime_ns
    assert build_store("condensed", materials, 8).content_hash == store.content_hash
    assert (store.path / "manifest.json").stat().st_mtime_ns == before


def test_stores_of_other_sizes_stand_beside_each_other(materials):
    small, large = (build_store("in-domain", materials, count) for count in (2, 8))
    assert 0 < len(small) < len(large)
    assert build_store("in-domain", materials, 2).content_hash == small.content_hash


def test_large_stores_are_indexed_on_a_cpu(materials):
    small = replace(materials, indexed_rows=100)
    assert list(build_store("shuffled", small, 8).manifest.indexes) == ["ivf"]


def test_real_and_useless_stores_learn_alike_when_to_be_trusted_and_differ_by_what_they_hold(
    materials,
):
    weight, near = {}, {}
    for name in ("in-domain", "shuffled"):
        adaptor = load_adaptor(build_store(name, replace(materials, adaptors=True), 8))
        assert adaptor is not None
        weight[name] = adaptor.figures["mean_weight"]
        calibration = build_store(name, materials, 8).manifest.calibration
        assert calibration is not None
        assert calibration.mistakes is not None
        near[name] = calibration.mistakes.nearest_right
        # Of a few programs of a model that knows nothing, neither mends more than it costs.
        assert calibration.reliability is not None
        assert calibration.reliability.weight == 0
    assert weight["in-domain"] > 5 * weight["shuffled"]
    assert near["in-domain"] > 5 * near["shuffled"]


def test_mistakes_alone_do_not_tell_when_to_be_trusted(materials):
    assert load_adaptor(build_store("mistakes", replace(materials, adaptors=True), 8)) is None
