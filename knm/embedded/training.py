"""Training the embedded LM from its recipe: `knm train`."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from transformers import (
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from knm.embedded.recipes import RECIPES, Recipe
from knm.embedded.training_data import TrainingExample, encode_texts, sample_texts
from knm.embedded.training_text import draw_texts
from knm.errors import UserError, named
from knm.jsonio import read_json
from knm.models.optimising import Plan, cut_batches, optimise
from knm.models.saving import TRAINING_NAME, save_trained
from knm.models.tokenizer_training import train_tokenizer
from knm.progress import progress_bar

FINAL_LEARNING_RATE_SHARE = 0.02
BUCKET_SAMPLES = 8192
"""Batches are cut from stretches of this many."""


def train(recipe: Recipe, directory: Path, *, device: str | None = None) -> dict[str, float]:
    """Draw the corpus, train tokenizer and model, and save both for `load_model`.

    Weights are saved in bfloat16. Returns final figures: loss (nats), steps, tokens, parameters.
    """
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    torch.manual_seed(recipe.seed)
    with progress_bar(
        draw_texts(recipe), label="draw", total=recipe.python_samples + recipe.lua_samples
    ) as drawing:
        texts = list(drawing)
    tokenizer = train_tokenizer(sample_texts(texts), recipe.vocab_size)
    examples = encode_texts(tokenizer, texts, recipe.max_length)
    model = build_model(recipe, tokenizer).to(target)
    figures = _optimise(model, examples, recipe)
    figures["parameters"] = sum(weight.numel() for weight in model.parameters())
    save_trained(model, tokenizer, directory, {"recipe": vars(recipe), "figures": figures})
    return figures


def train_models(seeds: Sequence[int], recipe: str, out: Path, device: str | None) -> list[Path]:
    """Models of the recipe with other seeds, in `out`; those that are there are not trained again.

    Raises:
        UserError: there is no such recipe, or a directory holds a model of another one.
    """
    if recipe not in RECIPES:
        raise UserError(f"{named('recipe')} {recipe}: unknown; choose one of {', '.join(RECIPES)}")
    directories = []
    for seed in seeds:
        directory, wanted = out / f"seed-{seed}", replace(RECIPES[recipe], seed=seed)
        path = directory / TRAINING_NAME
        if not path.exists():
            train(wanted, directory, device=device)
        elif read_json(path).get("recipe") != vars(wanted):
            raise UserError(
                f"{directory}: holds a model of another recipe: remove it, or give another "
                f"{named('out')}"
            )
        directories.append(directory)
    return directories


def build_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """A freshly initialised model of the recipe's size, float32."""
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=recipe.hidden_size,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.key_value_heads,
            head_dim=recipe.head_dim,
            intermediate_size=recipe.intermediate_size,
            max_position_embeddings=recipe.max_positions,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def _optimise(
    model: Qwen3ForCausalLM, examples: list[TrainingExample], recipe: Recipe
) -> dict[str, float]:
    rng = random.Random(recipe.seed)

    def full(size: int, longest: int) -> bool:
        return size * longest > recipe.batch_tokens

    batches = [
        batch
        for _ in range(recipe.epochs)
        for batch in cut_batches(examples, BUCKET_SAMPLES, full, rng)
    ]
    if model.device.type == "cuda":
        for layer in model.model.layers:  # one after the other: they share what is compiled
            layer.compile(dynamic=True)

    def schedule(step: int, steps: int) -> float:
        return _schedule(step, steps, recipe)

    plan = Plan(recipe.learning_rate, recipe.weight_decay, schedule)
    return optimise(model, batches, plan)


def _schedule(step: int, steps: int, recipe: Recipe) -> float:
    """Linear warm-up, then cosine decay, as a share of the peak learning rate."""
    cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
    decayed = FINAL_LEARNING_RATE_SHARE + (1 - FINAL_LEARNING_RATE_SHARE) * cosine
    return min(1.0, (step + 1) / recipe.warmup_steps) * decayed
