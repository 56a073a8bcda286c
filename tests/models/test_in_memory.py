from dataclasses import replace

import pytest
import torch
from transformers import AutoModel, Qwen3Config, Qwen3ForCausalLM

from knm.corpora import CorpusRecord
from knm.datastore import Datastore, MiningOptions, mine
from knm.errors import UserError
from knm.models import LoadedModel, encode_corpus, load_model, read_tokenizer
from knm.problems import load_template
from tests.datastore.tiny import tiny_model

RECORDS = [
    CorpusRecord(f"sum-{number}", f"Print n plus {number}.", f"print(n + {number})", "lua", "own")
    for number in range(4)
]


@pytest.fixture(scope="module")
def tokenizer():
    return read_tokenizer("embedded")


def random_model(tokenizer, seed: int = 0) -> Qwen3ForCausalLM:
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        intermediate_size=48,
    )
    return Qwen3ForCausalLM(config)


def mined(loaded: LoadedModel, directory) -> Datastore:
    examples = encode_corpus(loaded.tokenizer, RECORDS, load_template("task"))
    return mine(loaded, examples, directory, MiningOptions(batch_tokens=512))


def test_a_model_that_no_file_holds_is_mined_and_known_again(tokenizer, tmp_path):
    loaded = LoadedModel.of(random_model(tokenizer).train(), tokenizer)
    assert not loaded.model.training
    store = mined(loaded, tmp_path)
    assert len(store) > 0
    again = LoadedModel.of(random_model(tokenizer), tokenizer)
    assert again.identity == loaded.identity == store.manifest.model
    assert mined(again, tmp_path).content_hash == store.content_hash


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda model: model.lm_head.weight.data[7, 3].add_(1.0), "weights"),
        (lambda model: model.to(torch.bfloat16), "weights"),
        (lambda model: setattr(model.config, "rms_norm_eps", 0.5), "config"),
    ],
)
def test_what_gives_other_states_is_another_model(tokenizer, tmp_path, change, named):
    store = mined(LoadedModel.of(random_model(tokenizer), tokenizer), tmp_path)
    model = random_model(tokenizer)
    with torch.no_grad():
        change(model)
    other = LoadedModel.of(model, tokenizer)
    with pytest.raises(UserError, match=f"mined with another model: its {named}"):
        Datastore.open(store.path, expect=other.identity)
    with pytest.raises(UserError, match=f"other model {named}"):
        mined(other, tmp_path)


def test_how_a_tokenizer_was_called_does_not_matter_and_its_tokens_do(tokenizer):
    own = read_tokenizer("embedded")
    model = random_model(tokenizer)
    before = LoadedModel.of(model, own).identity
    own(["one", "one and two"], padding=True, truncation=True, max_length=3)
    assert LoadedModel.of(model, own).identity == before
    own.chat_template = "{{ messages[0].content }}"
    assert LoadedModel.of(model, own).identity == replace(
        before, tokenizer_hash=LoadedModel.of(model, own).identity.tokenizer_hash
    )
    assert LoadedModel.of(model, own).identity.tokenizer_hash != before.tokenizer_hash


def test_a_model_read_from_files_is_another_in_memory():
    loaded = load_model(device="cpu")
    own = LoadedModel.of(loaded.model, loaded.tokenizer).identity
    assert own.name.endswith(" (in memory)")
    assert {what for what, _, _ in own.differences(loaded.identity)} >= {"weights", "tokenizer"}


def test_what_does_not_fit_is_refused_with_its_mend(tokenizer):
    model = random_model(tokenizer)
    with pytest.raises(UserError, match="Qwen3ForCausalLM.*: a tokenizer is needed.*AutoTokenizer"):
        LoadedModel.of(model, None)
    with pytest.raises(UserError, match="the tokenizer has .* tokens, the model 64"):
        LoadedModel.of(tiny_model().model, tokenizer)
    with pytest.raises(UserError, match="no output head: choose a causal LM"):
        LoadedModel.of(AutoModel.from_config(model.config), tokenizer)
    with torch.device("meta"):
        elsewhere = Qwen3ForCausalLM(model.config)
    with pytest.raises(UserError, match="not in memory"):
        LoadedModel.of(elsewhere, tokenizer)
