"""An explanation as text: the program with its changed tokens marked, then each change."""

from collections.abc import Sequence
from typing import Final

from knm.records import Neighbour
from knm.report import text
from knm.report.explanation import Explained, Explanation, Origin

MOST_NEIGHBOURS: Final = 3
LINE_LENGTH: Final = 80

_DIGITS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LINE_END: Final = "⏎"


def render_explanation(
    explanation: Explanation, *, color: bool = False, neighbours: int = MOST_NEIGHBOURS
) -> str:
    """The explanation as text, with ANSI colours or plain marks; ends without a line end."""
    result = explanation.result
    judgement, done = result.judgement, result.interventions
    assert done is not None
    passed = f"{judgement.tests_passed} of {judgement.tests_total} tests passed"
    changed = f"{done.argmax_changes} of {done.steps} tokens changed"
    lines = [
        f"{result.question_id}  {judgement.label}; {passed}",
        f"{changed}, {done.searched} steps searched",
        "",
        mark_program(result.program or "", explanation.changes, color=color) or "(no program)",
    ]
    for number, entry in enumerate(explanation.changes, start=1):
        lines += ["", *_told(number, entry, result.program or "", neighbours)]
    left = done.argmax_changes - len(explanation.changes)
    if left > 0:
        lines += ["", f"{left} later changes are not in the report"]
    return "\n".join(lines)


def mark_program(program: str, changes: Sequence[Explained], *, color: bool) -> str:
    """The program with each change that stands in it marked and numbered from 1.

    A line end in a changed token is shown as ⏎ in the mark, and again behind it.
    """
    pieces, done = [], 0
    for number, entry in enumerate(changes, start=1):
        if entry.start is None or entry.start < done:
            continue
        token = entry.change.token
        shown = token.replace("\n", _LINE_END)
        index = str(number).translate(_DIGITS)
        mark = f"\x1b[7m{shown}\x1b[27m\x1b[2m{index}\x1b[22m" if color else f"«{shown}»{index}"
        pieces += [program[done : entry.start], mark, token[token.find("\n") :] * ("\n" in token)]
        done = entry.start + len(token)
    return "".join((*pieces, program[done:]))


def _told(number: int, entry: Explained, program: str, neighbours: int) -> list[str]:
    change = entry.change
    weight = "" if entry.weight is None else f", weight {entry.weight:.2f}"
    lines = [
        f"{number}. {_place(entry, program)}: {text.quote(change.lm_token)} -> "
        f"{text.quote(change.token)}{weight}"
    ]
    if change.tally is not None:
        lines.append(f"     {text.quote(change.token)} instead: {change.tally}")
    rows = [
        _row(neighbour, origin)
        for neighbour, origin in zip(
            change.neighbours[:neighbours], entry.origins[:neighbours], strict=True
        )
    ]
    return lines + [f"     {line}" for line in (text.table(rows) if rows else [])]


def _place(entry: Explained, program: str) -> str:
    if entry.start is None:
        return f"token {entry.change.position}, outside the program"
    begin = program.rfind("\n", 0, entry.start) + 1
    line = program.count("\n", 0, entry.start) + 1
    return f"line {line}, character {entry.start - begin + 1}"


def _row(neighbour: Neighbour, origin: Origin) -> tuple[str, ...]:
    lm_token = origin.lm_token if neighbour.lm_token is None else neighbour.lm_token
    said = "" if lm_token is None else f"the LM said {text.quote(lm_token)}"
    if said and origin.probability is not None:
        said += f" at {text.percent(origin.probability)}"
    return (
        text.quote(neighbour.token),
        f"{neighbour.distance:.1f}",
        f"{neighbour.record}:{neighbour.offset}",
        neighbour.came_of_it or origin.source or "",
        said,
        text.one_line((origin.line or "").strip(), LINE_LENGTH),
    )
