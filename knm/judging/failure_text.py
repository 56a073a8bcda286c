"""The failure text of a problem: verdict and class first, then what a person needs to see."""

from knm.report import ProblemResult
from knm.report.evidence import block, evidence_lines

PROGRAM_LINES = 80


def render_failure(result: ProblemResult) -> str:
    """Text of a failed or faulty problem. Its first line is what `pytest -rf` shows."""
    judgement = result.judgement
    head = judgement.label
    blocks = [f"{head}: {judgement.message}" if judgement.message else head]
    blocks += block("program", _cut_lines(result.program))
    return "\n".join([*blocks, *evidence_lines(judgement)])


def _cut_lines(text: str | None) -> str | None:
    if text is None:
        return None
    lines = text.split("\n")
    if len(lines) <= PROGRAM_LINES:
        return text
    return "\n".join([*lines[:PROGRAM_LINES], f"... {len(lines) - PROGRAM_LINES} more lines"])
