"""Models in GGUF files."""

import shutil
import struct
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from knm.corpora import CorpusRecord
from knm.errors import UserError
from knm.models import (
    ChatEncoding,
    find_model,
    identify_model,
    load_model,
    load_tokenizer,
    read_tokenizer,
)
from knm.models.finetuning import finetune
from knm.models.finetuning_options import FinetuningOptions
from knm.models.generation import unapplied_settings
from knm.models.gguf import read_header
from knm.models.tokenization import token_counter
from knm.problems import load_template
from tests.models.gguf_files import write_gguf

TEXT = "print the sum: local n = io.read('*n')"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A file, and the model and tokenizer that it was made of."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    return path, *write_gguf(path)


@torch.inference_mode()
def logits(model, tokenizer):
    return model(torch.tensor([tokenizer(TEXT)["input_ids"]])).logits


@pytest.mark.parametrize("kind", ["qwen2", "qwen3", "llama"])
def test_a_file_is_loaded_as_the_model_that_it_was_made_of(kind, tmp_path):
    path = tmp_path / "model.gguf"
    model, tokenizer = write_gguf(path, kind)
    loaded = load_model(str(path), device="cpu")
    assert type(loaded.model) is type(model)
    torch.testing.assert_close(logits(loaded.model, loaded.tokenizer), logits(model, tokenizer))
    assert loaded.tokenizer(TEXT)["input_ids"] == tokenizer(TEXT)["input_ids"]


def test_end_tokens_and_chat_template_come_from_the_file(tiny):
    path, _, tokenizer = tiny
    loaded = load_model(str(path), device="cpu")
    assert loaded.tokenizer.eos_token_id == tokenizer.eos_token_id
    assert loaded.model.config.eos_token_id == tokenizer.eos_token_id
    assert loaded.tokenizer.chat_template == tokenizer.chat_template
    turn = [{"role": "user", "content": "1 + 1"}]
    assert (
        loaded.tokenizer.apply_chat_template(turn, add_generation_prompt=True)["input_ids"]
        == (tokenizer.apply_chat_template(turn, add_generation_prompt=True)["input_ids"])
    )


def test_the_file_is_the_identity(tiny, tmp_path):
    path, model, tokenizer = tiny
    identity = identify_model(str(path), "float32")
    assert (identity.hidden_size, identity.vocab_size) == (
        model.config.hidden_size,
        len(tokenizer),
    )
    assert load_model(str(path), device="cpu").identity == identity
    copy = tmp_path / "copy.gguf"
    shutil.copy(path, copy)
    assert identify_model(str(copy), "float32").weights_hash == identity.weights_hash
    copy.write_bytes(copy.read_bytes()[:-4] + b"\0\0\0\1")
    changed = identify_model(str(copy), "float32")
    assert changed.weights_hash != identity.weights_hash
    with pytest.raises(UserError, match="is not the one wanted"):
        load_tokenizer(identity, str(copy))


def test_a_directory_with_one_file_is_that_file(tiny, tmp_path):
    path, *_ = tiny
    assert identify_model(str(path.parent), "float32").weights_hash == (
        identify_model(str(path), "float32").weights_hash
    )
    for name in ("a.gguf", "b.gguf"):
        shutil.copy(path, tmp_path / name)
    with pytest.raises(UserError, match=r"2 GGUF files: name one, such as .*a\.gguf"):
        identify_model(str(tmp_path), "float32")


def test_what_lies_beside_the_file_is_not_read_and_not_part_of_its_identity(tiny, tmp_path):
    path, _, tokenizer = tiny
    copy = tmp_path / "copy.gguf"
    shutil.copy(path, copy)
    for beside in find_model("embedded").glob("*.json"):
        shutil.copy(beside, tmp_path)
    (tmp_path / "chat_template.jinja").write_text("another")
    identity = identify_model(str(copy), "float32")
    assert identity == replace(identify_model(str(path), "float32"), name=str(copy))
    assert unapplied_settings(find_model(str(copy))) == {}
    read = read_tokenizer(str(copy))
    assert read.chat_template == tokenizer.chat_template
    assert read(TEXT)["input_ids"] == tokenizer(TEXT)["input_ids"]


def test_tokens_are_counted_without_a_model(tiny):
    path, _, tokenizer = tiny
    assert token_counter(str(path))([TEXT, ""]) == [len(tokenizer(TEXT)["input_ids"]), 0]


def test_a_copy_that_is_saved_is_a_plain_model(tiny, tmp_path):
    path, *_ = tiny
    records = [CorpusRecord(name, "Sum?", "print(1)", "lua", "x") for name in "ab"]
    options = FinetuningOptions(epochs=1, batch_size=2)
    chat = ChatEncoding(load_template("task"))
    finetune(str(path), records, chat, tmp_path / "copy", options, device="cpu")
    loaded = load_model(str(tmp_path / "copy"), device="cpu")
    assert not hasattr(loaded.model.config, "quantization_config")
    assert loaded.tokenizer.chat_template == read_tokenizer(str(path)).chat_template


def test_what_is_missing_is_named_with_its_mend(tiny, monkeypatch):
    path, *_ = tiny
    monkeypatch.setattr(
        "knm.models.loading.find_spec", lambda name: None if name == "gguf" else find_spec(name)
    )
    for read in (load_model, read_tokenizer):
        with pytest.raises(UserError, match=r"a GGUF file needs gguf: .* 'knm\[gguf\]'"):
            read(str(path))
    assert identify_model(str(path), "float32").hidden_size > 0  # needs no package


@pytest.mark.parametrize("keep", [0, 3, 4, 20, 100, 3000])
def test_a_file_that_is_cut_short_is_named(tiny, tmp_path, keep):
    path, *_ = tiny
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"cut\.gguf: not a sound GGUF file"):
        identify_model(str(cut), "float32")


def test_one_part_of_several_is_refused(tmp_path):
    path = tmp_path / "model-00001-of-00002.gguf"
    write_gguf(path, split_count=2)
    with pytest.raises(UserError, match="one of 2 parts"):
        identify_model(str(path), "float32")


def test_scaled_rotations_are_refused_as_they_would_be_read_wrongly(tmp_path):
    path = tmp_path / "model.gguf"
    write_gguf(path, rope_scaling="yarn")
    with pytest.raises(UserError, match="rotary positions are scaled"):
        load_model(str(path), device="cpu")


def test_a_file_of_something_else_is_named(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0))
    with pytest.raises(UserError, match="no sizes of a causal LM"):
        identify_model(str(path), "float32")
    with pytest.raises(UserError, match="no such model"):
        identify_model(str(tmp_path / "other.gguf"), "float32")


@given(st.data())
def test_damaged_headers_are_read_or_refused(tiny, data):
    """Whatever bytes are changed: an answer or a `UserError`, at once."""
    path, *_ = tiny
    content = bytearray(path.read_bytes()[:20_000])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, 400))
        content[place] = data.draw(st.integers(0, 255))
    damaged = path.parent.parent / "damaged.gguf"
    damaged.write_bytes(content)
    with suppress(UserError):
        read_header(damaged)


def test_no_bar_is_drawn_where_there_is_no_terminal(tiny, capfd):
    load_model(str(tiny[0]), device="cpu")
    assert "de-quantizing" not in capfd.readouterr().err
