"""Key transforms by name: what states go through before they are compared.

| transform | what it does | what makes a datastore of it |
|---|---|---|
| `none` | states as they are | `knm mine` |
| `cosine` | length 1 | |
| `pca-N` | the N dimensions that they vary most in | `knm datastore pca --dim N` |
| `whitened-N` | the same, each with variance 1 | the same with `--whiten` |
| `whitened-cosine-N` | the same, of length 1 | `knm mine --trials --dim N` |

Whitened keys have no more dimensions than states vary in.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from knm.datastore.project import PrincipalAxes
from knm.datastore.projection import WHITENING, Projection
from knm.errors import UserError, named

NONE: Final = "none"
COSINE: Final = "cosine"
_DIMENSIONS: Final = re.compile(r"(.+)-([1-9]\d{0,8})")


@dataclass(frozen=True)
class _Axes:
    """A projection to principal axes: its kind, and whether variances become 1."""

    kind: str
    whiten: bool


_OF_AXES: Final[Mapping[str, _Axes]] = {
    "pca": _Axes("pca", whiten=False),
    "whitened": _Axes("pca", whiten=True),
    "whitened-cosine": _Axes(WHITENING, whiten=True),
}


@dataclass(frozen=True)
class KeyTransform:
    """A transform and, where it has them, its dimensions. Make it with `parse_key_transform`."""

    name: str
    dim: int | None = None

    def __str__(self) -> str:
        return self.name if self.dim is None else f"{self.name}-{self.dim}"

    def check(self, width: int) -> None:
        """Refuse keys of `width` dimensions if they are too few.

        Raises:
            UserError: saying how many there are.
        """
        if self.dim is not None and self.dim > width:
            raise UserError(
                f"{named('transforms')} {self}: keys have {width} dimensions: choose at most so "
                "many"
            )

    def fit(self, width: int, find_axes: Callable[[], PrincipalAxes]) -> Projection | None:
        """The projection for keys of `width` dimensions; None where keys stay as they are.

        `find_axes` gives the keys' axes, which take a while, and is called where they are needed.

        Raises:
            UserError: keys have fewer dimensions, or are to be whitened and all the same.
        """
        self.check(width)
        if self.name == NONE:
            return None
        if self.dim is None:
            return Projection(WHITENING, np.zeros(width, np.float32), np.eye(width, dtype="f4"))
        made, axes = _OF_AXES[self.name], find_axes()
        dim = min(self.dim, axes.real) if made.whiten else self.dim
        if not dim:
            raise UserError(f"{named('transforms')} {self}: all keys are the same")
        return axes.projection(made.kind, dim, whiten=made.whiten)


def parse_key_transform(text: str) -> KeyTransform:
    """Read a transform as `--transforms` lists it.

    Raises:
        UserError: unknown.
    """
    if text in (NONE, COSINE):
        return KeyTransform(text)
    match = _DIMENSIONS.fullmatch(text)
    if match is None or match[1] not in _OF_AXES:
        known = ", ".join([NONE, COSINE, *(f"{name}-N" for name in _OF_AXES)])
        raise UserError(
            f"{named('transforms')}: {text!r} is none of {known} (N dimensions, from 1)"
        )
    return KeyTransform(match[1], int(match[2]))
