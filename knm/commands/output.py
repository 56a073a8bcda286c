"""How commands print: a table for people, JSON where it is asked for."""

import sys
from typing import Annotated, Any

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Write over what is there already.")
]


def print_table(*rows: tuple[str, Any]) -> None:
    """Print names and values in two columns."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")


def say(line: str) -> None:
    """Tell something beside the result, on standard error."""
    print(f"knm: {line}", file=sys.stderr)
