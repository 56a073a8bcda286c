"""A trial: one configuration decoded and judged over problems in this very process.

For sweeps and audits, which run many configurations of one model. The bench itself is pytest; what
both must agree on (prompts, extraction, judging, results) is one code.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from knm.codec import to_json
from knm.engine import ContextExceeded, GenerationOptions, open_engine
from knm.engine.requests import drive_each
from knm.errors import UserError
from knm.judging.attempts import Outcome, prompt_hash, read_outcome
from knm.judging.pool import JudgePool, open_judges
from knm.judging.requests import problem_request
from knm.problems import Problem, PromptTemplate, load_template, sample_prompts
from knm.progress import progress_bar
from knm.records import Request
from knm.report import ProblemResult, Sample, Totals, read_result, summarize
from knm.sandbox import Limits

if TYPE_CHECKING:
    from knm.engine import LocalEngine
    from knm.models import LoadedModel
    from knm.retrieval import Retriever


@dataclass(frozen=True)
class TrialSettings:
    """What a trial decodes with and judges by, beside model, datastore and sandbox."""

    prompt: str = "task"
    language: str = "lua"
    max_new_tokens: int = 512
    batch_size: int = 32
    limits: Limits = field(default_factory=Limits)

    @cached_property
    def template(self) -> PromptTemplate:
        """The template of that name, read when it is first needed."""
        return load_template(self.prompt)

    def request(self, problem: Problem) -> Request:
        """What the model is asked for a problem."""
        return problem_request(problem, self.template, self.language)

    def sample_prompts(self, problems: Iterable[Problem]) -> list[str]:
        """Some prompts of a problem set."""
        tasks = [(problem.question_content, self.language) for problem in problems]
        return sample_prompts(self.template, tasks)


@dataclass(frozen=True)
class Trial:
    """What became of each problem, in the order of the problems, and how long decoding took.

    `decode_seconds` is wall time from the first prompt to the last completion, without what an
    engine does once (loading, compiling); `seconds` is everything, judging included.
    """

    results: tuple[ProblemResult, ...]
    decode_seconds: float
    seconds: float

    @cached_property
    def totals(self) -> Totals:
        """Sums; infrastructure faults count neither for nor against the model."""
        return summarize(self.results)

    @property
    def counted(self) -> tuple[ProblemResult, ...]:
        """What counts for or against the model."""
        return tuple(result for result in self.results if not result.verdict.is_infrastructure)

    @property
    def faults(self) -> tuple[ProblemResult, ...]:
        """What was lost to engine, sandbox or the problem itself."""
        return tuple(result for result in self.results if result.verdict.is_infrastructure)

    @property
    def tokens(self) -> int:
        """Decoded tokens."""
        return sum(result.completion_tokens for result in self.results)

    @property
    def tokens_per_second(self) -> float | None:
        """Decoded tokens per second; None where nothing was decoded."""
        return self.tokens / self.decode_seconds if self.tokens and self.decode_seconds else None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "results": [to_json(result) for result in self.results],
            "decode_seconds": self.decode_seconds,
            "seconds": self.seconds,
            "tokens_per_second": self.tokens_per_second,
            "totals": self.totals.to_json(),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], where: str) -> "Trial":
        """Read back what `to_json` gave; `where` names its place in errors.

        Raises:
            UserError: it is not a trial.
        """
        try:
            results = [
                read_result(result, f"{where}: result {number}")
                for number, result in enumerate(value["results"])
            ]
            return cls(tuple(results), float(value["decode_seconds"]), float(value["seconds"]))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{where}: not a trial: {error!r}; remove it and run again") from None


def run_trial(
    problems: Sequence[Problem],
    loaded: "LoadedModel",
    retriever: "Retriever | None",
    sandbox_name: str,
    settings: TrialSettings,
    *,
    workers: int | None = None,
    request: Callable[[Problem], Request] | None = None,
    label: str = "trial",
) -> Trial:
    """Decode all problems together and judge each when its completion is there.

    `workers` programs are judged at a time (default: by the number of cores). `request` makes what
    the model is asked, where that is not the template's prompt alone.

    Raises:
        UserError: the datastore does not fit the model, a prompt is empty, or there is no such
            sandbox.
    """
    started = time.perf_counter()
    make_request = request or settings.request
    requests = [make_request(problem) for problem in problems]
    with _opened(loaded, retriever, sandbox_name, settings, requests, workers) as (engine, judges):
        began = time.perf_counter()
        pending = decode_and_judge(engine, problems, requests, settings.language, judges, label)
        decode_seconds = time.perf_counter() - began
        results = [judged.result() for judged in pending]
    return Trial(
        tuple(map(_compact, results)),
        decode_seconds=decode_seconds,
        seconds=time.perf_counter() - started,
    )


def judge_in_parts(
    problems: Sequence[Problem],
    loaded: "LoadedModel",
    retriever: "Retriever | None",
    sandbox_name: str,
    settings: TrialSettings,
    together: int,
    *,
    workers: int | None = None,
    label: str = "trial",
) -> Iterator[tuple[Problem, ProblemResult]]:
    """Each problem and its result, in their order: `together` are decoded before any is given out.

    For trials of which what has come is to be kept; one engine decodes all parts.

    Raises:
        UserError: as `run_trial`.
    """
    requests = list(map(settings.request, problems))
    with _opened(loaded, retriever, sandbox_name, settings, requests, workers) as (engine, judges):
        for start in range(0, len(problems), together):
            part = slice(start, start + together)
            pending = decode_and_judge(
                engine, problems[part], requests[part], settings.language, judges, label
            )
            for problem, judged in zip(problems[part], pending, strict=True):
                yield problem, judged.result()


@contextmanager
def _opened(
    loaded: "LoadedModel",
    retriever: "Retriever | None",
    sandbox_name: str,
    settings: TrialSettings,
    requests: Sequence[Request],
    workers: int | None,
) -> Iterator[tuple["LocalEngine", JudgePool]]:
    """An engine that is ready for these requests, and judges."""
    options = GenerationOptions(settings.max_new_tokens, settings.batch_size)
    engine = open_engine(loaded, options, retriever, notify=lambda _: None)
    with open_judges(sandbox_name, settings.language, settings.limits, workers) as judges:
        warm_up(engine, loaded, requests)
        yield engine, judges


def warm_up(engine: "LocalEngine", loaded: "LoadedModel", requests: Sequence[Request]) -> None:
    """Have a GPU's engine compile and capture what it needs, which takes seconds, once.

    With the longest prompt, so that its cache need not grow afterwards.
    """
    if not requests or loaded.device.type != "cuda":
        return
    for request in sorted(requests, key=lambda request: -len(request.prompt)):
        with suppress(ContextExceeded):  # the longest that the context can hold
            ticket = engine.submit(request)
            engine.step()
            engine.cancel(ticket)
            return


def decode_and_judge(
    engine: "LocalEngine",
    problems: Sequence[Problem],
    requests: Sequence[Request],
    language: str,
    judges: JudgePool,
    label: str,
    keep: Callable[[Request, Outcome], None] = lambda *_: None,
) -> list[Future[ProblemResult]]:
    """Complete every problem's request; the judge has each as soon as it is there.

    `keep` is told of each outcome before.
    """
    pending: dict[int, Future[ProblemResult]] = {}
    with progress_bar(label=label, total=len(problems), unit="problem") as bar:

        def deliver(number: int, outcome: Outcome) -> None:
            keep(requests[number], outcome)
            pending[number] = judges.judge(
                problems[number], [read_outcome(outcome, language)], prompt_hash(requests[number])
            )
            bar.update()

        drive_each(engine, requests, deliver)
    return [pending[number] for number in range(len(problems))]


def _compact(result: ProblemResult) -> ProblemResult:
    """Without changed tokens, token ids and excerpts: hundreds of trials are kept."""
    return replace(result, samples=tuple(map(_compact_sample, result.samples)))


def _compact_sample(sample: Sample) -> Sample:
    completion = sample.completion
    if completion is not None:
        done = completion.interventions and replace(completion.interventions, changes=())
        completion = replace(completion, interventions=done, tokens=())
    judgement = replace(sample.judgement, failing_input=None, expected=None, got=None, stderr="")
    return replace(sample, completion=completion, judgement=judgement)
