import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from knm.datastore import Datastore, Projection, build_index, project_datastore
from knm.datastore.editing import (
    FilterRules,
    PCAOptions,
    deduplicate_datastore,
    filter_datastore,
    merge_datastores,
    pca_datastore,
    rewriting,
    sample_datastore,
)
from knm.datastore.writer import StoreWriter
from knm.errors import UserError
from tests.datastore.editing.stores import entries, median_of, random_store


def edit(source: Datastore, out: Path) -> Datastore:
    return sample_datastore(source, out, count=100)


def die_in_step(source: Path, out: Path, step: int) -> None:
    """Edit, and kill this very process with SIGKILL when `step` steps were committed."""
    rewriting.STEP_ROWS = 10  # type: ignore[misc]
    commit, finish = StoreWriter.commit, StoreWriter.finish

    def counting(writer, rows, done, statistics=None):
        commit(writer, rows, done, statistics)
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def sealing(writer, device, domain=None, *, held_out=None):
        if step == 11:
            writer.close()
            os.kill(os.getpid(), signal.SIGKILL)
        finish(writer, device, domain, held_out=held_out)

    StoreWriter.commit = counting  # type: ignore[method-assign]
    StoreWriter.finish = sealing  # type: ignore[method-assign]
    edit(Datastore.open(source), out)


@pytest.mark.parametrize("step", [1, 5, 10, 11])
def test_a_killed_edit_opens_as_nothing_finished_and_resumes(tmp_path, monkeypatch, step):
    monkeypatch.setattr(rewriting, "STEP_ROWS", 10)
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
