"""A tiny random model and solved examples for it, the same in every process."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from knm.datastore import Datastore, MiningOptions, MiningStatistics, mine
from knm.datastore.commits import CommitPolicy
from knm.datastore.manifest import MANIFEST_NAME
from knm.datastore.store import LIKELY_NAME, hash_content
from knm.jsonio import write_json
from knm.models import EncodedExample, LoadedModel, ModelIdentity

VOCAB = 64
HIDDEN = 32
CORPUS_HASH = "corpus"
MANY = 250


class Numbers:
    """Writes token 12 as `12`, and the tokens that divide by five as names."""

    def decode(self, tokens: list[int], **_: Any) -> str:
        return " ".join(f"n{token}" if token % 5 == 0 else str(token) for token in tokens)

    def __len__(self) -> int:
        return VOCAB

    def batch_decode(self, texts: list[list[int]]) -> list[str]:
        return [self.decode(tokens) for tokens in texts]


def tiny_model(*, tied: bool = False, seed: int = 0) -> LoadedModel:
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=VOCAB,
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        intermediate_size=48,
        tie_word_embeddings=tied,
        initializer_range=0.5,  # spreads the hidden states apart
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
    )
    model = Qwen3ForCausalLM(config).eval()
    identity = ModelIdentity(
        "tiny", f"weights-{seed}", "tokenizer", "float32", HIDDEN, VOCAB, "config", "generation"
    )
    return LoadedModel(model, cast(Any, Numbers()), identity)


def examples(count: int = 12, *, seed: int = 0) -> list[EncodedExample]:
    """Random prompts of 3-9 tokens, random answers of 4-12 that end with token 1."""
    draw = np.random.default_rng(seed)
    made = []
    for number in range(count):
        prompt = draw.integers(2, VOCAB, draw.integers(3, 10)).tolist()
        answer = [*draw.integers(2, VOCAB, draw.integers(3, 12)).tolist(), 1]
        made.append(EncodedExample(f"record-{number}", (*prompt, *answer), len(prompt)))
    return made


def mine_tiny(directory: Path, options: MiningOptions | None = None, **changes: Any) -> Datastore:
    """Mine `examples()` with the tiny model; small batches, so that there are several."""
    arguments: dict[str, Any] = {"examples": examples(), "corpus_hash": CORPUS_HASH, **changes}
    if "loaded" not in arguments:
        arguments["loaded"] = tiny_model()
    options = options or MiningOptions(batch_tokens=40)
    return mine(directory=directory, options=options, **arguments)


def without_likely(store: Datastore, directory: Path) -> Datastore:
    """A copy in `directory` as format 4 had it: without what the LM held likeliest."""
    shutil.copytree(store.path, directory, ignore=shutil.ignore_patterns(LIKELY_NAME))
    older = replace(store.manifest, likely=False, format_version=4)
    older = replace(older, content_hash=hash_content(directory, older))
    data = asdict(older)
    del data["likely"]
    write_json(directory / MANIFEST_NAME, data)
    return Datastore.open(directory)


def seen_by(store: Datastore) -> MiningStatistics:
    """The statistics of a datastore that was mined."""
    assert store.manifest.statistics is not None
    return store.manifest.statistics


def mine_many(directory: Path) -> None:
    """Mine long enough to be killed on the way; every batch is committed."""
    torch.set_num_threads(1)
    mine_tiny(directory, examples=examples(MANY), commits=CommitPolicy(seconds=0.0))
