"""How the LM's and the datastore's evidence become one distribution."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import torch
from torch import Tensor

from knm.datastore.arrays import LIKELY
from knm.datastore.manifest import Manifest
from knm.models import FINAL_NORM
from knm.retrieval.evidence import ExchangedLogits, LMOutput, MixedLogits, likelier
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.parameters import Parameter
from knm.retrieval.predictions import HeadPredictions, Needs, Predictions
from knm.retrieval.residual import ResidualFusion, SparseResidualFusion
from knm.retrieval.votes import Votes


class CorrectedLogits(Protocol):
    """Logits after a fusion; what is not asked for is not computed."""

    @property
    def token(self) -> Tensor:
        """The most likely tokens (B,) int64."""
        ...

    def dense(self) -> Tensor:
        """All logits (B, V) float32."""
        ...


class Fusion(Protocol):
    """Corrects logits, row by row."""

    def __call__(self, lm: LMOutput, weight: Tensor, neighbours: Neighbours) -> CorrectedLogits:
        """Correct the LM's logits by `weight` (B,)."""
        ...


@dataclass(frozen=True)
class MixtureFusion:
    """`p = (1 - w) p_LM + w p_kNN`, with p_kNN = softmax(-distance / temperature) per token.

    Gives `log p + logsumexp(logits)`, so that a corrected row has the scale of the original. Rows
    with weight 0, without a neighbour or with a NaN in weight or distance keep their logits.
    """

    temperature: float

    def __call__(self, lm: LMOutput, weight: Tensor, neighbours: Neighbours) -> MixedLogits:
        """Correct the LM's logits by `weight` (B,)."""
        if lm.logits.device.type == "cuda":
            from knm.retrieval.device_search import mix

            return mix(lm, weight, neighbours, self.temperature)
        votes = Votes.count(neighbours, self.temperature)
        tokens = votes.tokens
        # In float64, as votes are.
        share = weight.double()[:, None]
        shift = torch.log1p(-share).float()
        evidence = share.log() + votes.log_sums + lm.log_sum[:, None]
        at_tokens = lm.logits.gather(1, tokens).float() + shift
        at_tokens = torch.logaddexp(at_tokens.double(), evidence).float()
        # Evidence only ever adds; missing neighbours, which all name token 0, take nothing away.
        at_tokens = at_tokens.masked_fill(~votes.found, -torch.inf)
        usable = votes.usable & (weight > 0)
        token = likelier(tokens, at_tokens, lm.token, lm.top + shift[:, 0])
        token = torch.where(usable, token, lm.token)
        return MixedLogits(lm, shift[:, 0], tokens, at_tokens, usable, token)


class ExchangeFusion:
    """The nearest neighbour's token exchanges its logit with the LM's, where the weight is above 0.

    All other logits, and all rows without such a weight, stay as they are.
    """

    def __call__(self, lm: LMOutput, weight: Tensor, neighbours: Neighbours) -> ExchangedLogits:
        """Correct the LM's logits by `weight` (B,)."""
        written = (weight > 0) & (neighbours.ids[:, 0] >= 0)
        return ExchangedLogits(lm, torch.where(written, neighbours.values[:, 0], lm.token))


@dataclass(frozen=True)
class FusionKind:
    """How a preset becomes a fusion: `build(options, temperature, predictions)`.

    `options` are `Preset.fusion_options`, which may set `parameters`. `predictions` are the LM's
    where entries were mined, as far as the kind `needs` them.
    """

    build: Callable[[Mapping[str, Any], float, Predictions | None], Fusion]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    needs: Needs = Needs.NOTHING

    def asks_head(self, manifest: Manifest) -> bool:
        """Whether the LM's output head has to say again what was said where entries were mined."""
        return self.needs is Needs.ALL or (self.needs is Needs.LIKELY and not manifest.likely)

    def objection(self, manifest: Manifest) -> str | None:
        """Why a datastore's keys are none that the head can be asked about; None if all is well."""
        kind, projected = manifest.key_kind, manifest.projection is not None
        if not self.asks_head(manifest) or (kind == FINAL_NORM and not projected):
            return None
        again = "mine it again, to have them stored, or " if self.needs is Needs.LIKELY else ""
        return (
            "asks the output head for the LM's predictions at its keys, which have to be "
            f"{FINAL_NORM!r} as they are, and are {kind!r}{', projected' if projected else ''}: "
            f"{again}choose another preset or datastore"
        )


def _residual(
    options: Mapping[str, Any], temperature: float, predictions: Predictions | None
) -> Fusion:
    assert isinstance(predictions, HeadPredictions)
    return ResidualFusion(temperature, options["eta"], predictions)


def _sparse_residual(
    options: Mapping[str, Any], temperature: float, predictions: Predictions | None
) -> Fusion:
    assert predictions is not None
    likely = predictions.likely(options["likely"], options["lm_temperature"])
    return SparseResidualFusion(temperature, options["eta"], likely)


EXCHANGE: Final = "exchange"
FUSIONS: Final[Mapping[str, FusionKind]] = {
    "mixture": FusionKind(lambda _, temperature, __: MixtureFusion(temperature)),
    EXCHANGE: FusionKind(lambda *_: ExchangeFusion()),
    "residual": FusionKind(
        _residual, parameters={"eta": Parameter(1.0, 0.0, 1e6)}, needs=Needs.ALL
    ),
    "sparse-residual": FusionKind(
        _sparse_residual,
        parameters={
            "eta": Parameter(4.0, 0.0, 1e6),
            "likely": Parameter(LIKELY, 1, LIKELY, whole=True),
            "lm_temperature": Parameter(1.0, 0.1, 1.0),
        },
        needs=Needs.LIKELY,
    ),
}
