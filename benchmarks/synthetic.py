"""Models, prompts and datastores of given shapes, without training or mining anything."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from transformers import Qwen3Config, Qwen3ForCausalLM

from knm.datastore import PROVENANCE_DTYPE, Datastore, Projection, RecordOrigin
from knm.datastore.exact import stored_keys
from knm.datastore.manifest import Calibration, Manifest
from knm.models import LoadedModel, ModelIdentity
from knm.records import Request
from knm.retrieval import Neighbours, Retriever, Searcher, resolve_preset

SHAPES: Final[dict[str, dict[str, int]]] = {
    "qwen3-4b": {
        "vocab_size": 151_936,
        "hidden_size": 2560,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "intermediate_size": 9728,
        "max_position_embeddings": 8192,
    },
    "tiny": {
        "vocab_size": 1024,
        "hidden_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 64,
        "intermediate_size": 512,
        "max_position_embeddings": 2048,
    },
}


class NumberTokenizer:
    """Token 12 is written `12`."""

    chat_template = None
    eos_token_id = -1
    name_or_path = "numbers"

    def __call__(self, text: str | list[str], **_: Any) -> dict[str, Any]:
        if isinstance(text, str):
            return {"input_ids": [int(word) for word in text.split()]}
        return {"input_ids": [self(each)["input_ids"] for each in text]}

    def decode(self, tokens: Any, **_: Any) -> str:
        return "".join(f" {token}" for token in tokens)

    def __len__(self) -> int:
        return max(sizes["vocab_size"] for sizes in SHAPES.values())

    def batch_decode(self, texts: list[list[int]]) -> list[str]:
        return [self.decode(tokens) for tokens in texts]


def random_model(shape: str, device: str) -> LoadedModel:
    """A model of random weights that never ends a completion."""
    sizes = SHAPES[shape]
    config = Qwen3Config(**sizes, tie_word_embeddings=False, bos_token_id=None, eos_token_id=None)
    config.dtype = torch.bfloat16
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            model = Qwen3ForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(default)
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0
    tokenizer: Any = NumberTokenizer()
    identity = ModelIdentity(
        shape, "random", "numbers", "bfloat16", sizes["hidden_size"], sizes["vocab_size"]
    )
    return LoadedModel(model, tokenizer, identity)


def random_prompts(count: int, length: int, vocabulary: int, seed: int = 0) -> list[list[int]]:
    """Prompts of random tokens."""
    draw = np.random.default_rng(seed)
    return [draw.integers(2, vocabulary, length).tolist() for _ in range(count)]


def as_requests(prompts: list[list[int]], new_tokens: int) -> list[Request]:
    """Requests for completions of prompts."""
    return [
        Request(f"p{n}", " ".join(map(str, ids)), chat=False, max_new_tokens=new_tokens)
        for n, ids in enumerate(prompts)
    ]


def random_datastore(loaded: LoadedModel, rows: int, dim: int, device: str) -> Datastore:
    """Normally distributed keys, float16, and random values."""
    generator = torch.Generator(device).manual_seed(0)
    keys = np.empty((rows, dim), np.float16)
    for start in range(0, rows, 1 << 17):
        piece = keys[start : start + (1 << 17)]
        drawn = torch.randn(piece.shape, generator=generator, device=device, dtype=torch.float16)
        piece[:] = drawn.cpu().numpy()
    values = np.random.default_rng(0).integers(2, loaded.identity.vocab_size, rows)
    manifest = Manifest(
        model=loaded.identity,
        key_dtype="float16",
        dim=dim,
        capacity=rows,
        corpus_hash="random",
        examples_hash="random",
        mining={},
        packages={},
        count=rows,
        content_hash="random",
        calibration=Calibration(float(dim), None, None),
    )
    provenance = np.zeros(rows, PROVENANCE_DTYPE)
    return Datastore(
        Path("random"),
        manifest,
        keys,
        values.astype(np.int32),
        provenance,
        (RecordOrigin("random"),),
    )


class HostFaiss:
    """What published wrappers do: a flat Faiss index, asked from the host at each step."""

    on_device = False

    def __init__(self, datastore: Datastore) -> None:
        import faiss

        self._datastore = datastore
        self._index = faiss.IndexFlatL2(datastore.manifest.dim)
        for start in range(0, len(datastore), 1 << 17):
            self._index.add(datastore.read_keys(slice(start, start + (1 << 17))))
        self._values = torch.from_numpy(datastore.values.astype("int64"))

    def keys(self, ids: Tensor) -> Tensor:
        """The stored keys of `ids`."""
        return stored_keys(self._datastore, ids.clamp_min(0))

    def search(self, queries: Tensor, k: int) -> Neighbours:
        """Find the k nearest entries."""
        found, labels = self._index.search(queries.float().cpu().numpy(), k)
        ids = torch.from_numpy(labels)
        device = queries.device
        return Neighbours(
            torch.from_numpy(found).to(device), ids.to(device), self._values[ids].to(device)
        )


def retriever_of(
    loaded: LoadedModel, datastore: Datastore, searcher: Searcher | None = None
) -> Retriever:
    """A retriever whose keys may be narrower than the model, as after a PCA."""
    width, dim = loaded.identity.hidden_size, datastore.manifest.dim
    if width != dim:
        matrix = np.random.default_rng(0).standard_normal((width, dim), np.float32) * width**-0.5
        projection = Projection("pca", np.zeros(width, np.float32), matrix.astype(np.float32))
        manifest = replace(datastore.manifest, projection=projection.info)
        datastore = replace(datastore, manifest=manifest, projection=projection)
    preset = resolve_preset("v1", lmbda=0.25, temperature=float(dim))
    return Retriever(datastore, preset, searcher, device=loaded.device)
