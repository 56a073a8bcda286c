"""Finding a model's files and telling one model from another, without loading it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError, named
from knm.hashing import hash_file, hash_json
from knm.jsonio import read_json
from knm.models import gguf
from knm.packaged import EMBEDDED, EMBEDDED_MODEL

_HUB_ID: Final = re.compile(r"(\w[\w.-]*/\w[\w.-]*)(?:@(\w[\w./-]*))?")
_HUB_FILES: Final = ["*.json", "*.jinja", "*.safetensors", "*.txt"]
CONFIG: Final = "config.json"
GENERATION_CONFIG: Final = "generation_config.json"
_TOKENIZER_FILES: Final = (
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "chat_template.json",
    "vocab.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.model",
    "sentencepiece.bpe.model",
    "tekken.json",
)
_MORE_CHAT_TEMPLATES: Final = "additional_chat_templates/*.jinja"
_ADAPTER: Final = "adapter_config.json"
_WIDTHS: Final = ("hidden_size", "n_embd", "d_model", "emb_dim")
"""What architectures call the width of their hidden states in config.json."""

_NO_MATTER: Final = frozenset({"transformers_version", "_name_or_path"})
"""Fields of a configuration that say where it is from."""

_IN_MEMORY: Final = " (in memory)"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ModelIdentity:
    """What makes two models the same: hashes of all files that are read, and their sizes.

    `config_hash` is that of config.json and of the weights' index, None where a datastore was mined
    before it was kept. `generation_hash` is that of generation_config.json, None without one: it
    names end tokens and so decides completions, but no hidden state.
    """

    name: str
    weights_hash: str
    tokenizer_hash: str
    dtype: str
    hidden_size: int
    vocab_size: int
    config_hash: str | None = None
    generation_hash: str | None = None

    @staticmethod
    def name_in_memory(name: str) -> str:
        """What a model of that name is called whose identity is that of its tensors."""
        return name + _IN_MEMORY

    @property
    def in_memory(self) -> bool:
        """Whether the hashes are of what was in memory; they never equal those of files."""
        return self.name.endswith(_IN_MEMORY)

    def differences(self, other: "ModelIdentity") -> Iterator[tuple[str, object, object]]:
        """What gives this and another model other hidden states or tokens: name and both values.

        What one of them does not know is no difference.
        """
        for field, what in (
            ("hidden_size", "hidden size"),
            ("weights_hash", "weights"),
            ("config_hash", "config.json"),
            ("tokenizer_hash", "tokenizer"),
        ):
            here, there = getattr(self, field), getattr(other, field)
            if here != there and None not in (here, there):
                yield what, here, there


def find_model(name: str) -> Path:
    """The directory of a model's files, or its GGUF file; a hub id is downloaded if need be.

    Behind a hub id may stand a revision, as in `microsoft/unixcoder-base@refs/pr/1`.

    Raises:
        UserError: the name is neither `embedded`, a GGUF file, a model directory, nor a hub id that
            can be had.
    """
    if name == EMBEDDED:
        return EMBEDDED_MODEL
    path = Path(name)
    if name and path.is_dir():
        return _within(path, name)
    if path.is_file() and path.suffix == gguf.SUFFIX:
        return path
    hub_id = _HUB_ID.fullmatch(name)
    if path.exists() or path.suffix == gguf.SUFFIX or not hub_id:
        raise UserError(
            f"{named('model')} {name}: no such model; give {EMBEDDED!r}, a directory that holds "
            "config.json or one GGUF file, such a file, or a Hugging Face id such as "
            "Qwen/Qwen3-4B-Instruct-2507"
        )
    # Costs as much as all other imports of a command; few ask the hub.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        repository, revision = hub_id.groups()
        files = snapshot_download(repository, revision=revision, allow_patterns=_HUB_FILES)
        return Path(files)
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            f"{named('model')} {name}: no directory of that name, and the Hugging Face hub did not "
            f"give it: {error}; check the name, the network and, for a gated model, your login"
        ) from None


def find_tokenizer(identity: ModelIdentity, name: str | None = None) -> Path:
    """The files of a model's tokenizer; `name` is where the model is now, if elsewhere.

    Raises:
        UserError: no such model, or its tokenizer is another.
    """
    name = name or identity.name
    files = find_model(name)
    theirs = hash_tokenizer(files, name)
    if theirs != identity.tokenizer_hash:
        raise UserError(
            f"{named('model')} {name}: its tokenizer {theirs[:12]} is not the one wanted, "
            f"{identity.tokenizer_hash[:12]} ({identity.name}): name the model it belongs to"
        )
    return files


def _within(directory: Path, name: str) -> Path:
    """What a directory holds: itself, or the one GGUF file in it if there is nothing else.

    Raises:
        UserError: there are several.
    """
    files = sorted(directory.glob(f"*{gguf.SUFFIX}"))
    if not files or (directory / CONFIG).exists():
        return directory
    if len(files) > 1:
        raise UserError(
            f"{named('model')} {name}: holds {len(files)} GGUF files: name one, such as {files[0]}"
        )
    return files[0]


def identify_model(name: str, dtype: str) -> ModelIdentity:
    """A model's identity, read from its files.

    Raises:
        UserError: no such model, its directory lacks a config, a tokenizer or weights, it is an
            adapter, or its GGUF file is not sound.
    """
    files = find_model(name)
    hidden_size, vocab_size = _sizes(files, name)
    return ModelIdentity(
        name=name,
        weights_hash=hash_weights(files, name),
        tokenizer_hash=hash_tokenizer(files, name),
        dtype=dtype,
        hidden_size=hidden_size,
        vocab_size=vocab_size,
        config_hash=hash_config(files),
        generation_hash=_hash_settings_file(files / GENERATION_CONFIG),
    )


def hash_weights(files: Path, name: str) -> str:
    """Hash of the weights in the directory, or the GGUF file, of the model `name`.

    Raises:
        UserError: it holds none, or those of an adapter to another model's.
    """
    if files.is_file():
        return _content_hash(files)
    if (files / _ADAPTER).exists():
        raise UserError(
            f"{named('model')} {name}: {files} holds an adapter ({_ADAPTER}); merge it into its "
            "model first, as with peft's merge_and_unload() and save_pretrained(), and name the "
            "result"
        )
    weights = sorted(files.glob("*.safetensors"))
    if not weights:
        raise UserError(
            f"{named('model')} {name}: {files} holds no *.safetensors weights, nor a GGUF file; if "
            "its weights are GGUF files of the hub, download one and name that file; if they are "
            "pickles (*.bin), which are not read, look there for a pull request that adds "
            "safetensors, and name it as in NAME@refs/pr/1"
        )
    return hash_json({file.name: _content_hash(file) for file in weights})


def hash_config(files: Path) -> str | None:
    """Hash of what the weights in a directory mean: config.json, and which file holds which.

    None for a GGUF file, which holds that beside its weights.

    Raises:
        UserError: there is no config.json, or it is no JSON object.
    """
    if files.is_file():
        return None
    settings = _hash_settings_file(files / CONFIG)
    if settings is None:
        raise UserError(f"{files / CONFIG}: missing; is this the directory of a model?")
    indexes = sorted(files.glob("*.safetensors.index.json"))
    if not indexes:
        return settings
    return hash_json([settings, {file.name: hash_file(file) for file in indexes}])


def hash_tokenizer(files: Path, name: str) -> str:
    """Hash of the tokenizer, chat templates included, of the model `name` in a directory or a GGUF.

    Raises:
        UserError: it holds none.
    """
    if files.is_file():
        return _content_hash(files)
    found = {file: files / file for file in _TOKENIZER_FILES if (files / file).is_file()}
    if not found:
        raise UserError(f"{named('model')} {name}: {files} holds no tokenizer")
    for more in files.glob(_MORE_CHAT_TEMPLATES):
        found[more.relative_to(files).as_posix()] = more
    return hash_json({file: hash_file(path) for file, path in found.items()})


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a model.

    Raises:
        UserError: there is none.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise UserError(f"{path}: expected a JSON object; is this the directory of a model?")
    return value


def _hash_settings_file(path: Path) -> str | None:
    """Hash of the settings in a JSON file, however they are written; None where it is missing."""
    if not path.is_file():
        return None
    return hash_settings(read_object(path))


def hash_settings(settings: Mapping[str, Any]) -> str:
    """Hash of a configuration, but for what says where it is from."""
    return hash_json({name: settings[name] for name in settings if name not in _NO_MATTER})


def _sizes(files: Path, name: str) -> tuple[int, int]:
    """Width of the hidden states, and size of the vocabulary, in a directory or a GGUF file."""
    if files.is_file():
        header = gguf.read_header(files)
        hidden_size = header.of_model("embedding_length")
        vocabulary = header.shapes.get("token_embd.weight", ())
        if not isinstance(hidden_size, int) or not vocabulary:
            raise UserError(f"{named('model')} {name}: {files} names no sizes of a causal LM")
        return hidden_size, vocabulary[0]
    config = read_object(files / CONFIG)
    inner = config.get("text_config")
    text = inner if isinstance(inner, dict) else config
    found = []
    for names in (_WIDTHS, ("vocab_size",)):
        given = [text[field] for field in names if isinstance(text.get(field), int)]
        if not given:
            raise UserError(
                f"{named('model')} {name}: {files / CONFIG} names no {' or '.join(names)}; is it a "
                "causal LM?"
            )
        found.append(given[0])
    return found[0], found[1]


def _content_hash(file: Path) -> str:
    """SHA-256 of a file; the hub's cache names large files by it, which spares reading them."""
    blob = file.resolve()
    if _SHA256.fullmatch(blob.name):
        return blob.name
    state = blob.stat()
    return _hash_once(blob, state.st_size, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=256)
def _hash_once(file: Path, size: int, changed_ns: int, inode: int) -> str:
    """Hash a file that has not changed since; weights are large and are asked for repeatedly."""
    del size, changed_ns, inode
    return hash_file(file)
