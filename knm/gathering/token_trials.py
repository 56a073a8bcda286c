"""Trials of other likely tokens at a LM's greedy programs, some problems at a time."""

from bisect import bisect_left
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from knm.datastore.trials import LEAST_PROBABILITY, ExploredProblem, TokenTrial
from knm.engine import ContextExceeded, GenerationOptions, open_engine
from knm.engine.requests import drive_each, encode_request
from knm.errors import UserError, named
from knm.judging.attempts import Candidate, Outcome
from knm.judging.pool import JudgePool
from knm.judging.requests import problem_request
from knm.problems import ALL, Problem, Selection, extract_program
from knm.problems.records import OF_PROBLEM
from knm.records import Completion, Request
from knm.report import ProblemResult
from knm.sandbox import Limits

if TYPE_CHECKING:
    from knm.engine import LocalEngine
    from knm.models import LoadedModel
    from knm.problems import PromptTemplate

LIKELIEST: Final = 3
"""Tokens of a position, the LM's own among them, that can be tried."""

_FENCE: Final = "```"


@dataclass(frozen=True)
class ExploreOptions:
    """What is explored, how far, and how programs are judged.

    Of each problem the `trials` likeliest of the tokens that the LM gave `least_probability` are
    tried. Problems like those of the sets `held_out` are left out.

    Raises:
        UserError: a number is out of range.
    """

    problems: str
    out: Path
    prompt: str = "contest"
    language: str = "lua"
    trials: int = 16
    least_probability: float = 0.02
    max_new_tokens: int = 512
    batch_size: int = 32
    selection: Selection = ALL
    held_out: tuple[str, ...] = ()
    sandbox: str = "local"
    limits: Limits = field(default_factory=Limits)
    workers: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.least_probability < 1:
            raise UserError(
                f"{named('least_probability')} {self.least_probability}: must be above 0 and below "
                "1"
            )

    def settings(self) -> dict[str, Any]:
        """The settings that what is found depends on, beside model and prompt."""
        return {
            "language": self.language,
            "trials": self.trials,
            LEAST_PROBABILITY: self.least_probability,
            "max_new_tokens": self.max_new_tokens,
            "held_out": list(self.held_out),
            "limits": asdict(self.limits),
        }


@dataclass(frozen=True)
class _Alternative:
    """Another likely token at a position of a completion."""

    position: int
    token: int
    probability: float


@dataclass
class _Greedy:
    """A problem's greedy completion on its way: what is tried at it, and all verdicts to come."""

    problem: Problem
    request: Request
    prompt_ids: tuple[int, ...]
    completion: Completion
    alternatives: Sequence[_Alternative] = ()
    verdicts: dict[tuple[str | None, bool], "Future[ProblemResult]"] = field(default_factory=dict)


