import numpy as np
import pytest

from knm.datastore import Calibration, RecordOrigin
from knm.datastore.editing import PCAOptions, merge_datastores, pca_datastore, sample_datastore
from knm.errors import UserError
from tests.datastore.editing.stores import (
    entries,
    median_of,
    mistakes_of,
    random_store,
    written,
)


def test_a_merged_datastore_holds_what_the_parts_hold(tmp_path):
    parts = [random_store(tmp_path / str(seed), 40 + seed, seed=seed) for seed in range(3)]
    merged = merge_datastores(parts, tmp_path / "merged")
    assert entries(merged) == [entry for part in parts for entry in entries(part)]
    assert merged.manifest.capacity == sum(part.manifest.capacity for part in parts)
    (entry,) = merged.manifest.lineage
    hashes = [parent["content_hash"] for parent in entry["parents"]]
    assert hashes == [part.content_hash for part in parts]


def test_records_of_one_id_become_one(tmp_path):
    origins = [
        [RecordOrigin("a"), RecordOrigin("b")],
        [RecordOrigin("b"), RecordOrigin("c", "lua")],
    ]
    parts = [
        written(tmp_path / str(n), np.ones((2, 3)), [1, 2], records=[0, 1], origins=origins[n])
        for n in range(2)
    ]
    merged = merge_datastores(parts, tmp_path / "merged")
    assert merged.record_ids == ("a", "b", "c")
    assert merged.records[2].language == "lua"
    assert merged.provenance["record"].tolist() == [0, 1, 1, 2]


def test_the_merge_is_calibrated_across_its_parts(tmp_path):
    """Each part has one record, so that alone neither has anything to be measured against."""
    keys = np.random.default_rng(0).standard_normal((20, 4))
    parts = [
        written(tmp_path / name, keys + shift, range(1, 21), origins=[RecordOrigin(name)])
        for name, shift in (("a", 0.0), ("b", 0.25))
    ]
    assert {part.manifest.calibration for part in parts} == {Calibration(None, None, None)}
    merged = merge_datastores(parts, tmp_path / "merged")
    assert median_of(merged) == pytest.approx(4 * 0.25**2, rel=0.05)
    assert mistakes_of(merged).nearest_right > 0.9


def test_an_empty_datastore_adds_nothing(tmp_path):
    empty = written(tmp_path / "empty", np.empty((0, 6)), [])
    full = random_store(tmp_path / "full", 30)
    assert entries(merge_datastores([empty, full], tmp_path / "merged")) == entries(full)
    assert len(merge_datastores([empty, empty], tmp_path / "nothing")) == 0


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"key_kind": "last-layer"}, "key kind is last-layer, that of .*/one final-norm"),
        ({"key_dtype": "bfloat16"}, "key dtype"),
    ],
)
def test_unlike_datastores_are_refused_naming_both_sides(tmp_path, changes, what):
    one = written(tmp_path / "one", np.ones((2, 3)), [1, 2])
    other = written(tmp_path / "other", np.ones((2, 3)), [1, 2], **changes)
    with pytest.raises(UserError, match=what):
        merge_datastores([one, other], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_unlike_projections_are_refused(tmp_path):
    parts = [
        pca_datastore(random_store(tmp_path / f"{n}", seed=n), tmp_path / f"{n}p", PCAOptions(3))
        for n in range(2)
    ]
    with pytest.raises(UserError, match="projection is"):
        merge_datastores(parts, tmp_path / "merged")


def test_a_single_datastore_is_no_merge(tmp_path):
    with pytest.raises(UserError, match="at least two"):
        merge_datastores([random_store(tmp_path / "one")], tmp_path / "merged")


def test_the_same_entries_are_not_merged_twice(tmp_path):
    one, other = (random_store(tmp_path / name, 30, seed=0) for name in ("a", "b"))
    for twice in (one, other):
        with pytest.raises(UserError, match=rf"{twice.path}: holds the same entries as .*a,"):
            merge_datastores([one, twice], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_entries_that_parts_share_are_counted(tmp_path):
    told: list[str] = []
    whole = random_store(tmp_path / "whole", 40)
    half = sample_datastore(whole, tmp_path / "half", count=15)
    merged = merge_datastores([whole, half], tmp_path / "merged", notify=told.append)
    assert len(merged) == 55
    assert [line.partition(" ")[0] for line in told] == ["15"]
    apart = [
        written(tmp_path / name, np.ones((2, 3)), [1, 2], origins=[RecordOrigin(name)])
        for name in ("x", "y")
    ]
    merge_datastores(apart, tmp_path / "apart", notify=told.append)
    assert len(told) == 1
