import shutil
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen3ForCausalLM

from knm.datastore import MiningOptions, mine
from knm.errors import UserError
from knm.jsonio import read_json, write_json
from knm.models import LoadedModel, load_model
from knm.retrieval import Retriever, corrected, resolve_preset
from tests.datastore.tiny import examples, mine_tiny, tiny_model
from tests.models.gguf_files import write_gguf
from tests.retrieval.stores import store_of

ANOTHER = "mined with another model"


def attach(store, model, tokenizer=None):
    retriever = Retriever(store, resolve_preset("v1"))
    with corrected(model, retriever, tokenizer=tokenizer):
        return model(torch.tensor([[5, 9, 30]])).logits


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return mine_tiny(tmp_path_factory.mktemp("store"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_model_that_was_mined_with_is_taken_in_any_dtype(store, dtype):
    attach(store, tiny_model().model.to(dtype))


def test_another_model_of_the_same_width_is_refused_by_what_it_says(store):
    with pytest.raises(UserError, match=rf"{ANOTHER}: at 64 of its entries Qwen3ForCausalLM"):
        attach(store, tiny_model(seed=1).model)


def test_entries_that_say_nothing_of_a_model_refuse_none(tmp_path):
    few = mine_tiny(tmp_path, MiningOptions(capacity=8))
    for given in (few, store_of(torch.randn(40, 32).numpy())):
        attach(given, tiny_model(seed=1).model)


@pytest.fixture(scope="module")
def saved(embedded, tmp_path_factory):
    """A copy of the embedded model's files, and one of other weights and one of another base."""
    directories = {
        name: tmp_path_factory.mktemp(name) for name in ("same", "tuned", "turned", "spoken")
    }
    for name, directory in directories.items():
        model = Qwen3ForCausalLM.from_pretrained(embedded.model.name_or_path)
        if name == "tuned":  # its head says the same of the same states
            model.model.layers[0].mlp.down_proj.weight.data *= 1.01
        model.save_pretrained(directory)
        embedded.tokenizer.save_pretrained(directory)
    config = read_json(directories["turned"] / "config.json")
    config["rope_parameters"]["rope_theta"] = 40.0
    write_json(directories["turned"] / "config.json", config)
    template = directories["spoken"] / "chat_template.jinja"
    template.write_text(template.read_text() + "\n")
    return directories


@pytest.fixture(scope="module")
def loaded(saved) -> LoadedModel:
    return load_model(str(saved["same"]), device="cpu")


@pytest.fixture(scope="module")
def mined(loaded, tmp_path_factory):
    return mine(loaded, examples(), tmp_path_factory.mktemp("mined"), corpus_hash="tiny")


@pytest.mark.parametrize(
    ("name", "what"),
    [("tuned", "weights"), ("turned", r"config\.json"), ("spoken", "tokenizer")],
)
def test_a_model_from_files_is_known_by_them(saved, mined, loaded, name, what):
    attach(mined, loaded.model, loaded.tokenizer)
    other = load_model(str(saved[name]), device="cpu")
    with pytest.raises(UserError, match=rf"{ANOTHER}: its {what} '\w+' \(.*\), here '\w+'"):
        attach(mined, other.model, other.tokenizer)


def test_a_datastore_that_was_mined_before_configurations_counted_is_taken(saved, mined):
    identity = replace(mined.manifest.model, config_hash=None)
    older = replace(mined, manifest=replace(mined.manifest, model=identity))
    attach(older, load_model(str(saved["turned"]), device="cpu").model)


def test_a_model_from_a_gguf_file_is_known_by_it_whatever_lies_beside(saved, tmp_path):
    """Its directory may well hold the weights that a converter read."""
    shutil.copytree(saved["same"], tmp_path / "both")
    path = tmp_path / "both" / "small.gguf"
    write_gguf(path)
    loaded = load_model(str(path), device="cpu")
    store = mine(loaded, examples(), tmp_path / "store", corpus_hash="tiny")
    attach(store, loaded.model, loaded.tokenizer)
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(UserError, match=rf"{ANOTHER}: its weights"):
        attach(store, load_model(str(path), device="cpu").model, loaded.tokenizer)


def test_a_model_that_was_mined_in_memory_is_known_by_its_tensors(saved, tmp_path):
    """It has files too, whose hashes are none of tensors."""

    def read(name):
        directory = str(saved[name])
        return (
            AutoModelForCausalLM.from_pretrained(directory),
            AutoTokenizer.from_pretrained(directory),
        )

    model, tokenizer = read("same")
    store = mine(LoadedModel.of(model, tokenizer), examples(), tmp_path, corpus_hash="tiny")
    attach(store, *read("same"))
    attach(store, read("same")[0].to(torch.bfloat16), tokenizer)
    for name, what in (("tuned", "weights"), ("turned", "config")):
        with pytest.raises(UserError, match=rf"{ANOTHER}: its {what} '"):
            attach(store, *read(name))
    with pytest.raises(UserError, match=rf"{ANOTHER}: its tokenizer '"):
        attach(store, model, read("spoken")[1])
    model.model.layers[0].mlp.down_proj.weight.data *= 1.01  # trained since
    with pytest.raises(UserError, match=rf"{ANOTHER}: its weights '"):
        attach(store, model, tokenizer)


def test_a_datastore_of_files_is_of_the_model_that_transformers_loads_from_them(mined, saved):
    directory = str(saved["same"])
    model = AutoModelForCausalLM.from_pretrained(directory)
    attach(mined, model, AutoTokenizer.from_pretrained(directory))
