import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from knm.audit.tampering import tamper
from knm.datastore import (
    FORMAT_VERSION,
    Calibration,
    Datastore,
    Projection,
    RecordOrigin,
    build_index,
    project_datastore,
)
from knm.datastore import edit as editing
from knm.datastore.edit import merge_datastores, sample_datastore, select_rows
from knm.datastore.filter import FilterRules, filter_datastore
from knm.datastore.project import PCAOptions, pca_datastore
from knm.datastore.thin import deduplicate_datastore
from knm.datastore.writer import StoreWriter
from knm.errors import UserError
from tests.datastore.stores import (
    entries,
    median_of,
    mistakes_of,
    random_store,
    written,
)
from tests.datastore.tiny import examples, mine_tiny, without_likely


def edit(source: Datastore, out: Path) -> Datastore:
    return sample_datastore(source, out, count=100)


def die_in_step(source: Path, out: Path, step: int) -> None:
    """Edit, and kill this very process with SIGKILL when `step` steps were committed."""
    editing.STEP_ROWS = 10  # type: ignore[misc]
    commit, finish = StoreWriter.commit, StoreWriter.finish

    def counting(writer, rows, done, statistics=None):
        commit(writer, rows, done, statistics)
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def sealing(writer, measure, domain=None):
        if step == 11:
            writer.close()
            os.kill(os.getpid(), signal.SIGKILL)
        finish(writer, measure, domain)

    StoreWriter.commit = counting  # type: ignore[method-assign]
    StoreWriter.finish = sealing  # type: ignore[method-assign]
    edit(Datastore.open(source), out)


