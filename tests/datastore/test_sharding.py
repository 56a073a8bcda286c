from dataclasses import replace

import numpy as np
import pytest

from knm.datastore import Datastore, MiningOptions
from knm.datastore.commits import CommitPolicy
from knm.datastore.mining import mine_shard
from knm.datastore.sharding import Shard
from knm.errors import UserError
from tests.datastore.test_mining import InterruptedRunError, interrupted_model
from tests.datastore.tiny import CORPUS_HASH, examples, mine_tiny, seen_by, tiny_model

OPTIONS = MiningOptions(batch_tokens=40, positions="mistakes+correct:0.5")


def run_shards(directory, count, options=OPTIONS, **models):
    """Run the processes one after the other, the first last: it waits for the others."""
    for rank in reversed(range(count)):
        store = mine_shard(
            models.get(f"rank_{rank}") or tiny_model(),
            examples(20),
            directory,
            options,
            Shard(rank, count),
            lambda: None,
            corpus_hash=CORPUS_HASH,
            commits=CommitPolicy(seconds=0.0),
        )
    return store


@pytest.mark.parametrize("count", [2, 3, 30])
def test_shards_make_the_datastore_of_a_single_process(tmp_path, count):
    single = mine_tiny(tmp_path / "single", OPTIONS, examples=examples(20))
    joined = run_shards(tmp_path / "joined", count)
    assert joined.content_hash == single.content_hash
    assert np.array_equal(joined.keys, single.keys)
    assert joined.likely is not None
    assert single.likely is not None
    assert np.array_equal(joined.likely, single.likely)
    seen, alone = seen_by(joined), seen_by(single)
    assert replace(seen, seconds=0, by_token_type={}) == replace(alone, seconds=0, by_token_type={})
    assert dict(seen.by_token_type) == dict(alone.by_token_type)
    assert joined.manifest.calibration == single.manifest.calibration
    assert {path.name for path in joined.path.iterdir()} == {
        path.name for path in single.path.iterdir()
    }


@pytest.mark.parametrize("capacity", [5, 60])
def test_shards_stop_at_the_same_entry(tmp_path, capacity):
    options = replace(OPTIONS, capacity=capacity)
    single = mine_tiny(tmp_path / "single", options, examples=examples(20))
    assert run_shards(tmp_path / "joined", 3, options).content_hash == single.content_hash


def test_a_shard_that_was_cut_short_resumes(tmp_path):
    single = mine_tiny(tmp_path / "single", OPTIONS, examples=examples(20))
    for rank in (1, 0):
        with pytest.raises(InterruptedRunError):
            run_shards(tmp_path / "joined", 2, **{f"rank_{rank}": interrupted_model(3)})
        assert len(Datastore.open(tmp_path / "joined" / f"shard-{rank}", unfinished=True))
    assert run_shards(tmp_path / "joined", 2).content_hash == single.content_hash


def test_a_joining_that_was_killed_begins_anew(tmp_path):
    joined = run_shards(tmp_path / "joined", 2)
    again = tmp_path / "again"
    with pytest.raises(InterruptedRunError):
        run_shards(again, 2, rank_0=interrupted_model(0))
    mine_tiny(again / "merging", MiningOptions(batch_tokens=40), examples=examples(3))
    assert run_shards(again, 2).content_hash == joined.content_hash
    assert not (again / "merging").exists()


def test_a_finished_datastore_is_left_as_it_is(tmp_path):
    joined = run_shards(tmp_path, 2)
    again = run_shards(tmp_path, 2, rank_0=interrupted_model(0), rank_1=interrupted_model(0))
    assert again.content_hash == joined.content_hash


def test_another_number_of_processes_is_refused(tmp_path):
    with pytest.raises(InterruptedRunError):
        run_shards(tmp_path, 2, rank_0=interrupted_model(1))
    with pytest.raises(UserError, match="other mining options.*'count': 2.*'count': 3"):
        run_shards(tmp_path, 3)


def test_one_process_and_several_do_not_take_over_from_each_other(tmp_path):
    with pytest.raises(InterruptedRunError):
        mine_tiny(tmp_path / "one", OPTIONS, examples=examples(20), loaded=interrupted_model(3))
    with pytest.raises(UserError, match="a single process began: go on without torchrun"):
        run_shards(tmp_path / "one", 2)
    with pytest.raises(InterruptedRunError):
        run_shards(tmp_path / "many", 2, rank_0=interrupted_model(1))
    with pytest.raises(UserError, match="shards of an unfinished mining by torchrun"):
        mine_tiny(tmp_path / "many", OPTIONS, examples=examples(20))
