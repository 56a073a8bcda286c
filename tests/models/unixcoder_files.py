"""Files as UniXcoder's are published, small and with random weights: those of an encoder."""

import json
from pathlib import Path

import torch
from tokenizers import pre_tokenizers
from transformers import RobertaConfig, RobertaModel

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
MODES = ("<encoder-only>", "<decoder-only>", "<encoder-decoder>")
CONTEXT = 48


def write_unixcoder(directory: Path) -> Path:
    """Its vocabulary is of bytes and a few pairs; modes are words in it, no special tokens."""
    directory.mkdir(parents=True, exist_ok=True)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = ["Ġ =", "l o", "lo c", "loc a", "loca l", "Ġ local", "= ="]
    words = [*SPECIAL, *MODES, *letters, *(merge.replace(" ", "") for merge in merges)]
    (directory / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (directory / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    (directory / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 1024}))
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>"}
    special |= {"pad_token": "<pad>", "cls_token": "<s>", "mask_token": "<mask>"}
    (directory / "special_tokens_map.json").write_text(json.dumps(special))
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=CONTEXT + 2,
        type_vocab_size=10,
        layer_norm_eps=1e-5,
        initializer_range=0.3,
        output_past=True,
    )
    RobertaModel(config).save_pretrained(directory)
    return directory
