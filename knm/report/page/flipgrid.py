"""The grid of problems by runs: a column per problem, a cell per run, flips first."""

from itertools import groupby
from typing import Final

from knm.report.page.palette import verdict_kind
from knm.report.page.runs import Bench, Flip, Row
from knm.report.page.scene import LINE, Link, Rect, Scene

CELL: Final = 11.0
PITCH: Final = 12.5
ORDER: Final = tuple(Flip)


def flip_grid(bench: Bench, width: float) -> Scene:
    """Every problem once, grouped by what became of it from the first run to the later ones."""
    scene = Scene("flips", "Problems by run", width)
    columns = max(int((width + PITCH - CELL) / PITCH), 1)
    height = CELL * len(bench.runs) + 1.5 * (len(bench.runs) - 1)
    ordered = sorted(bench.rows, key=lambda row: ORDER.index(row.flip))
    for flip, group in groupby(ordered, key=lambda row: row.flip):
        rows = list(group)
        scene.caption(_name(flip, len(bench.runs)), str(len(rows)))
        for number, row in enumerate(rows):
            line, column = divmod(number, columns)
            scene.add(_column(bench, row, column * PITCH, scene.height + line * (height + 5)))
        scene.height += (height + 5) * -(-len(rows) // columns) + LINE / 2
    order = ", ".join(run.label for run in bench.runs)
    scene.summary = (
        "; ".join(f"{flip.value}: {count}" for flip, count in bench.flips.items())
        + f". Cells from top to bottom: {order}"
    )
    return scene


def _name(flip: Flip, runs: int) -> str:
    if runs > 1:
        return flip.value
    return {Flip.ALWAYS: "accepted", Flip.NEVER: "not accepted"}.get(flip, flip.value)


def _column(bench: Bench, row: Row, x: float, y: float) -> Link:
    outcomes = [entry.verdict.value if entry else "absent" for entry in row.results]
    spoken = ", ".join(
        f"{run.label} {outcome}" for run, outcome in zip(bench.runs, outcomes, strict=True)
    )
    return Link(
        row.question_id,
        f"{row.question_id}: {spoken}",
        tuple(
            Rect(
                x,
                y + number * (CELL + 1.5),
                CELL,
                CELL,
                verdict_kind(entry.verdict) if entry else "absent",
            )
            for number, entry in enumerate(row.results)
        ),
    )