@pytest.mark.parametrize("step", [1, 5, 10, 11])
def test_a_killed_edit_opens_as_nothing_finished_and_resumes(tmp_path, monkeypatch, step):
    monkeypatch.setattr(editing, "STEP_ROWS", 10)
    source = random_store(tmp_path / "source")
    out = tmp_path / "out"
    process = multiprocessing.get_context("fork").Process(
        target=die_in_step, args=(source.path, out, step)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with pytest.raises(UserError, match=r"unfinished.*run knm datastore sample again"):
        Datastore.open(out)
    assert len(Datastore.open(out, unfinished=True)) == min(step, 10) * 10
    whole = edit(source, tmp_path / "whole")
    assert edit(source, out).content_hash == whole.content_hash


def test_what_a_killed_edit_left_is_not_resumed_by_another(tmp_path):
    source = random_store(tmp_path / "source")
    edit(source, tmp_path / "out")
    with pytest.raises(UserError, match="other lineage"):
        sample_datastore(source, tmp_path / "out", count=99)


def test_a_datastore_is_not_edited_in_place(tmp_path):
    source = random_store(tmp_path / "source")
    before = (source.path / "manifest.json").read_bytes()
    with pytest.raises(UserError, match="holds a datastore with other"):
        edit(source, source.path)
    assert (source.path / "manifest.json").read_bytes() == before


def test_the_lineage_survives_chains_of_edits(tmp_path):
    one = random_store(tmp_path / "one", seed=1)
    two = random_store(tmp_path / "two", seed=2)
    sampled = sample_datastore(one, tmp_path / "sampled", count=50)
    merged = merge_datastores([sampled, two], tmp_path / "merged")
    newest = filter_datastore(merged, tmp_path / "newest", FilterRules(newest=8), texts=dict)
    distinct = deduplicate_datastore(newest, tmp_path / "distinct", tolerance=0.2)
    last = pca_datastore(distinct, tmp_path / "last", PCAOptions(4))
    lineage = Datastore.open(last.path).manifest.lineage
    assert [entry["operation"] for entry in lineage] == ["merge", "filter", "dedup", "pca"]
    parents = [[parent["content_hash"] for parent in entry["parents"]] for entry in lineage]
    assert parents == [
        [sampled.content_hash, two.content_hash],
        [merged.content_hash],
        [newest.content_hash],
        [distinct.content_hash],
    ]
    (first, second) = lineage[0]["parents"]
    assert [entry["operation"] for entry in first["lineage"]] == ["sample"]
    assert second["lineage"] == []


def test_each_result_is_calibrated_for_itself(tmp_path):
    """Keys twice as far apart: four times the squared distances."""
    source = random_store(tmp_path / "source")
    projection = np.eye(6, dtype=np.float32) * 2
    wide = project_datastore(
        source, Projection("metric", np.zeros(6, np.float32), projection), tmp_path / "wide"
    )
    assert median_of(wide) == pytest.approx(4 * median_of(source), rel=1e-3)


def test_indexes_are_not_inherited(tmp_path):
    source = random_store(tmp_path / "source")
    build_index(source, "flat")
    result = edit(Datastore.open(source.path), tmp_path / "out")
    assert dict(result.manifest.indexes) == {}
    assert set(entries(result)) < set(entries(source))


@pytest.fixture
def source(tmp_path):
    return random_store(tmp_path / "source")


def test_selected_entries_keep_their_order(source, tmp_path, monkeypatch):
    monkeypatch.setattr(editing, "STEP_ROWS", 7)
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
        ({"count": 201}, "count 201: must be from 1 to 200, the entries of"),
        ({"count": 11, "by_record": True}, "count 11: must be from 1 to 10, the records of"),
        ({"count": 0}, "count 0"),
        ({"share": 1.5}, "share 1.5"),
        ({"share": 0.0}, "share 0.0"),
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


def test_a_merged_datastore_holds_what_the_parts_hold(tmp_path):
    parts = [random_store(tmp_path / str(seed), 40 + seed, seed=seed) for seed in range(3)]
    merged = merge_datastores(parts, tmp_path / "merged")
    assert entries(merged) == [entry for part in parts for entry in entries(part)]
    assert merged.manifest.capacity == sum(part.manifest.capacity for part in parts)
    (entry,) = merged.manifest.lineage
    hashes = [parent["content_hash"] for parent in entry["parents"]]
    assert hashes == [part.content_hash for part in parts]


@pytest.mark.parametrize(
    ("presets", "kept"),
    [(["residual", "residual"], "residual"), (["residual", None], None), (["dense", "v1"], None)],
)
def test_a_preset_goes_on_where_all_parts_are_for_it(tmp_path, presets, kept):
    parts = [random_store(tmp_path / str(seed), 20, seed=seed) for seed in range(2)]
    parts = [
        replace(part, manifest=replace(part.manifest, preset=preset))
        for part, preset in zip(parts, presets, strict=True)
    ]
    told: list[str] = []
    merged = merge_datastores(parts, tmp_path / "merged", notify=told.append)
    assert merged.manifest.preset == kept
    assert any("different presets" in line for line in told) == (kept is None)
    sampled = sample_datastore(parts[0], tmp_path / "sampled", share=0.5)
    assert sampled.manifest.preset == presets[0]


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


def likely_at(store: Datastore) -> dict[tuple[str, int], bytes]:
    """What the LM held likeliest at each entry, by record and offset."""
    assert store.likely is not None
    places = store.provenance[["record", "offset"]].tolist()
    return {
        (store.record_ids[record], offset): row.tobytes()
        for (record, offset), row in zip(places, store.likely, strict=True)
    }


EDITS: dict[str, Callable[[Datastore, Path], Datastore]] = {
    "sample": lambda store, out: sample_datastore(store, out, share=0.5),
    "dedup": lambda store, out: deduplicate_datastore(store, out, tolerance=0.5),
    "pca": lambda store, out: pca_datastore(store, out, PCAOptions(4)),
    "shuffled": lambda store, out: tamper("shuffled", store, out),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_the_lm_held_likeliest_stays_with_its_entry(edit, tmp_path):
    store = mine_tiny(tmp_path / "mined")
    edited = EDITS[edit](store, tmp_path / "edited")
    assert likely_at(edited).items() <= likely_at(store).items()
    assert len(likely_at(edited)) == len(edited) > 0


@pytest.mark.parametrize("edit", EDITS)
def test_a_store_that_does_not_hold_it_is_edited_to_another(edit, tmp_path):
    older = without_likely(mine_tiny(tmp_path / "mined"), tmp_path / "older")
    edited = EDITS[edit](older, tmp_path / "edited")
    assert edited.likely is None
    assert edited.manifest.format_version == FORMAT_VERSION
    assert not (edited.path / "likely.npy").exists()


def test_a_merge_holds_it_where_all_parts_do_and_else_says_that_it_does_not(tmp_path):
    parts = [
        mine_tiny(tmp_path / name, examples=examples(4, seed=seed), corpus_hash=name)
        for seed, name in enumerate(("a", "b"))
    ]
    renamed = [replace(each, record_id=f"{each.record_id}-c") for each in examples(4, seed=2)]
    parts.append(mine_tiny(tmp_path / "c", examples=renamed, corpus_hash="c"))
    told: list[str] = []
    whole = merge_datastores([parts[0], parts[2]], tmp_path / "whole", notify=told.append)
    assert told == []
    assert likely_at(whole) == likely_at(parts[0]) | likely_at(parts[2])
    older = without_likely(parts[2], tmp_path / "older")
    for number, mixed in enumerate(([parts[0], older], [older, parts[0]])):
        merged = merge_datastores(mixed, tmp_path / f"mixed-{number}", notify=told.append)
        assert merged.likely is None
        assert not merged.manifest.likely
        assert sorted(entries(merged)) == sorted(entries(whole))
    assert len(told) == 2
    assert all("older: does not hold the LM's likeliest tokens" in line for line in told)
