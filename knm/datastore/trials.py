"""`trials.jsonl`: what became of a LM's greedy programs when one token was written otherwise.

A JSONL file, one object a line. Every line has a `key` (what a run that goes on looks for).

The first line, the header, has the key "" and says of what the trials are:
  {"key": "", "format": "knm-trials", "version": 1,
   "model": {the fields of ModelIdentity: name, weights_hash, tokenizer_hash, dtype, hidden_size,
             vocab_size, config_hash, generation_hash},
   "prompt": {"name": .., "hash": the template's content hash},
   "settings": {"least_probability": 0.02, ..: whatever else was set},
   "packages": {"knm": .., "torch": ..}}

Every other line is a problem, its `key` the problem's id, in any order; of two lines with one key
the last counts:
  {"key": "abc300_a",
   "prompt_ids": [token ids of the whole prompt in the chat template, as the LM reads it],
   "completion_ids": [token ids that the LM wrote greedily, with the end token if it wrote one],
   "verdict": "wrong-output", "error_class": null, "tests_passed": 3, "tests_total": 10,
   "trials": [{"position": 41, "token": 323, "probability": 0.21, "verdict": "accepted",
               "error_class": null, "tests_passed": 10}, ..]}

`position` counts from the first token of the completion: `completion_ids[position]` is the LM's own
token there and `token` the one written instead, with the LM's `probability` of it. Verdicts are
those of `knm.sandbox.Verdict`. Faults of engine or sandbox are no outcome: such trials are left
out, and a problem whose greedy program could not be judged has no line.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from knm.codec import from_json, to_json
from knm.errors import UserError, named
from knm.jsonio import read_jsonl
from knm.models import ModelIdentity
from knm.sandbox import Verdict

KEY: Final = "key"
HEADER_KEY: Final = ""
TRIALS_FORMAT: Final = "knm-trials"
TRIALS_FORMAT_VERSION: Final = 1
CRASHES: Final = frozenset({Verdict.RUNTIME_ERROR, Verdict.SYNTAX_ERROR, Verdict.NO_CODE})
LEAST_PROBABILITY: Final = "least_probability"
MOST_DIMENSIONS: Final = 256
PRICE: Final = 2.0


@dataclass(frozen=True)
class TrialOptions:
    """Keys of at most `dim` dimensions, and the gained problems that make up for a lost one.

    Raises:
        UserError: a number is out of range.
    """

    dim: int = MOST_DIMENSIONS
    price: float = PRICE

    def __post_init__(self) -> None:
        if self.dim < 1:
            raise UserError(f"{named('dim')} {self.dim}: must be at least 1")
        if not 0 <= self.price < math.inf:
            raise UserError(f"{named('price')} {self.price}: must be 0 or above")


@dataclass(frozen=True)
class TokenTrial:
    """Another token written at a position of a greedy completion, and the verdict on that.

    Raises:
        ValueError: the verdict is that of a fault.
    """

    position: int
    token: int
    probability: float
    verdict: Verdict
    error_class: str | None = None
    tests_passed: int = 0

    def __post_init__(self) -> None:
        _check_verdict(self.verdict)


@dataclass(frozen=True)
class ExploredProblem:
    """A problem's greedy completion, the verdict on it, and the trials at its positions.

    `of_problem` is the problem that it was made of, if it was: others made of that are like it.

    Raises:
        ValueError: there is no token, or a trial at none of the completion's, or the verdict is
            that of a fault.
    """

    id: str
    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]
    verdict: Verdict
    error_class: str | None
    tests_passed: int
    tests_total: int
    trials: tuple[TokenTrial, ...]
    of_problem: str | None = None

    def __post_init__(self) -> None:
        _check_verdict(self.verdict)
        for name, tokens in (
            ("prompt_ids", self.prompt_ids),
            ("completion_ids", self.completion_ids),
        ):
            if not tokens or min(tokens) < 0:
                raise ValueError(f"{name} is no list of token ids")
        for trial in self.trials:
            if not 0 <= trial.position < len(self.completion_ids):
                raise ValueError(
                    f"a trial at position {trial.position} of a completion of "
                    f"{len(self.completion_ids)} tokens"
                )

    def outcome(self, trial: TokenTrial) -> int:
        """1 where the trial gained the problem, -1 where it lost it, else 0."""
        return _difference(self.verdict, trial.verdict, {Verdict.ACCEPTED})

    def crash(self, trial: TokenTrial) -> int:
        """1 where the trial made a crash, -1 where it mended one, else 0."""
        return _difference(self.verdict, trial.verdict, CRASHES)

    def to_json(self) -> dict[str, Any]:
        """Its line, but for the key."""
        value: dict[str, Any] = to_json(self)
        del value["id"]
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any], where: str) -> "ExploredProblem":
        """Read a line; fields that are not known are passed over.

        Raises:
            UserError: a field is missing or of a wrong type, or a position is not of the
                completion; `where` names the line.
        """
        mend = "run `knm explore` again, or remove the line"
        return from_json(cls, {**value, "id": value.get(KEY)}, where, mend)


@dataclass(frozen=True)
class TrialsHeader:
    """Of what a file of trials is: model, prompt template, settings and versions."""

    model: ModelIdentity
    prompt: Mapping[str, Any]
    settings: Mapping[str, Any]
    packages: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Its line, but for the key."""
        return {
            "format": TRIALS_FORMAT,
            "version": TRIALS_FORMAT_VERSION,
            **to_json(self),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], where: str) -> "TrialsHeader":
        """Read the first line.

        Raises:
            UserError: it is none, or of another version.
        """
        if value.get("format") != TRIALS_FORMAT:
            raise UserError(f"{where}: no trials: `knm explore` writes such files")
        if value.get("version") != TRIALS_FORMAT_VERSION:
            raise UserError(
                f"{where}: version {value.get('version')!r} of the format, this knm reads "
                f"{TRIALS_FORMAT_VERSION}: update knm, or explore again"
            )
        header = from_json(cls, value, f"{where}: not a header of trials", "explore again")
        least = header.settings.get(LEAST_PROBABILITY)
        if not isinstance(least, int | float) or not 0 <= least < 1:
            raise UserError(
                f"{where}: not a header of trials: `settings.{LEAST_PROBABILITY}` is {least!r}: "
                "explore again"
            )
        return header


def load_trials(path: Path) -> tuple[TrialsHeader, list[ExploredProblem]]:
    """Read a file of trials.

    Raises:
        UserError: it is missing or malformed, or no problem in it has a trial.
    """
    lines = read_jsonl(path)
    number, first = next(lines, (1, {}))
    header = TrialsHeader.from_json(first, f"{path}:{number}")
    problems: dict[str, ExploredProblem] = {}
    for number, line in lines:
        problem = ExploredProblem.from_json(line, f"{path}:{number}")
        problems[problem.id] = problem
    if not any(problem.trials for problem in problems.values()):
        raise UserError(f"{path}: no trials in it: explore more problems")
    return header, list(problems.values())


def _difference(before: Verdict, after: Verdict, kind: frozenset[Verdict] | set[Verdict]) -> int:
    return int(after in kind) - int(before in kind)


def _check_verdict(verdict: Verdict) -> None:
    if verdict.is_infrastructure:
        raise ValueError(f"{verdict} says nothing of a program")
