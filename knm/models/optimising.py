"""One training loop: examples cut into batches of like length, AdamW, loss on the answers alone.

What it keeps in memory is bounded, so that a real LM fits: a batch may be computed in parts, blocks
may be computed again instead of kept, and logits exist for a stretch of answer tokens at a time.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from knm.errors import UserError, named
from knm.models.capture import find_blocks
from knm.models.head import OutputHead
from knm.progress import progress_bar

WARMUP_STEPS: Final = 20
"""At most: a tenth of a short training."""

HEAD_LOGITS: Final = 2**28
"""Logits that exist at once, at most: in float32 a GiB, and as much again for their gradient."""


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
    """How weights are stepped. `schedule(step, steps)` is a share of the peak `learning_rate`.

    A batch is computed in parts of `part_tokens` tokens, padding included (None: at once); the
    gradient is that of the whole batch. `checkpointing` computes each block again when its gradient
    is due, instead of keeping what it computed. Neither changes a step but for rounding.
    """

    learning_rate: float
    weight_decay: float
    schedule: Callable[[int, int], float]
    part_tokens: int | None = None
    checkpointing: bool = False


def warm_up_and_decay(step: int, steps: int) -> float:
    """Linear warm-up, then linear decay to 0, as a share of the peak learning rate."""
    warmup = max(1, min(WARMUP_STEPS, steps // 10))
    return min(1.0, (step + 1) / warmup) * (1 - step / steps)


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
        batches += _cut(members, full)
    rng.shuffle(batches)
    return batches


def _cut(members: Sequence[Anything], full: Callable[[int, int], bool]) -> list[Sequence[Anything]]:
    """Examples that are sorted by length in runs, each as long as it is not `full`."""
    runs: list[Sequence[Anything]] = []
    run: list[Anything] = []
    for example in members:
        if run and full(len(run) + 1, len(example.ids)):
            runs.append(run)
            run = []
        run.append(example)
    if run:
        runs.append(run)
    return runs


def optimise(
    model: PreTrainedModel,
    batches: Sequence[Sequence[Example]],
    plan: Plan,
    *,
    label: str = "train",
) -> dict[str, float]:
    """Step once for each batch; leaves the model in evaluation mode, on its device.

    Returns figures: steps, tokens (with padding) and loss (nats, a running mean).

    Raises:
        UserError: a batch does not fit in memory, or the training diverged.
    """
    device = torch.device(model.device)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser, head = _optimiser(weights, plan, device), OutputHead(model)
    model.train()
    tokens, recent = 0, torch.zeros((), device=device)
    with ExitStack() as stack:
        if plan.checkpointing:
            stack.enter_context(recomputing(model))
        bar = stack.enter_context(progress_bar(batches, label=label, unit="step"))
        for step, batch in enumerate(bar):
            for group in optimiser.param_groups:
                group["lr"] = plan.learning_rate * plan.schedule(step, len(batches))
            optimiser.zero_grad(set_to_none=True)
            parts = _parts(batch, plan.part_tokens)
            loss = accumulate(model, head, parts)
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            tokens += sum(len(part) * len(part[-1].ids) for part in parts)
            recent = torch.lerp(recent, loss, 1.0 if step == 0 else 0.02)
            if step % 100 == 0:
                bar.set_postfix(loss=f"{recent.item():.4f}")
                _check_finite([recent], plan)
    _check_finite([recent, *weights], plan)
    model.eval()
    return {"steps": len(batches), "tokens": tokens, "loss": recent.item()}


def _check_finite(values: Sequence[Tensor], plan: Plan) -> None:
    # Once the loss is no number the running mean is none, and a last step spoils weights alone.
    if not all(bool(value.isfinite().all()) for value in values):
        raise UserError(
            "the training diverged, its loss or weights are no numbers any more: give a smaller "
            f"{named('learning_rate')} than {plan.learning_rate:g}"
        )


def accumulate(
    model: PreTrainedModel,
    head: OutputHead,
    parts: Sequence[Sequence[Example]],
    most_logits: int = HEAD_LOGITS,
) -> Tensor:
    """Add the gradient of the mean loss over all answer tokens of `parts`; returns it, in nats.

    At most `most_logits` exist at once.

    Raises:
        UserError: a part does not fit in the device's memory.
    """
    device = torch.device(model.device)
    answers = sum(len(example.ids) - example.target_start for part in parts for example in part)
    total = torch.zeros((), device=device)
    for part in parts:
        try:
            loss = _summed_loss(model, head, part, device, most_logits) / answers
            loss.backward()  # type: ignore[no-untyped-call]
        except torch.OutOfMemoryError:
            longest = len(part[-1].ids)
            raise UserError(
                f"out of memory in training on {len(part)} programs of up to {longest} tokens at a "
                f"time: give a smaller {named('batch_tokens')}, or {named('lora')} RANK, which "
                "trains fewer weights"
            ) from None
        total += loss.detach()
    return total


def _parts(batch: Sequence[Example], tokens: int | None) -> list[Sequence[Example]]:
    members = sorted(batch, key=lambda example: len(example.ids))
    return _cut(members, lambda size, longest: tokens is not None and size * longest > tokens)


@contextmanager
def recomputing(model: PreTrainedModel) -> Iterator[None]:
    """Keep, within the `with` block, of each block its input alone; the rest is computed again.

    Raises:
        UserError: the model's blocks cannot be told apart.
    """
    blocks = find_blocks(model, mend=f"use {named('no_checkpointing')}")
    for block in blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)
    try:
        yield
    finally:
        for block in blocks:
            del block.forward  # what hides the class's own


def _optimiser(
    weights: Sequence[nn.Parameter], plan: Plan, device: torch.device
) -> torch.optim.Optimizer:
    matrices = [weight for weight in weights if weight.ndim > 1]
    vectors = [weight for weight in weights if weight.ndim <= 1]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": plan.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=plan.learning_rate,
        betas=(0.9, 0.95),
        fused=device.type == "cuda",
    )


def _collate(batch: Sequence[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Right-padded ids (B, T); where in them, row after row, answers are predicted (N,); them (N,).

    All int64, on the host: so nothing waits for the device to count the answer tokens.
    """
    length = max(len(example.ids) for example in batch)
    ids = torch.zeros((len(batch), length), dtype=torch.int64)
    places, answers = [], []
    for row, example in enumerate(batch):
        sequence = torch.as_tensor(example.ids, dtype=torch.int64)
        end = len(sequence)
        ids[row, :end] = sequence
        places.append(torch.arange(example.target_start - 1, end - 1) + row * length)
        answers.append(sequence[example.target_start :])
    return ids, torch.cat(places), torch.cat(answers)


def _summed_loss(
    model: PreTrainedModel,
    head: OutputHead,
    batch: Sequence[Example],
    device: torch.device,
    most_logits: int,
) -> Tensor:
    """Sum of the cross-entropies of the answers' tokens, in nats.

    Padding is on the right, behind everything that counts, so that neither an attention mask nor a
    particular token is needed for it.
    """
    ids, places, answers = (tensor.to(device, non_blocking=True) for tensor in _collate(batch))
    on_gpu = device.type == "cuda"  # on a CPU bfloat16 gains nothing
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=on_gpu):
        hidden = model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        states = hidden.flatten(0, 1)[places]
        rows = max(1, most_logits // head.weight.shape[0])
        if len(states) <= rows:
            return _head_loss(head, states, answers)
        losses: list[Tensor] = [
            # Logits are made again for their gradient: of one stretch at a time, they are not kept.
            checkpoint(_head_loss, head, *stretch, use_reentrant=False)
            for stretch in zip(torch.split(states, rows), torch.split(answers, rows), strict=True)
        ]
    return torch.stack(losses).sum()


def _head_loss(head: OutputHead, states: Tensor, answers: Tensor) -> Tensor:
    return cross_entropy(head(states).float(), answers, reduction="sum")
