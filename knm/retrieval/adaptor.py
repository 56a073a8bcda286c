"""A small network that says, from a step's evidence, how much the neighbours should count.

After adaptive kNN-LM (He et al., EMNLP 2021): the LM's confidence, distances and agreement of the
neighbours go through one hidden layer. `knm calibrate` trains it on the datastore's own entries,
each seen with the neighbours that other records offer (`knm.retrieval.adapting`).
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from knm.datastore import Datastore
from knm.errors import UserError
from knm.hashing import hash_json
from knm.jsonio import read_json, write_json
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.votes import Votes

ADAPTOR_NAME: Final = "adaptor.json"
FEATURES: Final = 9


@dataclass(frozen=True)
class Adaptor:
    """Weights of the network, and what its features are measured in.

    `mean` and `deviation` (F,) standardise features; `hidden` (F, H) with `hidden_bias` (H,), then
    `out` (H,) with `out_bias` give the logit. `scale` and `temperature` are squared L2. `content`
    is the content hash of the datastore that it was trained on; `figures` tell how it went.
    """

    content: str
    scale: float
    temperature: float
    mean: list[float]
    deviation: list[float]
    hidden: list[list[float]]
    hidden_bias: list[float]
    out: list[float]
    out_bias: float
    figures: dict[str, float]

    @property
    def hash(self) -> str:
        """Hash of everything that decides a weight."""
        return hash_json(asdict(self))

    def save(self, directory: Path) -> None:
        """Write it beside the datastore in `directory`."""
        write_json(directory / ADAPTOR_NAME, asdict(self))


def load_adaptor(datastore: Datastore) -> Adaptor | None:
    """The adaptor of a datastore; None if it has none.

    Raises:
        UserError: it is malformed, or was trained on other entries.
    """
    path = datastore.path / ADAPTOR_NAME
    if not path.is_file():
        return None
    try:
        adaptor = Adaptor(**read_json(path))
    except TypeError:
        raise UserError(f"{path}: not an adaptor: run knm calibrate again") from None
    if adaptor.content != datastore.content_hash:
        raise UserError(f"{path}: was trained on other entries: run knm calibrate again")
    return adaptor


class AdaptorNetwork:
    """An adaptor's arithmetic on one device, in float64, each row by itself."""

    def __init__(self, adaptor: Adaptor, device: torch.device | str) -> None:
        def tensor(values: Any) -> Tensor:
            return torch.tensor(values, dtype=torch.float64, device=device)

        self._adaptor = adaptor
        self._mean, self._deviation = tensor(adaptor.mean), tensor(adaptor.deviation)
        self._hidden, self._hidden_bias = tensor(adaptor.hidden), tensor(adaptor.hidden_bias)
        self._out, self._out_bias = tensor(adaptor.out), tensor(adaptor.out_bias)

    def weight(self, log_confidence: Tensor, token: Tensor, neighbours: Neighbours) -> Tensor:
        """The weights (B,) float64 in [0, 1]; NaN where there is no neighbour to judge by."""
        adaptor = self._adaptor
        votes = Votes.count(neighbours, adaptor.temperature)
        features = step_features(log_confidence, token, neighbours, votes, adaptor.scale)
        x = (features - self._mean) / self._deviation
        # Sums of products, not a matrix product: its rounding would depend on the number of rows.
        x = torch.nn.functional.silu((x[:, :, None] * self._hidden).sum(1) + self._hidden_bias)
        return torch.sigmoid((x * self._out).sum(1) + self._out_bias)


def step_features(
    log_confidence: Tensor, token: Tensor, neighbours: Neighbours, votes: Votes, scale: float
) -> Tensor:
    """The features (B, F) float64 of B steps.

    `log_confidence` (B,) float64 and `token` (B,) are the LM's; distances count in `scale`.
    """
    distances = neighbours.distances.double().masked_fill(~votes.found, torch.inf) / scale
    nearest = distances[:, 0].clamp_max(1e6)
    farthest = distances.masked_fill(~votes.found, 0.0).amax(1)
    confidence = log_confidence.exp()
    log_sums = votes.log_sums.masked_fill(~votes.found, -torch.inf)
    top = log_sums.amax(1).exp()
    agreeing = (neighbours.values == token[:, None]) & votes.found
    for_token = log_sums.masked_fill(~agreeing, -torch.inf).amax(1).exp()
    columns = (
        (nearest + 1e-3).log(),
        nearest.sqrt(),
        (farthest + 1e-3).log(),
        confidence,
        (1 - confidence + 1e-4).log(),
        top,
        (1 - top + 1e-3).log(),
        for_token,
        (votes.token == token).double(),
    )
    assert len(columns) == FEATURES
    return torch.stack(columns, 1)
