"""The failure text of a problem: verdict and class first, then what a person needs to see."""

from knm.report import ProblemResult
from knm.sandbox.types import EXCERPT_CHARACTERS, excerpt, excerpt_of_end

PROGRAM_LINES = 80
SHOWN_CHARACTERS = EXCERPT_CHARACTERS + 100  # what is kept by default, with the mark of a cut


def render_failure(result: ProblemResult) -> str:
    """Text of a failed or faulty problem. Its first line is what `pytest -rf` shows."""
    judgement = result.judgement
    head = judgement.label
    blocks = [f"{head}: {judgement.message}" if judgement.message else head]
    blocks += _block("program", _cut_lines(result.program))
    if judgement.failing_test is not None:
        blocks.append(
            f"test {judgement.failing_test + 1} of {judgement.tests_total} was the first to fail"
        )
        blocks += _block("input", _cut(judgement.failing_input))
        blocks += _block("expected", _cut(judgement.expected))
        blocks += _block("got", _cut(judgement.got))
        blocks += _block("standard error", excerpt_of_end(judgement.stderr, SHOWN_CHARACTERS))
    return "\n".join(blocks)


def _block(title: str, text: str | None) -> list[str]:
    if not text:
        return []
    indented = "\n".join(f"    {line}" for line in text.rstrip("\n").split("\n"))
    return [f"-- {title}", indented]


def _cut(text: str | None) -> str | None:
    return None if text is None else excerpt(text, SHOWN_CHARACTERS)


def _cut_lines(text: str | None) -> str | None:
    if text is None:
        return None
    lines = text.split("\n")
    if len(lines) <= PROGRAM_LINES:
        return text
    return "\n".join([*lines[:PROGRAM_LINES], f"... {len(lines) - PROGRAM_LINES} more lines"])
