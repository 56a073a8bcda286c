"""Taking queries through the projection that a datastore's keys went through."""

import torch
from torch import Tensor

from knm.datastore.projection import Projection
from knm.retrieval.tiles import tiles_of


class QueryProjector:
    """A `Projection` on a device, in float32. A row that is not finite gives one that is not."""

    def __init__(self, projection: Projection, device: torch.device | str) -> None:
        self._mean = torch.from_numpy(projection.mean).to(device)
        self._matrix = torch.from_numpy(projection.matrix).to(device)
        self._unit_length = projection.unit_length

    def __call__(self, queries: Tensor) -> Tensor:
        """Project queries (B, D), of any float type, to (B, d) float32 on their device.

        On a CPU a row's result is the same to the bit whatever the other rows are. Elsewhere it is
        one matrix product in the batch's shape, which never waits for the device.
        """
        centred = queries.to(self._mean) - self._mean
        if centred.device.type != "cpu":
            return self._project(centred).to(queries.device)
        projected = torch.cat([self._project(tile) for tile in tiles_of(centred)])
        return projected[: len(queries)].to(queries.device)

    def _project(self, centred: Tensor) -> Tensor:
        projected = centred @ self._matrix
        if not self._unit_length:
            return projected
        lengths: Tensor = torch.linalg.vector_norm(projected, dim=1, keepdim=True)
        return projected / lengths.clamp(min=torch.finfo(torch.float32).tiny)
