import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from knm.datastore import Calibration, Datastore, MiningOptions
from knm.errors import UserError
from tests.datastore.tiny import VOCAB, die_in_batch, examples, mine_tiny, tiny_model


class InterruptedRunError(Exception):
    pass


def interrupted_model(after_batches: int):
    loaded = tiny_model()
    calls = 0

    def count(*_):
        nonlocal calls
        calls += 1
        if calls > after_batches:
            raise InterruptedRunError

    loaded.model.get_decoder().register_forward_pre_hook(count)
    return loaded


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Datastore:
    """What an uninterrupted run mines."""
    return mine_tiny(tmp_path_factory.mktemp("whole"))


def test_every_target_position_is_stored_with_the_state_that_predicts_it(whole):
    model = tiny_model().model
    by_id = {example.record_id: example for example in examples()}
    assert len(whole) == sum(len(e.ids) - e.target_start for e in by_id.values())
    for row in range(len(whole)):
        record, offset, predicted, probability = whole.provenance[row]
        example = by_id[whole.record_ids[record]]
        assert example.target_start <= offset < len(example.ids)
        assert whole.values[row] == example.ids[offset]
        ids = torch.tensor([example.ids[:offset]])
        with torch.no_grad():
            hidden = model.model(ids).last_hidden_state[0, -1]
            odds = model.lm_head(hidden).softmax(-1)
        np.testing.assert_allclose(whole.read_keys(slice(row, row + 1))[0], hidden, atol=0.01)
        assert predicted == odds.argmax()
        assert probability == pytest.approx(odds.max().item(), abs=1e-4)


def test_mining_mistakes_keeps_just_the_mistakes(whole, tmp_path):
    mistakes = mine_tiny(tmp_path, MiningOptions(positions="mistakes", batch_tokens=40))
    wrong = np.flatnonzero(whole.provenance["predicted"] != whole.values)
    assert 0 < len(mistakes) == len(wrong)
    assert np.array_equal(mistakes.keys, whole.keys[wrong])
    assert np.array_equal(mistakes.provenance, whole.provenance[wrong])
    assert mistakes.manifest.capacity == len(whole)


def test_batches_do_not_change_what_is_stored_beyond_rounding(whole, tmp_path):
    def in_order(store: Datastore):
        order = np.lexsort((store.provenance["offset"], store.provenance["record"]))
        return store.values[order], store.keys[order].astype(np.float32)

    other = mine_tiny(tmp_path, MiningOptions(batch_tokens=100_000))
    assert np.array_equal(in_order(other)[0], in_order(whole)[0])
    np.testing.assert_allclose(in_order(other)[1], in_order(whole)[1], atol=0.01)


def test_plain_numpy_opens_keys_and_values(whole):
    keys = np.load(whole.path / "keys.npy", mmap_mode="r")
    assert (keys.dtype, keys.shape) == (np.float16, (len(whole), 32))
    values = np.load(whole.path / "vals.npy", mmap_mode="r")
    assert (values.dtype, values.shape) == (np.int32, (len(whole),))
    assert np.load(whole.path / "provenance.npy", mmap_mode="r").shape == (len(whole),)


def test_bfloat16_keys_are_stored_as_their_bits(whole, tmp_path):
    store = mine_tiny(tmp_path, MiningOptions(batch_tokens=40, key_dtype="bfloat16"))
    assert store.keys.dtype == np.uint16
    everything = slice(0, len(store))
    np.testing.assert_allclose(
        store.read_keys(everything), whole.read_keys(everything), rtol=1 / 128, atol=0.01
    )


def test_mining_again_does_nothing_and_gives_the_same_datastore(whole):
    assert mine_tiny(whole.path, loaded=interrupted_model(0)).content_hash == whole.content_hash


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_an_interrupted_run_resumes_to_the_same_content(whole, tmp_path, batches):
    with pytest.raises(InterruptedRunError):
        mine_tiny(tmp_path, loaded=interrupted_model(batches))
    assert mine_tiny(tmp_path).content_hash == whole.content_hash


