"""Training the embedded LM from its recipe: `knm train`."""

import math
import random
from collections.abc import Iterator
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from knm.jsonio import write_json
from knm.models.recipes import Recipe
from knm.models.training_data import TrainingExample, encode_texts, train_tokenizer
from knm.models.training_text import draw_texts
from knm.progress import progress_bar

IGNORED = -100
FINAL_LEARNING_RATE_SHARE = 0.02
BUCKET_SAMPLES = 8192
"""Batches are cut from stretches of this many shuffled samples, sorted by length."""


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
    tokenizer = train_tokenizer(texts, recipe.vocab_size)
    examples = encode_texts(tokenizer, texts, recipe.max_length)
    model = build_model(recipe, tokenizer).to(target)
    figures = _optimise(model, examples, recipe, target)
    figures["parameters"] = sum(weight.numel() for weight in model.parameters())
    directory.mkdir(parents=True, exist_ok=True)
    model.to(torch.bfloat16).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    write_json(directory / "training.json", {"recipe": vars(recipe), "figures": figures})
    return figures


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
    model: Qwen3ForCausalLM, examples: list[TrainingExample], recipe: Recipe, device: torch.device
) -> dict[str, float]:
    rng = random.Random(recipe.seed)
    epochs = [_batches(examples, recipe.batch_tokens, rng) for _ in range(recipe.epochs)]
    batches = [batch for epoch in epochs for batch in epoch]
    optimiser = _optimiser(model, recipe, device)
    model.train()
    if device.type == "cuda":
        for layer in model.model.layers:  # one after the other: they share what is compiled
            layer.compile(dynamic=True)
    tokens, recent = 0, torch.zeros((), device=device)
    with progress_bar(batches, label="train", unit="step") as bar:
        for step, batch in enumerate(bar):
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * _schedule(step, len(batches), recipe)
            ids, labels = _collate(batch, model.config.pad_token_id, device)
            loss = _loss(model, ids, labels)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            tokens += ids.numel()
            recent = torch.lerp(recent, loss.detach(), 1.0 if step == 0 else 0.02)
            if step % 100 == 0:
                bar.set_postfix(loss=f"{recent.item():.4f}")
    model.eval()
    return {"steps": len(batches), "tokens": tokens, "loss": recent.item()}


def _optimiser(
    model: Qwen3ForCausalLM, recipe: Recipe, device: torch.device
) -> torch.optim.Optimizer:
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim <= 1]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.95),
        fused=device.type == "cuda",
    )


def _schedule(step: int, steps: int, recipe: Recipe) -> float:
    """Linear warm-up, then cosine decay, as a share of the peak learning rate."""
    cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
    decayed = FINAL_LEARNING_RATE_SHARE + (1 - FINAL_LEARNING_RATE_SHARE) * cosine
    return min(1.0, (step + 1) / recipe.warmup_steps) * decayed


def _batches(
    examples: list[TrainingExample], batch_tokens: int, rng: random.Random
) -> Iterator[list[TrainingExample]]:
    order = list(range(len(examples)))
    rng.shuffle(order)
    batches: list[list[TrainingExample]] = []
    for start in range(0, len(order), BUCKET_SAMPLES):
        stretch = sorted(
            (examples[i] for i in order[start : start + BUCKET_SAMPLES]), key=lambda e: len(e.ids)
        )
        batch: list[TrainingExample] = []
        for example in stretch:
            if batch and (len(batch) + 1) * len(example.ids) > batch_tokens:
                batches.append(batch)
                batch = []
            batch.append(example)
        batches.append(batch)
    rng.shuffle(batches)
    return iter(batches)


def _collate(
    batch: list[TrainingExample], pad: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Right-padded ids (B, T) and next-token labels (B, T), `IGNORED` outside the answers."""
    length = max(len(example.ids) for example in batch)
    ids = torch.full((len(batch), length), pad)
    labels = torch.full((len(batch), length), IGNORED)
    for row, example in enumerate(batch):
        sequence = torch.from_numpy(example.ids).long()
        end = len(sequence)
        ids[row, :end] = sequence
        labels[row, example.target_start - 1 : end - 1] = sequence[example.target_start :]
    return ids.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def _loss(model: Qwen3ForCausalLM, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of the answers' tokens, in nats.

    Padding is on the right, behind everything that counts, so that no attention mask is needed.
    """
    with torch.autocast(ids.device.type, dtype=torch.bfloat16):
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
        counted = labels != IGNORED
        logits = model.lm_head(hidden[counted])
    return cross_entropy(logits.float(), labels[counted])
