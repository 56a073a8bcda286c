import multiprocessing
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from knm.corpora import load_corpus
from knm.datastore import Calibration, Datastore, MiningOptions, Tally
from knm.errors import UserError
from knm.models import EncodedExample, encode_corpus
from knm.models.head import OutputHead
from knm.packaged import EMBEDDED_CORPUS
from knm.problems import load_template
from tests.datastore.tiny import (
    MANY,
    VOCAB,
    examples,
    mine_many,
    mine_tiny,
    seen_by,
    tiny_model,
)
from tests.models.architectures import SCALING, scaling_model


class InterruptedRunError(Exception):
    pass


def interrupted_model(after_batches: int):
    loaded = tiny_model()
    OutputHead(loaded.model)  # looks at the model once, which is no batch
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
        record, offset, predicted, probability, copied, outcome, crash = whole.provenance[row]
        assert (outcome, crash) == (0, 0)
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
        assert copied == (example.ids[offset] in example.ids[:offset])  # each is a word of its own
        assert whole.likely is not None
        tokens, shares = whole.likely[row]
        assert (tokens[0], shares[0]) == (predicted, probability)
        assert tokens.tolist() == odds.topk(8).indices.tolist()
        np.testing.assert_allclose(shares, odds.topk(8).values, atol=1e-4)
    assert 0 < whole.provenance["copied"].sum() < len(whole)


@pytest.mark.parametrize("kind", SCALING)
def test_mining_notes_what_a_model_gives_that_scales_or_caps_its_logits(kind, tmp_path):
    loaded = scaling_model(kind)
    store = mine_tiny(tmp_path, loaded=loaded)
    by_id = {example.record_id: example for example in examples()}
    for record, offset, predicted, probability, *_ in store.provenance:
        ids = torch.tensor([by_id[store.record_ids[record]].ids[:offset]])
        with torch.no_grad():
            odds = loaded.model(ids).logits[0, -1].softmax(-1)
        assert predicted == odds.argmax()
        assert probability == pytest.approx(odds.max().item(), abs=1e-4)


def test_the_embedded_models_likeliest_tokens_are_those_of_its_logits(embedded, small_store):
    records = load_corpus(EMBEDDED_CORPUS / "train.jsonl")[:10]
    texts = encode_corpus(embedded.tokenizer, records, load_template("task"))
    by_id = {example.record_id: example for example in texts}
    likely, provenance = small_store.likely, small_store.provenance
    assert np.array_equal(likely["tokens"][:, 0], provenance["predicted"])
    assert np.array_equal(likely["probabilities"][:, 0], provenance["probability"])
    for record in np.unique(provenance["record"]).tolist():
        rows = np.flatnonzero(provenance["record"] == record)
        ids = torch.tensor([by_id[small_store.record_ids[record]].ids])
        with torch.no_grad():
            odds = embedded.model(ids).logits[0, provenance["offset"][rows] - 1].softmax(-1)
        theirs = odds.gather(1, torch.from_numpy(likely["tokens"][rows].astype(np.int64)))
        np.testing.assert_allclose(likely["probabilities"][rows], theirs, atol=1e-4)
        # What is left out is less likely than what is there.
        np.testing.assert_allclose(theirs.sum(1), odds.topk(8).values.sum(1), atol=1e-4)


def test_a_vocabulary_of_fewer_tokens_than_are_stored_leaves_places_empty(tmp_path):
    loaded = tiny_model()
    loaded.model.resize_token_embeddings(5)
    small = replace(loaded, identity=replace(loaded.identity, vocab_size=5))
    few = [EncodedExample(f"r{n}", tuple((n + k) % 5 for k in range(9)), 3) for n in range(4)]
    likely = mine_tiny(tmp_path, loaded=small, examples=few).likely
    assert likely is not None
    assert np.array_equal(np.sort(likely["tokens"][:, :5]), np.tile(np.arange(5), (len(likely), 1)))
    np.testing.assert_allclose(likely["probabilities"][:, :5].sum(1), 1, atol=1e-5)
    assert (likely["tokens"][:, 5:] == -1).all()
    assert (likely["probabilities"][:, 5:] == 0).all()


def test_mining_mistakes_keeps_just_the_mistakes(whole, tmp_path):
    mistakes = mine_tiny(tmp_path, MiningOptions(positions="mistakes", batch_tokens=40))
    wrong = np.flatnonzero(whole.provenance["predicted"] != whole.values)
    assert 0 < len(mistakes) == len(wrong)
    assert np.array_equal(mistakes.keys, whole.keys[wrong])
    assert np.array_equal(mistakes.provenance, whole.provenance[wrong])
    assert mistakes.likely is not None
    assert whole.likely is not None
    assert np.array_equal(mistakes.likely, whole.likely[wrong])
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


def rows_in(directory) -> int:
    """How many rows can be read of what is there so far."""
    if not (directory / "manifest.json").exists():
        return 0
    return len(Datastore.open(directory, unfinished=True))


