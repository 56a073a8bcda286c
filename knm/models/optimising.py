"""One training loop: examples cut into batches of like length, AdamW, loss on the answers alone."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from knm.models.head import OutputHead
from knm.progress import progress_bar

IGNORED: Final = -100


class Example(Protocol):
    """Token ids of a prompt and its answer; the answer starts at `target_start`."""

    @property
    def ids(self) -> Any:
        """All tokens: an array or a tuple of whole numbers."""
        ...

    @property
    def target_start(self) -> int:
        """Index of the answer's first token."""
        ...


Anything = TypeVar("Anything", bound=Example)


@dataclass(frozen=True)
class Plan:
    """How weights are stepped. `schedule(step, steps)` is a share of the peak `learning_rate`."""

    learning_rate: float
    weight_decay: float
    schedule: Callable[[int, int], float]


def cut_batches(
    examples: Sequence[Anything],
    stretch: int,
    full: Callable[[int, int], bool],
    rng: random.Random,
) -> list[Sequence[Anything]]:
    """All examples once, shuffled, in batches of like length, themselves in random order.

    Batches are cut from stretches of `stretch` shuffled examples that are sorted by length.
    `full(size, longest)` says whether a batch of `size` examples, the longest of so many tokens, is
    too large.
    """
    order = list(range(len(examples)))
    rng.shuffle(order)
    batches: list[Sequence[Anything]] = []
    for start in range(0, len(order), stretch):
        members = sorted(
            (examples[i] for i in order[start : start + stretch]), key=lambda e: len(e.ids)
        )
        batch: list[Anything] = []
        for example in members:
            if batch and full(len(batch) + 1, len(example.ids)):
                batches.append(batch)
                batch = []
            batch.append(example)
        batches.append(batch)
    rng.shuffle(batches)
    return batches


def optimise(
    model: PreTrainedModel,
    batches: Sequence[Sequence[Example]],
    plan: Plan,
    *,
    label: str = "train",
) -> dict[str, float]:
    """Step once for each batch; leaves the model in evaluation mode, on its device.

    Returns figures: steps, tokens (with padding) and loss (nats, a running mean).
    """
    device = torch.device(model.device)
    optimiser, head = _optimiser(model, plan, device), OutputHead(model)
    model.train()
    tokens, recent = 0, torch.zeros((), device=device)
    with progress_bar(batches, label=label, unit="step") as bar:
        for step, batch in enumerate(bar):
            for group in optimiser.param_groups:
                group["lr"] = plan.learning_rate * plan.schedule(step, len(batches))
            ids, labels = _collate(batch, device)
            loss = _loss(model, head, ids, labels)
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


def _optimiser(model: PreTrainedModel, plan: Plan, device: torch.device) -> torch.optim.Optimizer:
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim <= 1]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": plan.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=plan.learning_rate,
        betas=(0.9, 0.95),
        fused=device.type == "cuda",
    )


def _collate(batch: Sequence[Example], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Right-padded ids (B, T) and next-token labels (B, T), `IGNORED` outside the answers."""
    length = max(len(example.ids) for example in batch)
    ids = torch.zeros((len(batch), length), dtype=torch.int64)
    labels = torch.full((len(batch), length), IGNORED)
    for row, example in enumerate(batch):
        sequence = torch.as_tensor(example.ids, dtype=torch.int64)
        end = len(sequence)
        ids[row, :end] = sequence
        labels[row, example.target_start - 1 : end - 1] = sequence[example.target_start :]
    return ids.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def _loss(
    model: PreTrainedModel, head: OutputHead, ids: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Mean cross-entropy of the answers' tokens, in nats.

    Padding is on the right, behind everything that counts, so that neither an attention mask nor a
    particular token is needed for it.
    """
    on_gpu = ids.device.type == "cuda"  # on a CPU bfloat16 gains nothing
    with torch.autocast(ids.device.type, dtype=torch.bfloat16, enabled=on_gpu):
        hidden = model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        counted = labels != IGNORED
        logits = head(hidden[counted])
    return cross_entropy(logits.float(), labels[counted])
