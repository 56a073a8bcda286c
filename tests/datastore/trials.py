"""Files of trials for the tiny model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from knm.datastore.trials import ExploredProblem, TokenTrial, TrialsHeader
from knm.jsonio import write_jsonl
from knm.models import LoadedModel
from knm.sandbox import Verdict
from tests.datastore.tiny import VOCAB, tiny_model

TRIED = 7
VERDICTS = (Verdict.ACCEPTED, Verdict.WRONG_OUTPUT, Verdict.RUNTIME_ERROR, Verdict.NO_CODE)


def drawn_problems(count: int, *, seed: int = 0, trials: int = 4) -> list[ExploredProblem]:
    """Random programs and trials with random verdicts; one trial of all is the same exchange."""
    draw = np.random.default_rng(seed)
    problems = []
    for number in range(count):
        prompt = tuple(draw.integers(2, VOCAB, draw.integers(3, 10)).tolist())
        completion = tuple(draw.integers(2, VOCAB, draw.integers(trials + 2, 12)).tolist())
        places = draw.permutation(len(completion))[:trials].tolist()
        verdict = Verdict(VERDICTS[draw.integers(4)])
        problems.append(
            ExploredProblem(
                f"problem-{number}",
                prompt,
                completion,
                verdict,
                None,
                0,
                5,
                tuple(
                    TokenTrial(place, int(draw.integers(2, VOCAB)), 0.1, VERDICTS[draw.integers(4)])
                    for place in places
                ),
            )
        )
    return problems


def write_trials(
    path: Path, problems: Sequence[ExploredProblem], loaded: LoadedModel | None = None
) -> Path:
    """The file that holds them, explored with the tiny model."""
    header = TrialsHeader(
        (loaded or tiny_model()).identity, {"name": "task"}, {"least_probability": 0.02}, {}
    )
    lines = [{"key": "", **header.to_json()}]
    lines += [{"key": problem.id, **problem.to_json()} for problem in problems]
    write_jsonl(path, lines)
    return path
