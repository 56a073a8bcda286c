"""The outcome of a sweep as a table for a terminal."""

from collections.abc import Sequence
from typing import Any, Final

from knm.metrics.sweep import Passed, SweepResult
from knm.metrics.terminal import perplexity, share
from knm.report.text import percent, table

_SHOWN: Final = 20


def render_sweep(result: SweepResult) -> str:
    """The best configurations, best first, and what the finalists passed."""
    names = [name for name in result.tried[0].point.values if _varies(result, name)]
    scored = ["", result.objective.name, "accuracy", "perplexity", "gained", "lost", *names]
    decoded = ["Pass@1"] if result.finals else []
    rows = [[*scored, *decoded]]
    for rank, one in enumerate(result.tried[:_SHOWN]):
        scores = one.scores
        row = [
            "*" if one is result.winner else "",
            f"{one.objective:.5f}",
            share(scores.accuracy),
            perplexity(scores.perplexity),
            str(scores.gained),
            str(scores.lost),
            *(_show(one.point.values[name]) for name in names),
        ]
        if result.finals:
            row.append(_passed(result.finals, rank))
        rows.append(row)
    lines = table(rows)
    if len(result.tried) > _SHOWN:
        lines.append(f"and {len(result.tried) - _SHOWN} more")
    if result.baseline is not None:
        lines.append(f"the LM alone passes {_passed([result.baseline], 0)}")
    tail = f"{len(result.tried)} configurations, {result.resumed} of them measured before"
    if result.left_out:
        tail += f"; {result.left_out} that contradict themselves were left out"
    return "\n".join([*lines, tail])


def _varies(result: SweepResult, name: str) -> bool:
    return len({repr(one.point.values[name]) for one in result.tried}) > 1


def _passed(finals: Sequence[Passed], rank: int) -> str:
    if rank >= len(finals):
        return ""
    final = finals[rank]
    part = final.passed / final.counted if final.counted else None
    return f"{percent(part)} ({final.passed} of {final.counted})"


def _show(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
