"""Finding a model's files and telling one model from another, without loading it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from knm.errors import UserError
from knm.hashing import hash_file, hash_json
from knm.jsonio import read_json
from knm.models import gguf

EMBEDDED: Final = "embedded"
EMBEDDED_DIRECTORY: Final = Path(__file__).parent / "embedded"
_HUB_ID: Final = re.compile(r"\w[\w.-]*/\w[\w.-]*")
_HUB_FILES: Final = ["*.json", "*.jinja", "*.safetensors", "*.txt"]
_TOKENIZER_FILES: Final = (
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ModelIdentity:
    """What makes two models the same: hashes of weights and tokenizer, and their sizes."""

    name: str
    weights_hash: str
    tokenizer_hash: str
    dtype: str
    hidden_size: int
    vocab_size: int


def find_model(name: str) -> Path:
    """The directory of a model's files, or its GGUF file; a hub id is downloaded if need be.

    Raises:
        UserError: the name is neither `embedded`, a GGUF file, a model directory, nor a hub id that
            can be had.
    """
    if name == EMBEDDED:
        return EMBEDDED_DIRECTORY
    path = Path(name)
    if name and path.is_dir():
        return _within(path, name)
    if path.is_file() and path.suffix == gguf.SUFFIX:
        return path
    if path.exists() or path.suffix == gguf.SUFFIX or not _HUB_ID.fullmatch(name):
        raise UserError(
            f"--model {name}: no such model; give {EMBEDDED!r}, a directory that holds "
            "config.json or one GGUF file, such a file, or a Hugging Face id such as "
            "Qwen/Qwen3-4B-Instruct-2507"
        )
    try:
        return Path(snapshot_download(name, allow_patterns=_HUB_FILES))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            f"--model {name}: no directory of that name, and the Hugging Face hub did not give "
            f"it: {error}; check the name, the network and, for a gated model, your login"
        ) from None


def _within(directory: Path, name: str) -> Path:
    """What a directory holds: itself, or the one GGUF file in it if there is nothing else.

    Raises:
        UserError: there are several.
    """
    files = sorted(directory.glob(f"*{gguf.SUFFIX}"))
    if not files or (directory / "config.json").exists():
        return directory
    if len(files) > 1:
        raise UserError(
            f"--model {name}: holds {len(files)} GGUF files: name one, such as {files[0]}"
        )
    return files[0]


def identify_model(name: str, dtype: str) -> ModelIdentity:
    """A model's identity, read from its files.

    Raises:
        UserError: no such model, or its directory lacks a config, a tokenizer or weights.
    """
    directory = find_model(name)
    if directory.suffix == gguf.SUFFIX and directory.is_file():
        return _identify_gguf(directory, name, dtype)
    config = _text_config(directory, name)
    weights = sorted(directory.glob("*.safetensors"))
    if not weights:
        raise UserError(
            f"--model {name}: {directory} holds no *.safetensors weights, nor a GGUF file; if its "
            "weights are GGUF files of the hub, download one and name that file"
        )
    return ModelIdentity(
        name=name,
        weights_hash=hash_json({file.name: _content_hash(file) for file in weights}),
        tokenizer_hash=hash_tokenizer(directory, name),
        dtype=dtype,
        hidden_size=config["hidden_size"],
        vocab_size=config["vocab_size"],
    )


def _identify_gguf(path: Path, name: str, dtype: str) -> ModelIdentity:
    """The identity of a model in one file: what it holds is that file's content."""
    header = gguf.read_header(path)
    hidden_size = header.of_model("embedding_length")
    vocabulary = header.shapes.get("token_embd.weight", ())
    if not isinstance(hidden_size, int) or not vocabulary:
        raise UserError(f"--model {name}: {path} names no sizes of a causal LM")
    return ModelIdentity(
        name=name,
        weights_hash=_content_hash(path),
        tokenizer_hash=hash_tokenizer(path, name),
        dtype=dtype,
        hidden_size=hidden_size,
        vocab_size=vocabulary[0],
    )


def hash_tokenizer(directory: Path, name: str) -> str:
    """Hash of the tokenizer in the directory, or the GGUF file, of the model `name`.

    Raises:
        UserError: it holds none.
    """
    if directory.is_file():
        return _content_hash(directory)
    files = [directory / file for file in _TOKENIZER_FILES if (directory / file).is_file()]
    if not files:
        raise UserError(f"--model {name}: {directory} holds no tokenizer")
    return hash_json({file.name: hash_file(file) for file in files})


def _text_config(directory: Path, name: str) -> dict[str, Any]:
    config = read_json(directory / "config.json")
    text_config: dict[str, Any] = config.get("text_config", config)
    for field in ("hidden_size", "vocab_size"):
        if not isinstance(text_config.get(field), int):
            raise UserError(
                f"--model {name}: {directory / 'config.json'} names no {field}; is it a causal LM?"
            )
    return text_config


def _content_hash(file: Path) -> str:
    """SHA-256 of a file; the hub's cache names large files by it, which spares reading them."""
    blob = file.resolve().name
    return blob if _SHA256.fullmatch(blob) else hash_file(file)
