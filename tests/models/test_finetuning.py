from dataclasses import replace

import pytest
import torch

from knm.corpora import Outcome, load_corpus
from knm.embedded.recipes import RECIPES
from knm.embedded.training import train
from knm.errors import UserError
from knm.jsonio import read_json
from knm.models import ChatEncoding, encode_corpus, load_model
from knm.models.finetuning import finetune
from knm.models.finetuning_options import FinetuningOptions
from knm.packaged import EMBEDDED_CORPUS
from knm.problems import load_template

TASK = load_template("task")
CHAT = ChatEncoding(TASK)
OPTIONS = FinetuningOptions(learning_rate=2e-2, epochs=30, batch_size=2)


@pytest.fixture(scope="module")
def records():
    return load_corpus(EMBEDDED_CORPUS / "dev.jsonl")[:4]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    directory = tmp_path_factory.mktemp("base")
    train(replace(RECIPES["tiny"], python_samples=30, lua_samples=10), directory, device="cpu")
    return str(directory)


@pytest.fixture(scope="module")
def tuned(base, records, tmp_path_factory):
    directory = tmp_path_factory.mktemp("tuned")
    figures = finetune(base, records, CHAT, directory, OPTIONS, device="cpu")
    return directory, figures


@torch.inference_mode()
def loss_of_answers(name, records):
    loaded = load_model(str(name), dtype="float32", device="cpu")
    losses = []
    for example in encode_corpus(loaded.tokenizer, records, TASK):
        ids = torch.tensor([example.ids])
        predicted = loaded.model(ids).logits[0, example.target_start - 1 : -1]
        losses.append(torch.nn.functional.cross_entropy(predicted, ids[0, example.target_start :]))
    return torch.stack(losses).mean().item()


def test_four_records_are_learnt_by_heart(base, tuned, records):
    directory, figures = tuned
    before, after = loss_of_answers(base, records), loss_of_answers(directory, records)
    assert after < before / 2
    assert figures["steps"] == 30 * 2
    assert figures["examples"] == 4


def test_the_base_stays_as_it_is(base, tuned, records):
    assert load_model(base, device="cpu").identity.weights_hash != (
        load_model(str(tuned[0]), device="cpu").identity.weights_hash
    )


def test_what_was_done_before_is_not_done_again(base, tuned, records):
    directory, figures = tuned
    before = (directory / "training.json").stat().st_mtime_ns
    assert finetune(base, records, CHAT, directory, OPTIONS, device="cpu") == figures
    assert (directory / "training.json").stat().st_mtime_ns == before
    assert read_json(directory / "training.json")["finetuning"]["options"]["epochs"] == 30


def test_another_training_is_not_written_over_it(base, tuned, records):
    with pytest.raises(UserError, match="trained otherwise"):
        finetune(base, records[:2], CHAT, tuned[0], OPTIONS, device="cpu")


def test_a_directory_that_holds_something_else_is_left_as_it_is(base, records, tmp_path):
    (tmp_path / "config.json").write_text("precious")
    with pytest.raises(UserError, match="not trained here: give another"):
        finetune(base, records, CHAT, tmp_path, OPTIONS, device="cpu")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [
        ("config.json", "precious")
    ]


def test_a_rank_beyond_the_model_is_refused(base, records, tmp_path):
    with pytest.raises(UserError, match=r"lora 100000: no matrix .* above \d+; give a smaller"):
        finetune(base, records, CHAT, tmp_path, replace(OPTIONS, lora=100_000), device="cpu")


def test_a_copy_of_weights_that_are_no_numbers_is_not_saved(base, records, tmp_path):
    diverging = replace(OPTIONS, learning_rate=1e30, epochs=2)
    with pytest.raises(UserError, match=r"diverged.*smaller learning_rate than 1e\+30"):
        finetune(base, records, CHAT, tmp_path / "copy", diverging, device="cpu")
    assert not (tmp_path / "copy").exists()


def test_defaults_go_by_the_number_of_programs():
    options = FinetuningOptions()
    few, many = options.filled_for(1228, 256), options.filled_for(10_000, 256)
    assert (few.epochs, few.batch_size) == (5, 32)
    assert (many.epochs, many.batch_size) == (4, 64)
    assert FinetuningOptions(epochs=2, batch_size=8).filled_for(10_000, 256).epochs == 2


@pytest.mark.parametrize("wrong", [{"learning_rate": 0.0}, {"epochs": 0}, {"batch_size": -1}])
def test_values_out_of_range_name_their_option(wrong):
    with pytest.raises(UserError, match="must be above 0"):
        FinetuningOptions(**wrong)


def test_low_rank_updates_are_merged_into_a_model_as_any_other(base, records, tmp_path):
    options = replace(OPTIONS, lora=2, epochs=20)
    figures = finetune(base, records, CHAT, tmp_path / "copy", options, device="cpu")
    assert figures["steps"] == 20 * 2
    before, after = (
        load_model(str(path), dtype="float32", device="cpu").model.state_dict()
        for path in (base, tmp_path / "copy")
    )
    assert set(before) == set(after)
    changed = {name for name in before if not before[name].equal(after[name])}
    assert {name.split(".")[-2] for name in changed} == {
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    }
    assert loss_of_answers(tmp_path / "copy", records) < loss_of_answers(base, records) - 0.1


def test_what_spares_memory_gives_the_same_copy(base, records, tmp_path):
    options = replace(OPTIONS, epochs=2)
    first = finetune(base, records, CHAT, tmp_path / "plain", options, device="cpu")
    second = finetune(
        base,
        records,
        CHAT,
        tmp_path / "spare",
        options,
        device="cpu",
        part_tokens=100,
        checkpointing=True,
    )
    assert first["loss"] == pytest.approx(second["loss"], rel=1e-3)
    assert first["steps"] == second["steps"]


def test_a_real_lm_is_stepped_with_care():
    small, large = (FinetuningOptions().filled_for(1000, width) for width in (256, 1536))
    assert small.learning_rate is not None
    assert large.learning_rate is not None
    assert large.learning_rate < small.learning_rate / 10
    assert FinetuningOptions(learning_rate=0.5).filled_for(1000, 1536).learning_rate == 0.5


def test_records_longer_than_the_context_leave_nothing_to_learn(base, records, tmp_path):
    long = [replace(record, statement="word " * 20_000) for record in records]
    with pytest.raises(UserError, match="fits in the model's context"):
        finetune(base, long, CHAT, tmp_path, OPTIONS, device="cpu")


def test_programs_that_fail_are_not_learnt(base, records, tmp_path):
    failing = [replace(record, outcome=Outcome("wrong-output")) for record in records]
    with pytest.raises(UserError, match="no programs that pass"):
        finetune(base, failing, CHAT, tmp_path, OPTIONS, device="cpu")
    figures = finetune(
        base, [*failing[1:], records[0]], CHAT, tmp_path, replace(OPTIONS, epochs=1), device="cpu"
    )
    assert figures["examples"] == 1
