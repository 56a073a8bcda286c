"""Tokenizers without the model library, whose import takes seconds."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from knm.errors import UserError, named
from knm.models.identity import ModelIdentity, find_model, find_tokenizer

TokenCounter = Callable[[Sequence[str]], list[int]]


def token_counter(name: str) -> TokenCounter:
    """What tells how many tokens of a model each text has, special tokens not counted.

    Raises:
        UserError: there is no such model, or its tokenizer cannot be read.
    """
    tokenizer = _read(find_model(name), name)

    def count(texts: Sequence[str]) -> list[int]:
        encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [len(entry.ids) for entry in encoded]

    return count


def open_tokenizer(identity: ModelIdentity, name: str | None = None) -> Tokenizer:
    """The tokenizer of a model as the library `tokenizers` has it (see `find_tokenizer`).

    Raises:
        UserError: as there, or it cannot be read.
    """
    return _read(find_tokenizer(identity, name), name or identity.name)


def _read(files: Path, name: str) -> Tokenizer:
    path = files / "tokenizer.json"
    if path.is_file():
        try:
            return Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise UserError(f"{path}: no tokenizer can be read: {error}") from error
    from knm.models.loading import read_tokenizer  # makes one of a GGUF or older files, in seconds

    tokenizer = getattr(read_tokenizer(name), "backend_tokenizer", None)
    if not isinstance(tokenizer, Tokenizer):
        raise UserError(
            f"{named('model')} {name}: no tokenizer.json in its files, and the others give no "
            "tokenizer of that kind; name another model"
        )
    return tokenizer