def test_what_an_interrupted_run_left_is_a_valid_shorter_datastore(whole, tmp_path):
    with pytest.raises(InterruptedRunError):
        mine_tiny(tmp_path, loaded=interrupted_model(2))
    with pytest.raises(UserError, match=r"unfinished.*run knm mine again"):
        Datastore.open(tmp_path)
    part = Datastore.open(tmp_path, unfinished=True)
    rows = len(part)
    assert 0 < rows < len(whole)
    assert np.array_equal(part.keys, whole.keys[:rows])
    assert np.array_equal(np.load(tmp_path / "vals.npy"), whole.values[:rows])


def test_rows_written_but_not_committed_are_dropped_on_resuming(whole, tmp_path):
    with pytest.raises(InterruptedRunError):
        mine_tiny(tmp_path, loaded=interrupted_model(2))
    with (tmp_path / "keys.npy").open("ab") as file:
        file.write(b"half a batch" * 7)
    part = Datastore.open(tmp_path, unfinished=True)
    assert len(part.keys) == len(np.load(tmp_path / "keys.npy")) == len(part)
    assert mine_tiny(tmp_path).content_hash == whole.content_hash


def test_a_killed_process_resumes_to_the_same_content(whole, tmp_path):
    script = (
        "import pathlib, tests.datastore.tiny as t;"
        f"t.{die_in_batch.__name__}(pathlib.Path({str(tmp_path)!r}), 3)"
    )
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True)
    assert killed.returncode == -9, killed.stderr.decode()
    assert 0 < len(Datastore.open(tmp_path, unfinished=True)) < len(whole)
    assert mine_tiny(tmp_path).content_hash == whole.content_hash


def test_two_runs_into_one_directory_take_turns(whole, tmp_path):
    models = [tiny_model(), tiny_model()]
    with ThreadPoolExecutor(2) as pool:
        stores = list(pool.map(lambda loaded: mine_tiny(tmp_path, loaded=loaded), models))
    assert [store.content_hash for store in stores] == [whole.content_hash] * 2


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"options": MiningOptions(batch_tokens=41)}, "mining options"),
        ({"options": MiningOptions(batch_tokens=40, positions="mistakes")}, "mining options"),
        ({"loaded": tiny_model(seed=1)}, "model weights.*weights-0.*weights-1"),
        ({"corpus_hash": "another"}, "corpus"),
        ({"examples": examples(seed=5)}, "examples"),
    ],
)
def test_resuming_with_something_else_is_refused(tmp_path, change, named):
    with pytest.raises(InterruptedRunError):
        mine_tiny(tmp_path, loaded=interrupted_model(1))
    with pytest.raises(UserError, match=f"other {named}"):
        mine_tiny(tmp_path, **change)


def test_a_damaged_file_is_not_resumed(tmp_path):
    with pytest.raises(InterruptedRunError):
        mine_tiny(tmp_path, loaded=interrupted_model(2))
    (tmp_path / "keys.npy").write_bytes((tmp_path / "keys.npy").read_bytes()[:200])
    with pytest.raises(UserError, match=r"keys\.npy: damaged"):
        mine_tiny(tmp_path)


def test_an_empty_corpus_is_refused(tmp_path):
    with pytest.raises(UserError, match="no examples"):
        mine_tiny(tmp_path, examples=[])


@pytest.mark.parametrize(
    "options", [{"positions": "some"}, {"batch_tokens": 0}, {"key_dtype": "float8"}]
)
def test_bad_options_are_named(options):
    (name,) = options
    with pytest.raises(UserError, match="--" + name.replace("_", "-")):
        MiningOptions(**options)


def test_a_hidden_state_that_overflows_its_key_dtype_is_refused(tmp_path):
    loaded = tiny_model()
    with torch.no_grad():
        loaded.model.model.norm.weight.fill_(1e6)
    with pytest.raises(UserError, match="try bfloat16"):
        mine_tiny(tmp_path, loaded=loaded)


def test_a_model_without_mistakes_gives_an_empty_datastore(tmp_path):
    loaded = tiny_model()
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        for _ in range(4):
            ids = torch.cat([ids, loaded.model(ids).logits[:, -1:].argmax(-1)], 1)
    example = replace(examples(1)[0], ids=tuple(ids[0].tolist()), target_start=3)
    store = mine_tiny(tmp_path, MiningOptions(positions="mistakes"), examples=[example])
    assert len(store) == len(store.keys) == 0
    assert store.manifest.calibration == Calibration(None, None, None)


def test_values_are_tokens(whole):
    assert whole.values.min() >= 0
    assert whole.values.max() < VOCAB
