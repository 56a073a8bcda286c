"""How UniXcoder's tokenizer is known, and how texts begin for it. `unixcoder` is the model."""

from typing import Any, Final

from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerBase

MODE: Final = "<decoder-only>"


def is_unixcoder(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether a tokenizer is that of UniXcoder, as published or as saved here."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend is not None and backend.token_to_id(MODE) is not None


def begin_in_mode(tokenizer: PreTrainedTokenizerBase) -> None:
    """Let texts and prompts begin as the mode wants it, and go on to wherever they end.

    It was not trained on conversations: without a template of its own, a prompt is a text that an
    answer follows in the next line.
    """
    first, last = tokenizer.cls_token, tokenizer.sep_token
    tokenizer.add_special_tokens({"additional_special_tokens": [MODE]})
    prefix = [(str(token), tokenizer.convert_tokens_to_ids(token)) for token in (first, MODE, last)]
    begin = " ".join(token for token, _ in prefix)
    backend: Any = tokenizer.backend_tokenizer
    backend.post_processor = TemplateProcessing(
        single=f"{begin} $A", pair=f"{begin} $A $B", special_tokens=prefix
    )
    if not tokenizer.chat_template:
        tokenizer.chat_template = (
            begin.replace(" ", "")
            + "{% for message in messages %}{{ message.content }}\n{% endfor %}"
        )