class Explorer:
    """Explores problems with one model, engine and pool of sandboxes."""

    def __init__(
        self,
        options: ExploreOptions,
        loaded: "LoadedModel",
        template: "PromptTemplate",
        judges: JudgePool,
    ) -> None:
        self._options = options
        self._loaded = loaded
        self._template = template
        self._judges = judges
        generation = GenerationOptions(options.max_new_tokens, options.batch_size)
        self._engine: LocalEngine = open_engine(loaded, generation)
        from knm.engine.stopping import end_tokens

        self._ends = end_tokens(loaded)
        self.tokens = 0
        self.skipped = 0
        self.faults = 0

    def explore(self, problems: Sequence[Problem]) -> list[ExploredProblem]:
        """Greedy programs of some problems, then all trials at them together."""
        greedy = self._decode_greedily(problems)
        trials = []
        for each in greedy:
            each.alternatives = self._alternatives(each)
            trials += [(each, alternative) for alternative in each.alternatives]
            self._submit(each, each.completion)
        rollouts = self._complete([self._rollout(each, other) for each, other in trials])
        written: dict[int, list[tuple[_Alternative, tuple[str | None, bool]]]] = {}
        failed = set()
        for (each, alternative), completion in zip(trials, rollouts, strict=True):
            if isinstance(completion, Exception):
                failed.add(id(each))
                continue
            prefix = _prefix(each, alternative)
            text = self._decode([*prefix, *completion.tokens])
            key = self._submit(each, replace(completion, text=text))
            written.setdefault(id(each), []).append((alternative, key))
        found = []
        for each in greedy:
            explored = self._collect(each, written.get(id(each), []))
            if explored is None or id(each) in failed:
                self.faults += 1
            else:
                found.append(explored)
        return found

    def _decode_greedily(self, problems: Sequence[Problem]) -> list[_Greedy]:
        requests = [
            problem_request(problem, self._template, self._options.language) for problem in problems
        ]
        found = []
        for problem, request, completion in zip(
            problems, requests, self._complete(requests), strict=True
        ):
            if isinstance(completion, ContextExceeded):
                self.skipped += 1
            elif isinstance(completion, Exception):
                self.faults += 1
            else:
                ids = encode_request(self._loaded.tokenizer, request)
                found.append(_Greedy(problem, request, tuple(ids), completion))
        return found

    def _complete(self, requests: Sequence[Request]) -> list[Outcome]:
        done: dict[int, Outcome] = {}
        drive_each(self._engine, requests, done.__setitem__)
        completions = [done[number] for number in range(len(requests))]
        for completion in completions:
            if isinstance(completion, Completion):
                self.tokens += completion.completion_tokens
        return completions

    def _rollout(self, each: _Greedy, alternative: _Alternative) -> Request:
        prefix = _prefix(each, alternative)
        left = self._options.max_new_tokens - len(prefix)
        return replace(each.request, prefix=prefix, max_new_tokens=left)

    def _alternatives(self, each: _Greedy) -> list[_Alternative]:
        """The likeliest other tokens at the positions of the program, likeliest first."""
        import torch

        from knm.models.head import OutputHead

        tokens = each.completion.tokens
        positions = min(
            self._program_end(tokens), self._options.max_new_tokens - 1, len(tokens) - 1
        )
        if positions < 1:
            return []
        start = len(each.prompt_ids)
        ids = torch.tensor([[*each.prompt_ids, *tokens[:positions]]], device=self._loaded.device)
        with torch.inference_mode():
            hidden = self._loaded.model.get_decoder()(input_ids=ids, use_cache=False)
            states = hidden.last_hidden_state[0, start - 1 : start - 1 + positions]
            logits = OutputHead(self._loaded.model)(states).float()
            likely, top = logits.log_softmax(-1).topk(LIKELIEST, dim=-1)
        found = [
            _Alternative(position, token, probability)
            for position, (row, chances) in enumerate(
                zip(top.tolist(), likely.exp().tolist(), strict=True)
            )
            for token, probability in zip(row, chances, strict=True)
            if token != tokens[position]
            and token not in self._ends
            and tokens[position] not in self._ends
            and probability >= self._options.least_probability
        ]
        found.sort(key=lambda other: (-other.probability, other.position, other.token))
        return found[: self._options.trials]

    def _program_end(self, tokens: Sequence[int]) -> int:
        """How many tokens it takes to the end of the program's block; all where there is none."""
        program = extract_program(self._decode(tokens), self._options.language)
        if program is None:
            return len(tokens)
        counts = range(1, len(tokens))
        end = 1 + bisect_left(
            counts, True, key=lambda count: self._program_of(tokens[:count]) == program
        )
        closed = end
        while closed < len(tokens) and _FENCE not in self._decode(tokens[end:closed]):
            closed += 1
        return closed

    def _program_of(self, tokens: Sequence[int]) -> str | None:
        return extract_program(self._decode(tokens), self._options.language)

    def _decode(self, tokens: Sequence[int]) -> str:
        text: str = self._loaded.tokenizer.decode(list(tokens), skip_special_tokens=True)
        return text

    def _submit(self, each: _Greedy, completion: Completion) -> tuple[str | None, bool]:
        """Have a program judged, once however often it was written."""
        candidate = Candidate.of(completion, self._options.language)
        key = candidate.program, completion.truncated
        if key not in each.verdicts:
            each.verdicts[key] = self._judges.judge(each.problem, [candidate])
        return key

    def _collect(
        self,
        each: _Greedy,
        written: Sequence[tuple[_Alternative, tuple[str | None, bool]]],
    ) -> ExploredProblem | None:
        """What became of a problem; None where anything was lost to the sandbox."""
        judgements = {key: future.result().judgement for key, future in each.verdicts.items()}
        if any(judgement.verdict.is_infrastructure for judgement in judgements.values()):
            return None
        completion = each.completion
        program = extract_program(completion.text, self._options.language)
        own = judgements[program, completion.truncated]
        return ExploredProblem(
            id=each.problem.question_id,
            prompt_ids=each.prompt_ids,
            completion_ids=completion.tokens,
            verdict=own.verdict,
            error_class=own.error_class,
            tests_passed=own.tests_passed,
            tests_total=own.tests_total,
            trials=tuple(
                TokenTrial(
                    other.position,
                    other.token,
                    other.probability,
                    judgements[key].verdict,
                    judgements[key].error_class,
                    judgements[key].tests_passed,
                )
                for other, key in written
            ),
            of_problem=each.problem.origin.get(OF_PROBLEM),
        )


def _prefix(each: _Greedy, alternative: _Alternative) -> tuple[int, ...]:
    return (*each.completion.tokens[: alternative.position], alternative.token)
