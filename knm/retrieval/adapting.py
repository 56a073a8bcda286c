"""Training an adaptor on the entries of a datastore, each against what other records offer."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from knm.datastore import Datastore
from knm.datastore.calibration import COST, TEMPERATURE_SCALE, neighbours_of_others, sample_rows
from knm.errors import UserError, named
from knm.retrieval.adaptor import FEATURES, Adaptor, step_features
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.votes import Votes

# What the LM gives a right token that is not its likeliest one, as a share of what that one leaves.
# Entries do not tell; the value matters little, since a mistake is mended by the neighbours or not.
_RUNNER_UP: Final = 0.3
_LEAST: Final = 1e-6


@dataclass(frozen=True)
class AdaptorOptions:
    """`sample` entries of each kind (mistakes, right ones), a hidden layer of `hidden` units."""

    sample: int = 10_000
    hidden: int = 16
    steps: int = 800
    learning_rate: float = 0.01
    held_out: float = 0.2
    seed: int = 0


@dataclass(frozen=True)
class _Steps:
    """Training steps: features (n, F); what LM and neighbours give the right token (n,); shares."""

    features: Tensor
    lm: Tensor
    knn: Tensor
    share: Tensor

    def at(self, rows: Tensor) -> "_Steps":
        return _Steps(self.features[rows], self.lm[rows], self.knn[rows], self.share[rows])

    def loss(self, weight: Tensor) -> Tensor:
        """Negative log likelihood of the right tokens under the mixture, in nats a token."""
        mixed = (1 - weight) * self.lm + weight * self.knn + _LEAST
        return -(mixed.log() * self.share).sum() / self.share.sum()


@dataclass(frozen=True)
class _Network:
    """What is trained: `hidden` (F, H), `hidden_bias` (H,), `out` (H,), `out_bias` ()."""

    hidden: Tensor
    hidden_bias: Tensor
    out: Tensor
    out_bias: Tensor

    def weight(self, x: Tensor) -> Tensor:
        """The weights (n,) of standardised features (n, F)."""
        hidden = torch.nn.functional.silu(x @ self.hidden + self.hidden_bias)
        return torch.sigmoid(hidden @ self.out + self.out_bias)


def train_adaptor(
    datastore: Datastore, device: torch.device, options: AdaptorOptions | None = None
) -> Adaptor:
    """Train an adaptor; the same datastore and options give the same one.

    Raises:
        UserError: the entries cannot tell when the LM is right and when it is not.
    """
    options = options or AdaptorOptions()
    datastore.expect_tokens("an adaptor", "their own policy is measured when they are mined")
    calibration = datastore.manifest.calibration
    if calibration is None or calibration.reliability is None:
        raise UserError(
            f"{datastore.path}: holds too little to learn a weight from: entries where the LM was "
            f"wrong and entries where it was right; mine with {named('positions')} all"
        )
    scale = calibration.mistake_distance_median
    assert scale
    temperature = scale * TEMPERATURE_SCALE
    kinds = [sample_rows(datastore, options.sample, wrong=wrong) for wrong in (True, False)]
    steps = _steps(datastore, np.concatenate(kinds), device, scale, temperature)
    error_rate = calibration.reliability.error_rate
    share = torch.cat(
        [
            torch.full((len(kinds[0]),), error_rate / max(1, len(kinds[0])), dtype=torch.float64),
            torch.full(
                (len(kinds[1]),), COST * (1 - error_rate) / len(kinds[1]), dtype=torch.float64
            ),
        ]
    )
    steps = _Steps(steps.features, steps.lm, steps.knn, share * len(share))
    generator = torch.Generator().manual_seed(options.seed)
    order = torch.randperm(len(share), generator=generator)
    cut = int(len(order) * options.held_out)
    seen, unseen = steps.at(order[cut:]), steps.at(order[:cut])
    mean, deviation = seen.features.mean(0), seen.features.std(0).clamp_min(1e-3)
    network = _train(seen, mean, deviation, options, generator)
    x = (unseen.features - mean) / deviation
    learned = network.weight(x).detach()
    return Adaptor(
        content=datastore.content_hash,
        scale=scale,
        temperature=temperature,
        mean=mean.tolist(),
        deviation=deviation.tolist(),
        hidden=network.hidden.tolist(),
        hidden_bias=network.hidden_bias.tolist(),
        out=network.out.tolist(),
        out_bias=network.out_bias.item(),
        figures={
            "sampled": len(share),
            "loss_lm": float(unseen.loss(torch.zeros_like(learned))),
            "loss_static": float(unseen.loss(torch.full_like(learned, 0.9))),
            "loss_learned": float(unseen.loss(learned)),
            "mean_weight": float((learned * unseen.share).sum() / unseen.share.sum()),
        },
    )


def _steps(
    datastore: Datastore,
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
    device: torch.device,
    scale: float,
    temperature: float,
) -> _Steps:
    entries = neighbours_of_others(datastore, rows, device)
    distances = torch.from_numpy(entries.distances)
    found = distances.isfinite()
    values = torch.from_numpy(entries.values.astype("int64"))
    # Which entry it is makes no difference here, only whether there is one.
    neighbours = Neighbours(distances, found.long() - 1, values.masked_fill(~found, 0))
    right, predicted = (
        torch.from_numpy(part.astype("int64")) for part in (entries.right, entries.predicted)
    )
    probability = torch.from_numpy(entries.probability).clamp(0, 1)
    votes = Votes.count(neighbours, temperature)
    log_confidence = probability.clamp_min(1e-12).log()
    features = step_features(log_confidence, predicted, neighbours, votes, scale)
    matching = (neighbours.values == right[:, None]) & votes.found
    knn = votes.log_sums.masked_fill(~matching, -torch.inf).amax(1).exp()
    lm = torch.where(predicted == right, probability, (1 - probability) * _RUNNER_UP)
    return _Steps(features.nan_to_num(), lm, knn.nan_to_num(), torch.ones_like(lm))


def _train(
    steps: _Steps,
    mean: Tensor,
    deviation: Tensor,
    options: AdaptorOptions,
    generator: torch.Generator,
) -> _Network:
    def drawn(*shape: int) -> Tensor:
        values = torch.randn(shape, generator=generator, dtype=torch.float64)
        return (values / FEATURES**0.5).requires_grad_()

    hidden, out = drawn(FEATURES, options.hidden), drawn(options.hidden)
    hidden_bias = torch.zeros(options.hidden, dtype=torch.float64, requires_grad=True)
    out_bias = torch.zeros((), dtype=torch.float64, requires_grad=True)
    network = _Network(hidden, hidden_bias, out, out_bias)
    optimiser = torch.optim.Adam([hidden, hidden_bias, out, out_bias], lr=options.learning_rate)
    x = (steps.features - mean) / deviation
    for step in range(options.steps):
        for group in optimiser.param_groups:
            group["lr"] = options.learning_rate * (1 - step / options.steps)
        loss = steps.loss(network.weight(x))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return network
