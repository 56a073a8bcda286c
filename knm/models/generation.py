"""What a model's files ask of decoding, of which only the end tokens are heard.

Greedy means one thing here: the most likely token of the logits, corrected by a datastore or not.
Publishers put repetition penalties, temperatures and beams into generation_config.json, or into
config.json as was usual once; engines apply none of it, and reports say what was there.
"""

from pathlib import Path
from typing import Any, Final

from knm.models.gguf import SUFFIX, read_header
from knm.models.identity import CONFIG, GENERATION_CONFIG, read_object

_NO_PROCESSORS: Final = frozenset(
    {
        "_from_model_config",
        "bos_token_id",
        "cache_implementation",
        "decoder_start_token_id",
        "eos_token_id",
        "max_length",
        "max_new_tokens",
        "output_attentions",
        "output_hidden_states",
        "output_logits",
        "output_scores",
        "pad_token_id",
        "return_dict_in_generate",
        "transformers_version",
        "use_cache",
    }
)
"""Fields of generation_config.json that choose no token, or that a run sets by itself."""

_ONCE_IN_CONFIG: Final = frozenset(
    {
        "bad_words_ids",
        "begin_suppress_tokens",
        "diversity_penalty",
        "do_sample",
        "encoder_no_repeat_ngram_size",
        "exponential_decay_length_penalty",
        "forced_bos_token_id",
        "forced_eos_token_id",
        "length_penalty",
        "min_length",
        "no_repeat_ngram_size",
        "num_beam_groups",
        "num_beams",
        "remove_invalid_values",
        "repetition_penalty",
        "suppress_tokens",
        "temperature",
        "top_k",
        "top_p",
        "typical_p",
    }
)


_CONTEXTS: Final = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")
"""What architectures call the length of their context in config.json."""


def named_context(files: Path) -> int | None:
    """How many tokens a model reads and writes together; None where its files do not say.

    `files` is its directory or GGUF file.

    Raises:
        UserError: a file cannot be read.
    """
    if files.suffix == SUFFIX and files.is_file():
        values = read_header(files).values
        found = values.get(f"{values.get('general.architecture')}.context_length")
        return found if isinstance(found, int) else None
    config = read_object(path) if (path := files / CONFIG).is_file() else {}
    inner = config.get("text_config")
    places = [config, inner] if isinstance(inner, dict) else [config]
    lengths = [place[name] for place in places for name in _CONTEXTS if name in place]
    return next((length for length in lengths if type(length) is int), None)


def unapplied_settings(directory: Path) -> dict[str, Any]:
    """What the files of the model in `directory` ask of decoding and engines do not do, by name.

    Raises:
        UserError: a file is not a JSON object.
    """
    before, now = (
        read_object(path) if (path := directory / name).is_file() else {}
        for name in (CONFIG, GENERATION_CONFIG)
    )
    asked = {name: before[name] for name in before.keys() & _ONCE_IN_CONFIG}
    asked |= {name: now[name] for name in now.keys() - _NO_PROCESSORS}
    return {name: asked[name] for name in sorted(asked) if asked[name] is not None}
