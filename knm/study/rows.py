"""One run of the bench in this process: the same completions and report, without pytest.

Everything that a run is goes by the bench's own code (`knm.bench.run`), so that its report can be
compared with the bench's, and both take completions and verdicts from one cache. Several rows share
a model.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from knm.bench.engines import objection_to_set, prepare_engine
from knm.bench.run import BenchRun, cache_directory, prepare_run
from knm.engine import CompletionCache, EngineConfiguration, completion_key
from knm.errors import named
from knm.jsonio import write_json
from knm.judging import JudgementCache, render_failure
from knm.judging.attempts import Outcome, prompt_hash, read_outcome
from knm.judging.files import done_before
from knm.judging.pool import JudgePool, open_judges
from knm.judging.trials import decode_and_judge, warm_up
from knm.options import RunOptions
from knm.problems import Problem, ProblemSet
from knm.records import Completion, Request
from knm.report import (
    ProblemResult,
    Report,
    ResultStream,
    RunHeader,
    environment_info,
    finish_stream,
    judged_test,
    load_report,
    stream_path,
)

if TYPE_CHECKING:
    from knm.engine import EngineSetup
    from knm.models import LoadedModel


_MEND: Final = f"give another {named('out')} for the study, or the row another name"


@dataclass(frozen=True)
class _Row:
    """What the problems of one row are decoded and judged by."""

    setup: "EngineSetup"
    configuration: EngineConfiguration
    judges: JudgePool
    language: str
    label: str

    def key(self, request: Request) -> str:
        """What a completion is kept under."""
        return completion_key(self.configuration, request)


class RowRunner:
    """Runs rows of one study, each into a report of its own.

    `loaded` gives the model, and is called when a row has something to decode that was not kept.
    `workers` programs are judged at a time.
    """

    def __init__(
        self,
        loaded: "Callable[[], LoadedModel]",
        notify: Callable[[str], None],
        workers: int | None = None,
    ) -> None:
        self._loaded = loaded
        self._notify = notify
        self._workers = workers
        self._root = Path.cwd()

    def run(self, options: RunOptions, problem_set: ProblemSet, path: Path) -> Report:
        """Run what `options` ask for into the report at `path`; what is there is not done again.

        Raises:
            UserError: something is missing or does not fit together, or `path` is of another run.
        """
        from knm.engine import describe_setup

        run = prepare_run(options, self._root, problem_set)
        setup = prepare_engine(options, self._root)
        configuration = describe_setup(setup)
        withheld = objection_to_set(configuration, run.sample_prompts)
        stream = stream_path(path)
        with (
            closing(JudgementCache(cache_directory(self._root), self._notify)) as kept,
            open_judges(
                options.sandbox, options.language, run.limits, self._workers, kept=kept
            ) as judges,
        ):
            header = self._header(run, configuration, judges)
            done = done_before(stream, header, _MEND)
            left = [problem for problem in problem_set if problem.question_id not in done]
            if not left and path.exists():
                return load_report(path)
            with ResultStream(stream, lambda: header) as written:
                row = _Row(setup, configuration, judges, options.language, path.stem)
                for judged in self._judge(row, left, [run.requests(p, withheld)[0] for p in left]):
                    result = judged.result()
                    text = "" if result.accepted else render_failure(result)
                    written.write(judged_test(result, text))
        write_json(path, finish_stream(stream))
        return load_report(path)

    def _header(
        self, run: BenchRun, configuration: EngineConfiguration, judges: JudgePool
    ) -> RunHeader:
        return RunHeader(
            configuration=run.configuration(configuration),
            hashes=run.hashes(configuration),
            environment={
                **environment_info(self._root),
                "sandbox": judges.describe(),
                "engines": [{"device": configuration.device, "verified": True}],
            },
            selected=len(run.problem_set),
            created=time.time(),
        )

    def _judge(
        self, row: _Row, problems: Sequence[Problem], requests: Sequence[Request]
    ) -> list[Future[ProblemResult]]:
        """Results to come, in the order of the problems: of kept completions, or else decoded."""
        with closing(CompletionCache(cache_directory(self._root), self._notify)) as cache:
            pending: dict[int, Future[ProblemResult]] = {}
            missing = []
            for number, request in enumerate(requests):
                kept = cache.get(row.key(request))
                if kept is None:
                    missing.append(number)
                    continue
                attempts = [read_outcome(kept, row.language)]
                pending[number] = row.judges.judge(problems[number], attempts, prompt_hash(request))
            if missing:
                from knm.engine.devices import freeing_engines

                with freeing_engines(self._loaded().device):
                    decoded = self._decode(
                        row,
                        [problems[each] for each in missing],
                        [requests[each] for each in missing],
                        cache,
                    )
                pending |= dict(zip(missing, decoded, strict=True))
            return [pending[number] for number in range(len(problems))]

    def _decode(
        self,
        row: _Row,
        problems: Sequence[Problem],
        requests: Sequence[Request],
        cache: CompletionCache,
    ) -> list[Future[ProblemResult]]:
        def keep(request: Request, outcome: Outcome) -> None:
            if isinstance(outcome, Completion):
                cache.put(row.key(request), outcome, row.configuration)

        from knm.engine import open_engine
        from knm.engine.opening import open_retriever

        loaded = self._loaded()
        retriever = open_retriever(row.setup, loaded)
        engine = open_engine(loaded, row.setup.generation, retriever, self._notify)
        # A GPU's engine captures what it needs, which takes seconds, before it is timed.
        warm_up(engine, loaded, requests)
        return decode_and_judge(
            engine, problems, requests, row.language, row.judges, row.label, keep
        )
