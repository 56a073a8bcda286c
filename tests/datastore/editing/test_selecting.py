import numpy as np
import pytest

from knm.datastore.editing import rewriting, sample_datastore, select_rows
from knm.errors import UserError
from tests.datastore.editing.stores import entries, random_store, written


@pytest.fixture
def source(tmp_path):
    return random_store(tmp_path / "source")


def test_selected_entries_keep_their_order(source, tmp_path, monkeypatch):
    monkeypatch.setattr(rewriting, "STEP_ROWS", 7)
    keep = np.arange(200) % 3 == 1
    selected = select_rows(source, keep, "filter", {}, tmp_path / "out")
    assert selected.manifest.examples_done == 10
    assert entries(selected) == entries(source)[1::3]


def test_a_sample_has_the_size_asked_for_and_is_drawn_from_everywhere(source, tmp_path):
    sample = sample_datastore(source, tmp_path / "out", count=100)
    assert len(sample) == 100
    assert set(entries(sample)) < set(entries(source))
    assert len(set(sample.provenance["record"].tolist())) == 10


def test_the_seed_decides_what_is_drawn(source, tmp_path):
    drawn = [
        sample_datastore(source, tmp_path / name, share=0.25, seed=seed)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert [len(each) for each in drawn] == [50, 50, 50]
    assert drawn[0].content_hash == drawn[1].content_hash != drawn[2].content_hash


def test_a_sample_by_record_holds_whole_records(source, tmp_path):
    sample = sample_datastore(source, tmp_path / "out", count=3, by_record=True)
    drawn = set(sample.provenance["record"].tolist())
    assert len(drawn) == 3
    assert len(sample) == 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give one of them"),
        ({"count": 3, "share": 0.5}, "give one of them"),
        ({"count": 201}, "--count 201: .* holds 200 entries"),
        ({"count": 11, "by_record": True}, "--count 11: .* holds 10 records"),
        ({"count": 0}, "--count 0"),
        ({"share": 1.5}, "--share 1.5"),
        ({"share": 0.0}, "--share 0.0"),
    ],
)
def test_sizes_that_cannot_be_drawn_are_refused(source, tmp_path, arguments, message):
    with pytest.raises(UserError, match=message):
        sample_datastore(source, tmp_path / "out", **arguments)


def test_a_selection_that_leaves_nothing_is_refused(source, tmp_path):
    with pytest.raises(UserError, match="would leave no entry"):
        select_rows(source, np.zeros(200, bool), "filter", {"x": 1}, tmp_path / "out")


def test_of_an_empty_datastore_all_is_nothing(tmp_path):
    empty = written(tmp_path / "empty", np.empty((0, 6)), [])
    assert len(sample_datastore(empty, tmp_path / "out", share=0.5)) == 0
