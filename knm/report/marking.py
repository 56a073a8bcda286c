"""An explanation as text: the program with its changed tokens marked, then all that is told."""

from collections.abc import Sequence
from typing import Final

from knm.records import Neighbour
from knm.report import text
from knm.report.evidence import evidence_lines
from knm.report.explanation import Explained, Explanation, Origin
from knm.report.schema import Sample

MOST_NEIGHBOURS: Final = 3
LINE_LENGTH: Final = 80

_DIGITS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LINE_END: Final = "⏎"


def render_explanation(
    explanation: Explanation, *, color: bool = False, neighbours: int = MOST_NEIGHBOURS
) -> str:
    """The explanation as text, with ANSI colours or plain marks; ends without a line end."""
    result, sample = explanation.result, explanation.sample
    program = sample.program or ""
    lines = [
        "  ".join(filter(None, (result.question_id, result.title, _outcome(sample)))),
        *_samples(explanation),
        _retrieval(sample),
        "",
        mark_program(program, explanation.changes, color=color) or "(no program)",
    ]
    for number, entry in enumerate(explanation.changes, start=1):
        lines += ["", *_told(number, entry, program, neighbours)]
    done = sample.interventions
    left = 0 if done is None else done.argmax_changes - len(explanation.changes)
    if left > 0:
        lines += ["", f"{left} later changes are not in the report"]
    evidence = evidence_lines(sample.judgement)
    return "\n".join([*lines, *([""] if evidence else []), *evidence])


def _outcome(sample: Sample) -> str:
    judgement = sample.judgement
    return f"{judgement.label}; {judgement.tests_passed} of {judgement.tests_total} tests passed"


def _retrieval(sample: Sample) -> str:
    done = sample.interventions
    if done is None:
        return "decoded without a datastore"
    changed = f"{done.argmax_changes} of {done.steps} tokens changed"
    return f"{changed}, {done.searched} steps searched"


def _samples(explanation: Explanation) -> list[str]:
    """A line for each of several samples, the one that is explained marked."""
    samples = explanation.result.samples
    if len(samples) == 1:
        return []
    passed = text.rate(explanation.result.passed_samples)
    rows = [
        (
            ">" if number == explanation.number else " ",
            f"sample {number + 1}",
            _outcome(sample),
            f"{sample.completion.completion_tokens} tokens" if sample.completion else "",
        )
        for number, sample in enumerate(samples)
    ]
    return [f"{passed} samples pass", *text.table(rows)]


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
