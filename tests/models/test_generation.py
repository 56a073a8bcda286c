import pytest

from knm.errors import UserError
from knm.jsonio import write_json
from knm.models import find_model
from knm.models.generation import named_context, unapplied_settings
from knm.packaged import EMBEDDED


def test_the_embedded_model_asks_for_nothing():
    assert unapplied_settings(find_model(EMBEDDED)) == {}


def test_what_is_asked_of_decoding_is_named_and_end_tokens_are_not(tmp_path):
    write_json(
        tmp_path / "generation_config.json",
        {
            "do_sample": True,
            "eos_token_id": [151645, 151643],
            "pad_token_id": 151643,
            "repetition_penalty": 1.05,
            "temperature": 0.7,
            "top_k": None,
            "transformers_version": "4.37.0",
        },
    )
    write_json(tmp_path / "config.json", {"hidden_size": 8, "no_repeat_ngram_size": 3})
    assert unapplied_settings(tmp_path) == {
        "do_sample": True,
        "no_repeat_ngram_size": 3,
        "repetition_penalty": 1.05,
        "temperature": 0.7,
    }


def test_a_file_that_is_no_object_is_named(tmp_path):
    (tmp_path / "generation_config.json").write_text("[]")
    with pytest.raises(UserError, match=r"generation_config\.json: expected a JSON object"):
        unapplied_settings(tmp_path)


def test_the_context_is_what_the_files_say(tmp_path):
    assert named_context(find_model(EMBEDDED)) == 2048
    assert named_context(tmp_path) is None
    write_json(tmp_path / "config.json", {"n_positions": 512})
    assert named_context(tmp_path) == 512
    write_json(tmp_path / "config.json", {"text_config": {"max_position_embeddings": 64}})
    assert named_context(tmp_path) == 64
