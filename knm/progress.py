"""The one progress bar: on a terminal only, on standard error."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm


def progress_bar(
    iterable: Iterable[Any] | None = None,
    *,
    label: str,
    total: int | None = None,
    unit: str = "it",
) -> "tqdm[Any]":
    """A bar that draws nothing unless standard error is a terminal. Use as iterator or context."""
    from tqdm import tqdm  # slow to load, and few commands draw a bar

    return tqdm(
        iterable, desc=label, total=total, unit=unit, disable=None, leave=False, dynamic_ncols=True
    )
