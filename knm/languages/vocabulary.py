"""What each token of a vocabulary writes: its bytes, or its text."""

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from knm.errors import UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_BYTE_TOKEN: Final = re.compile(r"<0x([0-9A-F]{2})>")
_SPACE: Final = "\u2581"  # how vocabularies of SentencePiece write a space


def token_bytes(tokenizer: Any, size: int) -> tuple[bytes, ...]:
    """What each of the tokens 0 to `size` - 1 writes; nothing for special and unused ones.

    Raises:
        UserError: the tokenizer is of a kind whose tokens have no bytes of their own.
    """
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    decoder = getattr(backend, "decoder", None)
    kinds = set() if decoder is None else _decoder_kinds(json.loads(decoder.__getstate__()))
    if "ByteLevel" in kinds:
        read = _read_byte_level
    elif "ByteFallback" in kinds:
        read = _read_sentence_piece
    else:
        name = getattr(tokenizer, "name_or_path", type(tokenizer).__name__)
        raise UserError(
            f"tokenizer {name!r}: not of bytes, so that no lexer can follow its tokens: leave "
            "token_types out of the preset"
        )
    texts = [b""] * size
    for text, token in backend.get_vocab(with_added_tokens=False).items():
        if token < size:
            texts[token] = read(text)
    for token, added in backend.get_added_tokens_decoder().items():
        if token < size:
            texts[token] = b"" if added.special else added.content.encode()
    return tuple(texts)


def token_texts(tokenizer: "Tokenizer", tokens: Iterable[int]) -> dict[int, str]:
    """How each of `tokens` is written; special tokens have no text."""
    return {
        token: str(tokenizer.decode([token], skip_special_tokens=True))
        for token in map(int, tokens)
    }


def _decoder_kinds(description: dict[str, Any]) -> set[str]:
    parts = description.get("decoders", ())
    return {description["type"]}.union(*map(_decoder_kinds, parts))


def _read_byte_level(text: str) -> bytes:
    return bytes(_BYTE_OF[character] for character in text)


def _read_sentence_piece(text: str) -> bytes:
    byte = _BYTE_TOKEN.fullmatch(text)
    return bytes([int(byte[1], 16)]) if byte else text.replace(_SPACE, " ").encode()


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's: printable bytes stand for themselves, the others for characters from 256 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {
        chr(256 + place): byte for place, byte in enumerate(others)
    }


_BYTE_OF: Final = _byte_alphabet()
