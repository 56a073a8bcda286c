"""The noise floor: what changes when nothing was changed.

Measured where a run was done twice, or its completions judged twice, and kept in the report of the
second time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knm.codec import from_json
from knm.errors import UserError
from knm.report.document import Report
from knm.report.schema import ProblemResult
from knm.report.settings import setting_differences, show_value


@dataclass(frozen=True)
class NoiseFloor:
    """What two runs of one configuration disagree on.

    `rewritten` problems got another completion: the engine's noise. `judged_otherwise` got the same
    completion and another verdict: the sandbox's. `flips` are the problems of either kind that
    only one of the runs solves.
    """

    problems: int
    rewritten: tuple[str, ...]
    judged_otherwise: tuple[str, ...]
    flips: tuple[str, ...]


def measure_noise(pairs: Sequence[tuple[ProblemResult, ProblemResult]]) -> NoiseFloor:
    """The noise floor from pairs of results of the same problems, free of infrastructure faults."""
    return NoiseFloor(
        problems=len(pairs),
        rewritten=tuple(first.question_id for first, again in pairs if first.text != again.text),
        judged_otherwise=tuple(
            first.question_id
            for first, again in pairs
            if first.text == again.text and first.verdict != again.verdict
        ),
        flips=tuple(
            first.question_id for first, again in pairs if first.accepted != again.accepted
        ),
    )


def noise_between(first: Sequence[ProblemResult], again: Sequence[ProblemResult]) -> NoiseFloor:
    """The noise floor from the results of a run and of its repeat."""
    by_id = {result.question_id: result for result in again}
    pairs = [(result, by_id[result.question_id]) for result in first if result.question_id in by_id]
    return measure_noise(
        [pair for pair in pairs if not any(side.verdict.is_infrastructure for side in pair)]
    )


def kept_noise(report: Report) -> tuple[NoiseFloor, ...]:
    """The noise floor that a report holds, if it does."""
    value = report.section.get("noise")
    if not isinstance(value, Mapping):
        return ()
    return (from_json(NoiseFloor, value, f"{report.path}: `noise`", "judge or run again"),)


def noise_of_repeats(runs: Sequence[Report], repeat: Report) -> NoiseFloor:
    """The noise floor from a run's repeat and that of `runs` which it repeats.

    Raises:
        UserError: it repeats none of them.
    """
    for run in runs:
        if not setting_differences(run, repeat):
            return noise_between(run.results, repeat.results)
    names = " nor of ".join(str(run.path) for run in runs)
    entry = setting_differences(runs[0], repeat)[0]
    raise UserError(
        f"{repeat.path} is no repeat of {names}: {entry.path} is {show_value(entry.b)} there and"
        f" {show_value(entry.a)} in the first; run it again with the same settings"
    )
