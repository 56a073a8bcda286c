"""Edits of datastores of trials."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from knm.datastore import Datastore, MiningOptions, TrialsInfo, build_index
from knm.datastore.edit import merge_datastores, sample_datastore
from knm.datastore.filter import FilterRules, filter_datastore
from knm.datastore.project import PCAOptions, pca_datastore
from knm.datastore.thin import condense_datastore, deduplicate_datastore
from knm.datastore.trial_mining import mine_trials
from knm.datastore.trials import TrialOptions
from knm.errors import UserError
from knm.retrieval.adapting import train_adaptor
from tests.datastore.stores import random_store
from tests.datastore.tiny import tiny_model
from tests.datastore.trials import drawn_problems, write_trials

PROBLEMS = drawn_problems(12)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    directory = tmp_path_factory.mktemp("trials")
    path = write_trials(directory / "trials.jsonl", PROBLEMS)
    return mine_trials(
        tiny_model(), path, directory / "store", MiningOptions(), TrialOptions(dim=6)
    )


def told_by(store: Datastore) -> TrialsInfo:
    assert store.manifest.trials is not None
    return store.manifest.trials


def test_what_is_kept_keeps_its_outcome_and_is_counted_again(store, tmp_path):
    chosen = ["problem-2", "problem-5"]
    kept = filter_datastore(store, tmp_path / "kept", FilterRules(records=chosen), texts=dict)
    rows = np.isin(store.provenance["record"], [2, 5])
    assert np.array_equal(kept.provenance, store.provenance[rows])
    assert told_by(kept).problems == 2
    assert told_by(kept).gained == (kept.provenance["outcome"] > 0).sum()
    drawn = sample_datastore(store, tmp_path / "drawn", count=3, by_record=True)
    assert told_by(drawn).problems == 3
    assert told_by(drawn).broken == (drawn.provenance["crash"] > 0).sum()


def test_parts_merge_to_the_whole(store, tmp_path):
    ids = [problem.id for problem in PROBLEMS]
    parts = [
        filter_datastore(store, tmp_path / str(n), FilterRules(records=part), texts=dict)
        for n, part in enumerate((ids[:5], ids[5:]))
    ]
    told: list[str] = []
    merged = merge_datastores(parts, tmp_path / "merged", notify=told.append)
    assert told == []
    assert merged.manifest.trials == store.manifest.trials
    assert np.array_equal(merged.provenance["outcome"], store.provenance["outcome"])


def test_trials_do_not_merge_with_tokens_or_with_trials_made_otherwise(store, tmp_path):
    tokens = random_store(tmp_path / "tokens")
    with pytest.raises(UserError, match="kind of entry is token, .* trial"):
        merge_datastores([store, tokens], tmp_path / "merged")
    path = write_trials(tmp_path / "trials.jsonl", PROBLEMS)
    options = replace(TrialOptions(dim=6), price=3.0)
    other = mine_trials(tiny_model(), path, tmp_path / "other", MiningOptions(), options)
    with pytest.raises(UserError, match="way of trying"):
        merge_datastores([store, other], tmp_path / "merged")


def test_what_makes_no_sense_of_trials_is_refused(store, tmp_path):
    refused = {
        "condense": lambda: condense_datastore(store, tmp_path / "out", share=0.5),
        "dedup": lambda: deduplicate_datastore(store, tmp_path / "out", tolerance=0.0),
        "projection": lambda: pca_datastore(store, tmp_path / "out", PCAOptions(dim=2)),
        "index": lambda: build_index(store, "flat"),
        "adaptor": lambda: train_adaptor(store, torch.device("cpu")),
    }
    for what, attempt in refused.items():
        with pytest.raises(UserError, match=f"{what} is for datastores of tokens.*trials"):
            attempt()
    assert not (tmp_path / "out").exists()
