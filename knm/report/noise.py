"""The noise floor: what changes when nothing was changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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

    def to_json(self) -> dict[str, Any]:
        """The fields as plain JSON."""
        return {
            "problems": self.problems,
            "rewritten": list(self.rewritten),
            "judged_otherwise": list(self.judged_otherwise),
            "flips": list(self.flips),
        }


def measure_noise(pairs: Sequence[tuple[ProblemResult, ProblemResult]]) -> NoiseFloor:
    """The noise floor from pairs of results of the same problems, free of infrastructure faults."""
    return NoiseFloor(
        problems=len(pairs),
        rewritten=tuple(
            first.question_id for first, again in pairs if first.completion != again.completion
        ),
        judged_otherwise=tuple(
            first.question_id
            for first, again in pairs
            if first.completion == again.completion and first.verdict != again.verdict
        ),
        flips=tuple(
            first.question_id for first, again in pairs if first.accepted != again.accepted
        ),
    )


def noise_of_repeats(runs: Sequence[Report], repeat: Report) -> NoiseFloor:
    """The noise floor from a run's repeat and that of `runs` which it repeats.

    Raises:
        UserError: it repeats none of them.
    """
    for run in runs:
        if not setting_differences(run, repeat):
            return _measure(run, repeat)
    names = " nor of ".join(str(run.path) for run in runs)
    entry = setting_differences(runs[0], repeat)[0]
    raise UserError(
        f"{repeat.path} is no repeat of {names}: {entry.path} is {show_value(entry.b)} there and"
        f" {show_value(entry.a)} in the first; run it again with the same settings"
    )


def _measure(first: Report, repeat: Report) -> NoiseFloor:
    again = {result.question_id: result for result in repeat.results}
    pairs = [
        (result, again[result.question_id])
        for result in first.results
        if result.question_id in again
    ]
    return measure_noise(
        [pair for pair in pairs if not any(side.verdict.is_infrastructure for side in pair)]
    )
