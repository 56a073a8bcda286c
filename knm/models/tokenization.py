"""Counting tokens without loading a model."""

from collections.abc import Callable, Sequence

from tokenizers import Tokenizer

from knm.errors import UserError
from knm.models.identity import find_model

TokenCounter = Callable[[Sequence[str]], list[int]]


def token_counter(name: str) -> TokenCounter:
    """What tells how many tokens of a model each text has, special tokens not counted.

    Raises:
        UserError: there is no such model, or it has neither `tokenizer.json` nor a GGUF file.
    """
    tokenizer = _read(name)

    def count(texts: Sequence[str]) -> list[int]:
        encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [len(entry.ids) for entry in encoded]

    return count


def _read(name: str) -> Tokenizer:
    files = find_model(name)
    if files.is_file():
        from knm.models.loading import read_tokenizer  # takes the model library, and seconds

        backend: Tokenizer = read_tokenizer(name).backend_tokenizer
        return backend
    path = files / "tokenizer.json"
    if not path.is_file():
        raise UserError(f"--model {name}: no tokenizer.json in its files; name another model")
    return Tokenizer.from_file(str(path))