def test_killed_ten_times_it_resumes_to_the_same_content(tmp_path):
    mine_many(tmp_path / "whole")
    whole = Datastore.open(tmp_path / "whole")
    # Processes fork from one that has imported everything already.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([mine_many.__module__])
    draw, directory = random.Random(), tmp_path / "killed"
    rows = 0
    for _ in range(10):
        process = context.Process(target=mine_many, args=(directory,))
        process.start()
        progress = draw.randrange(len(whole) // 16)
        while process.is_alive() and rows_in(directory) < rows + progress:
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.03))
        process.kill()
        process.join()
        assert process.exitcode in {-signal.SIGKILL, 0}  # 0: it was done before the blow
        assert rows <= rows_in(directory)
        rows = rows_in(directory)
    assert 0 < rows <= len(whole)
    resumed = mine_tiny(directory, examples=examples(MANY))
    assert resumed.content_hash == whole.content_hash
    assert seen_by(resumed).positions == seen_by(whole).positions


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
    "options",
    [
        {"positions": "some"},
        {"batch_tokens": 0},
        {"key_dtype": "float8"},
        {"key_kind": "middle"},
        {"capacity": 0},
    ],
)
def test_bad_options_are_named(options):
    (name,) = options
    with pytest.raises(UserError, match=f"^{name} "):
        MiningOptions(**options)


def test_a_hidden_state_that_overflows_its_key_dtype_is_named(tmp_path):
    loaded = tiny_model()
    with torch.no_grad():
        loaded.model.model.norm.weight.fill_(1e6)
    with pytest.raises(UserError, match=r"record 'record-\d+', token \d+: .*try bfloat16"):
        mine_tiny(tmp_path, loaded=loaded)


@pytest.mark.parametrize("positions", ["all", "mistakes"])
def test_a_hidden_state_that_is_nan_is_named(tmp_path, positions):
    loaded = tiny_model()
    with torch.no_grad():
        loaded.model.model.embed_tokens.weight[17] = torch.nan
    options = MiningOptions(batch_tokens=40, positions=positions)
    with pytest.raises(UserError, match=r"record '.*', token \d+: the model's own output is not"):
        mine_tiny(tmp_path, options, loaded=loaded)
    with pytest.raises(UserError, match="unfinished"):
        Datastore.open(tmp_path)


def test_a_text_longer_than_the_models_context_is_named(tmp_path):
    loaded = tiny_model()
    loaded.model.config.max_position_embeddings = 10
    with pytest.raises(UserError, match=r"record 'record-\d+': \d+ tokens, .* context has 10"):
        mine_tiny(tmp_path, loaded=loaded)


def test_a_layer_that_the_model_has_not_got_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match="layer-3.*has 2 layers"):
        mine_tiny(tmp_path / "store", MiningOptions(key_kind="layer-3"))
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("capacity", [1, 7, 30])
def test_mining_stops_at_its_capacity_and_says_so(whole, tmp_path, capacity):
    store = mine_tiny(tmp_path, MiningOptions(batch_tokens=40, capacity=capacity))
    assert len(store) == capacity
    assert np.array_equal(store.keys, whole.keys[:capacity])
    assert np.array_equal(store.provenance, whole.provenance[:capacity])
    assert seen_by(store).full
    assert seen_by(store).positions == store.manifest.capacity < len(whole)


def test_a_capacity_beyond_the_corpus_changes_nothing(whole, tmp_path):
    store = mine_tiny(tmp_path, MiningOptions(batch_tokens=40, capacity=10_000))
    assert store.content_hash == whole.content_hash
    assert not seen_by(store).full


def test_a_random_share_of_correct_positions_is_the_same_in_any_batch(whole, tmp_path):
    def kept(name: str, **changes):
        options = MiningOptions(positions="mistakes+correct:0.4", **changes)
        store = mine_tiny(tmp_path / name, options, examples=everything)
        entries = store.provenance[["record", "offset"]].tolist()
        wrong = store.provenance["predicted"] != store.values
        return set(entries), int(wrong.sum())

    everything = examples(60)
    entries, mistakes = kept("a", batch_tokens=40)
    assert kept("b", batch_tokens=300) == (entries, mistakes)
    assert kept("c", batch_tokens=40, seed=1)[0] != entries
    statistics = seen_by(mine_tiny(tmp_path / "all", examples=everything))
    assert mistakes == statistics.mistakes
    correct = statistics.positions - statistics.mistakes
    assert 0.1 < (len(entries) - mistakes) / correct < 0.8


def test_statistics_count_mistakes_by_token_type_and_source(tmp_path):
    marked = [
        replace(example, language="lua", source="odd" if number % 2 else None)
        for number, example in enumerate(examples())
    ]
    store = mine_tiny(tmp_path, examples=marked)
    seen = seen_by(store)
    wrong = store.provenance["predicted"] != store.values
    odd = store.provenance["record"] % 2 == 1
    names = store.values % 5 == 0  # as the tokenizer writes them
    assert (seen.positions, seen.mistakes) == (len(store), wrong.sum())
    assert seen.by_source["odd"] == Tally(odd.sum(), (odd & wrong).sum())
    assert seen.by_source["unmarked"] == Tally((~odd).sum(), (~odd & wrong).sum())
    assert seen.by_token_type["identifier"] == Tally(names.sum(), (names & wrong).sum())
    assert seen.by_token_type["literal"] == Tally((~names).sum(), (~names & wrong).sum())
    assert seen.tokens == sum(len(example.ids) for example in marked)
    assert seen.tokens_per_second > 0
    assert [origin.source for origin in store.records[:2]] == [None, "odd"]
    assert store.records[0].language == "lua"


def test_a_resumed_run_has_the_statistics_of_an_uninterrupted_one(whole, tmp_path):
    with pytest.raises(InterruptedRunError):
        mine_tiny(tmp_path, loaded=interrupted_model(2))
    resumed = seen_by(mine_tiny(tmp_path))
    assert replace(resumed, seconds=0) == replace(seen_by(whole), seconds=0)


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
