import json
from dataclasses import replace

import pytest
import torch

from knm.embedded.recipes import RECIPES
from knm.embedded.training import train, train_models
from knm.embedded.training_data import encode_texts
from knm.embedded.training_text import draw_texts
from knm.errors import UserError
from knm.jsonio import read_json
from knm.models import encode_example, load_model

TINY = replace(RECIPES["tiny"], python_samples=30, lua_samples=10)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    directory = tmp_path_factory.mktemp("trained")
    train(TINY, directory, device="cpu")
    return directory


def test_a_trained_model_loads_like_any_other(trained):
    loaded = load_model(str(trained), device="cpu")
    assert loaded.identity.hidden_size == TINY.hidden_size
    assert read_json(trained / "training.json")["recipe"] == json.loads(json.dumps(vars(TINY)))


def test_the_same_recipe_gives_the_same_model(trained, tmp_path):
    train(TINY, tmp_path, device="cpu")
    first, second = (load_model(str(path), device="cpu") for path in (trained, tmp_path))
    assert first.identity.tokenizer_hash == second.identity.tokenizer_hash
    for left, right in zip(first.model.parameters(), second.model.parameters(), strict=True):
        torch.testing.assert_close(left, right)


def test_models_of_seeds_are_trained_once(tmp_path):
    first = train_models([3, 4], "tiny", tmp_path, "cpu")
    assert [path.name for path in first] == ["seed-3", "seed-4"]
    times = [(path / "training.json").stat().st_mtime_ns for path in first]
    again = train_models([3, 4], "tiny", tmp_path, "cpu")
    assert [(path / "training.json").stat().st_mtime_ns for path in again] == times
    with pytest.raises(UserError, match="holds a model of another recipe"):
        train_models([3], "embedded", tmp_path, "cpu")


def test_python_is_plentiful_and_lua_scarce_in_the_training_text():
    recipe = RECIPES["embedded"]
    assert recipe.python_samples >= 20 * recipe.lua_samples
    languages = [completion.split("\n")[0] for _, completion in draw_texts(TINY)]
    assert languages == ["```python"] * 30 + ["```lua"] * 10


def test_texts_are_encoded_as_examples_are(embedded):
    texts = list(draw_texts(TINY))
    for (prompt, completion), encoded in zip(
        texts, encode_texts(embedded.tokenizer, texts, 768), strict=True
    ):
        example = encode_example(embedded.tokenizer, "r", prompt, completion)
        assert tuple(encoded.ids.tolist()) == example.ids
        assert encoded.target_start == example.target_start


def test_texts_that_are_too_long_are_left_out(embedded):
    texts = list(draw_texts(TINY))
    lengths = [len(example.ids) for example in encode_texts(embedded.tokenizer, texts, 10_000)]
    bound = sorted(lengths)[len(lengths) // 2]
    kept = encode_texts(embedded.tokenizer, texts, bound)
    assert len(kept) == sum(length <= bound for length in lengths) < len(texts)
