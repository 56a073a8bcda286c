"""What the commands of `knm corpus` share: options, and how counts and lengths are printed."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from knm.corpora.statistics import Spread

MOST_SHOWN: Final = 12
"""Removed records and operations that are told on a terminal; `--json` has them all."""

OutOption = Annotated[Path, typer.Option(help="Corpus to write: .jsonl or .jsonl.gz.")]
ThresholdOption = Annotated[float, typer.Option(help="Jaccard similarity from which on, 0 to 1.")]
HeldOutOption = Annotated[
    list[str] | None,
    typer.Option(help="Problem sets to keep clear of (default: the embedded bench)."),
]
SandboxOption = Annotated[str, typer.Option(help="Where programs run.")]
TimeLimitOption = Annotated[float, typer.Option(help="CPU seconds per test.")]
MemoryLimitOption = Annotated[int, typer.Option(help="MiB of memory per test.")]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Programs run at a time (default: by the cores).")
]


def told(counts: Mapping[str, int]) -> str:
    """The first counts by name, in one line."""
    shown = list(counts.items())[:MOST_SHOWN]
    more = f", {len(counts) - len(shown)} more" if len(counts) > len(shown) else ""
    return ", ".join(f"{name} {count}" for name, count in shown) + more


def print_lengths(lengths: Mapping[str, "Spread"]) -> None:
    """Print how many programs each source has, and how long they are in characters, as a table."""
    rows = [("source", "programs", "shortest", "longest", "mean")] + [
        (source, f"{size.count}", f"{size.least}", f"{size.most}", f"{size.mean:.1f}")
        for source, size in lengths.items()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print()
    for name, *figures in rows:
        cells = (cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True))
        print("  ".join((name.ljust(widths[0]), *cells)))
