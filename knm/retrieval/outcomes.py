"""What trials say of writing another token than the LM's likeliest."""

import torch
from torch import Tensor


def outcome_scores(
    distances: Tensor,
    outcomes: Tensor,
    crashes: Tensor,
    found: Tensor,
    *,
    temperature: float,
    prior: float,
    crash_price: float,
) -> Tensor:
    """The score (B,) float64 of an exchange, each row by itself; -inf where nothing was found.

    `distances` (B, k) squared L2 of the trials, `outcomes` and `crashes` (B, k) theirs; `found`
    (B, k) tells which are there. The mean of `outcome - crash_price * crash`, weighted by
    `exp(-distance / temperature)`, is multiplied by `n / (n + prior)`, n the effective number of
    trials.
    """
    weights = (-distances.double() / temperature).masked_fill(~found, -torch.inf).softmax(1)
    mean = (weights * (outcomes.double() - crash_price * crashes.double())).sum(1)
    number = 1 / weights.square().sum(1)
    return (mean * number / (number + prior)).masked_fill(~found.any(1), -torch.inf)
