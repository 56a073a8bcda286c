"""UniXcoder as a decoder: read from the files of an encoder, as they are published."""

import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file
from transformers import RobertaConfig, RobertaModel

from knm.corpora import CorpusRecord
from knm.engine import GenerationOptions, PlainEngine
from knm.errors import UserError
from knm.models import (
    ChatEncoding,
    RawEncoding,
    capturing,
    context_length,
    load_model,
    parse_key_kind,
    read_tokenizer,
)
from knm.models.finetuning import finetune
from knm.models.finetuning_options import FinetuningOptions
from knm.models.tokenization import token_counter
from knm.problems import load_template
from knm.records import Request
from tests.hub_server import serve_model
from tests.models.unixcoder_files import CONTEXT, write_unixcoder

TEXT = "local x == 1"


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return write_unixcoder(tmp_path_factory.mktemp("unixcoder"))


@pytest.fixture(scope="module")
def unixcoder(directory):
    return load_model(str(directory), device="cpu")


def encoded(loaded, text=TEXT):
    return torch.tensor([loaded.tokenizer(text)["input_ids"]])


def test_texts_begin_in_the_mode_and_do_not_end(unixcoder, directory):
    for tokenizer in (unixcoder.tokenizer, read_tokenizer(str(directory))):
        written = tokenizer.convert_ids_to_tokens(tokenizer(TEXT)["input_ids"])
        assert written[:3] == ["<s>", "<decoder-only>", "</s>"]
        assert written[3:] == ["local", "Ġ", "x", "Ġ=", "=", "Ġ", "1"]
    assert token_counter(str(directory))([TEXT]) == [7]


@torch.inference_mode()
def test_it_is_the_published_encoder_under_a_causal_mask_with_its_embeddings_as_head(
    unixcoder, directory
):
    """Computed once more by Transformers' encoder, with mask and positions written out."""
    config = RobertaConfig.from_pretrained(directory, attn_implementation="eager")
    encoder = RobertaModel.from_pretrained(directory, config=config).eval()
    ids = encoded(unixcoder)
    length = ids.shape[1]
    causal = torch.ones(length, length).tril()[None]
    states = encoder(
        ids,
        attention_mask=(1 - causal)[:, None] * torch.finfo(torch.float32).min,
        position_ids=torch.arange(2, 2 + length)[None],
        token_type_ids=torch.zeros_like(ids),
    ).last_hidden_state
    words = load_file(directory / "model.safetensors")["embeddings.word_embeddings.weight"]
    torch.testing.assert_close(unixcoder.model(ids).logits, states @ words.T)
    trunk = unixcoder.model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
    torch.testing.assert_close(trunk, states)


@torch.inference_mode()
def test_positions_go_on_while_it_writes_whatever_the_tokens_are(unixcoder):
    model = unixcoder.model
    ids = torch.cat([encoded(unixcoder), torch.tensor([[1, 9]])], 1)  # 1 would be padding
    whole = ids
    for _ in range(9):
        whole = torch.cat([whole, model(whole).logits[:, -1:].argmax(-1)], 1)
    padding = torch.tensor([[1, 1]])
    for batch, mask in (
        (ids, torch.ones_like(ids)),
        (torch.cat([padding, ids], 1), torch.tensor([[0, 0] + [1] * ids.shape[1]])),
    ):
        written = model.generate(
            batch, attention_mask=mask, max_new_tokens=9, do_sample=False, eos_token_id=[]
        )
        assert written[0, -9:].tolist() == whole[0, -9:].tolist()


def test_its_context_is_what_positions_are_left_for(unixcoder):
    assert context_length(unixcoder.model) == CONTEXT
    ids = torch.full((1, CONTEXT), 20)
    unixcoder.model(ids)
    with pytest.raises((IndexError, RuntimeError)):
        unixcoder.model(torch.full((1, CONTEXT + 1), 20))
    with pytest.raises(UserError, match=f"the model's context has {CONTEXT}|{CONTEXT}: shorten"):
        PlainEngine(unixcoder, GenerationOptions(4, 1), None).submit(
            Request("long", "x" * CONTEXT, chat=False)
        )


def test_its_layers_can_be_told_apart(unixcoder):
    ids = encoded(unixcoder)
    with capturing(unixcoder.model, parse_key_kind("layer-1+final-norm")) as capture:
        final = unixcoder.model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        keys = capture.keys(final, torch.tensor([3]))
    reported = unixcoder.model.get_decoder()(input_ids=ids, output_hidden_states=True).hidden_states
    torch.testing.assert_close(keys, torch.cat([reported[1][0, 3], final[0, 3]])[None])


@pytest.mark.parametrize(("block", "stride"), [(12, 6), (8, 3), (1000, 500)])
def test_every_block_of_raw_text_begins_in_the_mode(unixcoder, block, stride):
    record = CorpusRecord("r", "", "local x = 1\n" * 4, "lua", "s")
    text = unixcoder.tokenizer(record.program)["input_ids"]
    targets: list[int] = []
    for example in RawEncoding(block, stride)(unixcoder.tokenizer, [record]):
        assert example.ids[:3] == tuple(text[:3])
        assert len(example.ids) <= block
        end = example.first + len(example.ids)
        assert list(example.ids[3:]) == text[example.first + 3 : end]
        targets += range(example.first + example.target_start, end)
    assert targets == list(range(3, len(text)))


def test_blocks_too_short_for_the_mode_are_refused(unixcoder):
    record = CorpusRecord("r", "", "local x = 1\n" * 4, "lua", "s")
    with pytest.raises(UserError, match="begin with 3 tokens of their own"):
        RawEncoding(4, 2)(unixcoder.tokenizer, [record])


@pytest.mark.parametrize("encoding", [RawEncoding(40, 20), ChatEncoding(load_template("task"))])
def test_a_fine_tuned_copy_is_read_as_what_it_is(directory, encoding, tmp_path):
    records = [CorpusRecord("r", "", "local x = 1\n", "lua", "s")]
    options = FinetuningOptions(learning_rate=1e-2, epochs=30)
    if isinstance(encoding, ChatEncoding):
        with pytest.raises(UserError, match="none of 1 records fits in the model's context"):
            finetune(str(directory), records, encoding, tmp_path, options, device="cpu")
        return
    finetune(str(directory), records, encoding, tmp_path, options, device="cpu", checkpointing=True)
    copy = load_model(str(tmp_path), dtype="float32", device="cpu")
    assert type(copy.model).__name__ == "UnixcoderForCausalLM"
    ids = encoded(copy, records[0].program)
    losses = [loss_of_text(loaded.model, ids) for loaded in (load_model(str(directory)), copy)]
    assert losses[1] < losses[0] / 2


@torch.inference_mode()
def loss_of_text(model, ids):
    return torch.nn.functional.cross_entropy(model(ids).logits[0, 2:-1], ids[0, 3:]).item()


# A process of its own, as in tests/models/test_hub.py; it loads no model library.
SCRIPT = """
from knm.models import find_model
print(find_model("microsoft/unixcoder-base@refs/pr/1"))
"""


def test_it_comes_from_the_hub_by_a_revision_that_has_safetensors(directory, unixcoder, tmp_path):
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    with serve_model("microsoft/unixcoder-base", files, "refs%2Fpr%2F1") as endpoint:
        environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True
        )
    loaded = load_model(done.stdout.strip(), device="cpu")
    assert type(loaded.model).__name__ == "UnixcoderForCausalLM"
    assert torch.equal(encoded(loaded), encoded(unixcoder))
    assert (tmp_path / "hub/models--microsoft--unixcoder-base/refs/refs/pr/1").is_file()
