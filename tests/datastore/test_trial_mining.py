from dataclasses import replace

import numpy as np
import pytest
import torch

from knm.datastore import Datastore, MiningOptions
from knm.datastore.trial_mining import mine_trials
from knm.datastore.trials import TrialOptions
from knm.errors import UserError
from tests.datastore.tiny import tiny_model
from tests.datastore.trials import drawn_problems, write_trials

PROBLEMS = drawn_problems(20)
OPTIONS = MiningOptions(batch_tokens=40)
NARROW = TrialOptions(dim=8)


def mined(tmp_path, problems=PROBLEMS, options=NARROW, name="store", **changes):
    path = write_trials(tmp_path / "trials.jsonl", problems)
    return mine_trials(tiny_model(**changes), path, tmp_path / name, OPTIONS, options)


def test_every_trial_is_an_entry_that_tells_where_it_was_made_and_what_came_of_it(tmp_path):
    store = mined(tmp_path)
    model = tiny_model().model
    row = 0
    for number, problem in enumerate(PROBLEMS):
        ids = torch.tensor([[*problem.prompt_ids, *problem.completion_ids]])
        with torch.inference_mode():
            states = model.get_decoder()(input_ids=ids).last_hidden_state[0]
            highest = model(input_ids=ids).logits[0].softmax(-1).amax(-1)
        for trial in sorted(problem.trials, key=lambda trial: trial.position):
            offset = len(problem.prompt_ids) + trial.position
            where = store.provenance[row]
            assert (where["record"], where["offset"]) == (number, offset)
            assert where["predicted"] == ids[0, offset]
            assert where["probability"] == pytest.approx(float(highest[offset - 1]), rel=1e-4)
            assert where["outcome"] == problem.outcome(trial)
            assert where["crash"] == problem.crash(trial)
            assert store.values[row] == trial.token
            expected = store.projection.apply(states[None, offset - 1].float().numpy())[0]
            np.testing.assert_allclose(store.read_keys(slice(row, row + 1))[0], expected, atol=5e-3)
            row += 1
    assert row == len(store)
    assert [(origin.id, origin.group) for origin in store.records] == [
        (problem.id, problem.id) for problem in PROBLEMS
    ]


def test_keys_are_white_and_of_length_one(tmp_path):
    store = mined(tmp_path)
    assert (store.manifest.dim, store.manifest.projection.kind) == (8, "whitening")
    keys = store.read_keys(slice(None))
    np.testing.assert_allclose(np.linalg.norm(keys, axis=1), 1, atol=1e-3)


def test_keys_have_no_more_dimensions_than_they_vary_in(tmp_path):
    assert mined(tmp_path, PROBLEMS[:2], TrialOptions()).manifest.dim == 7  # of 8 positions


def test_the_manifest_counts_what_the_trials_did(tmp_path):
    store = mined(tmp_path)
    trials = store.manifest.trials
    assert store.likely is None
    labels = [
        (problem.outcome(trial), problem.crash(trial))
        for problem in PROBLEMS
        for trial in problem.trials
    ]
    assert trials.problems == 20
    assert trials.gained == sum(outcome > 0 for outcome, _ in labels)
    assert trials.lost == sum(outcome < 0 for outcome, _ in labels)
    assert trials.mended == sum(crash < 0 for _, crash in labels)
    assert trials.broken == sum(crash > 0 for _, crash in labels)
    assert trials.policy is None  # of verdicts that were drawn


def test_a_finished_datastore_is_left_alone_and_another_is_refused(tmp_path):
    store = mined(tmp_path)
    before = (store.path / "manifest.json").stat().st_mtime_ns
    assert mined(tmp_path).content_hash == store.content_hash
    assert (store.path / "manifest.json").stat().st_mtime_ns == before
    with pytest.raises(UserError, match="other mining options"):
        mined(tmp_path, options=TrialOptions(dim=5))
    with pytest.raises(UserError, match="other corpus"):
        mined(tmp_path, PROBLEMS[:5])


def test_what_was_interrupted_gives_the_same_when_it_is_begun_anew(tmp_path, monkeypatch):
    from knm.datastore import trial_mining

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trial_mining, "calibrate_trials", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mined(tmp_path)
    with pytest.raises(UserError, match="unfinished"):
        Datastore.open(tmp_path / "store")
    assert mined(tmp_path).content_hash == mined(tmp_path, name="whole").content_hash


def test_trials_of_another_model_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"explored with another model: its weights 'weights-0'"):
        mined(tmp_path, seed=1)


def test_tokens_that_the_model_has_not_are_refused(tmp_path):
    odd = replace(PROBLEMS[0], prompt_ids=(3, 64))
    with pytest.raises(UserError, match=r"'problem-0': token 64, and the model has 64"):
        mined(tmp_path, [odd])
