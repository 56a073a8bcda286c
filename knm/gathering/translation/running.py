"""Programs of one language written anew in another by a LM, kept where they pass the same tests."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

from knm.corpora import TRANSLATION_REQUEST, CorpusRecord, save_corpus, translation_request
from knm.engine import ContextExceeded
from knm.errors import UserError, named
from knm.gathering.collecting import check_target
from knm.gathering.translation.drawing import DrawnTests, SandboxLost, draw_tests
from knm.gathering.translation.outcome import Translated, as_asked, clean_entries, summarize
from knm.gathering.translation.sources import Job, find_jobs
from knm.hashing import hash_bytes, hash_json
from knm.journal import Journal, journal_path
from knm.judging.requests import statement_request
from knm.languages.descriptions import check_noted
from knm.outputs import file_named
from knm.problems import (
    BrokenProblem,
    Problem,
    PromptTemplate,
    extract_program,
    load_problems,
    load_template,
    problems_path,
)
from knm.progress import progress_bar
from knm.records import GREEDY, Request, Sampling
from knm.sandbox import Limits, Sandbox, Verdict, open_sandbox
from knm.serving import (
    Dialect,
    EngineFailed,
    EngineLost,
    EngineRefused,
    Fleet,
    find_servers,
)

TOP_P: Final = 0.95
REFUSED: Final = "refused"
"""The verdict on an attempt that the engine would not make: the prompt is too long for it."""


@dataclass(frozen=True)
class TranslateOptions:
    """What is translated, by whom, and what has to be passed.

    `engine` names a server, or several with commas between them. `sources` are corpora, reports or
    streams; up to `most` programs of a problem are translated
    from them, but for problems that a record of `without` solves already. A program is kept if it
    passes the problem's tests and, where these are fewer than `tests`, as many drawn ones as that
    takes. The first of `attempts` is greedy, the others are sampled. Nothing is kept that is like a
    problem of `held_out`. So many `requests` are with the engine at a time; `workers` programs are
    run at a time. With `as_asked` a record's statement is what the LM was asked, the program to be
    translated included; otherwise it is the problem's.
    """

    sources: tuple[Path, ...]
    problems: str
    out: Path
    engine: str
    model: str | None = None
    language: str = "lua"
    prompt: str = "contest"
    tests: int = 5
    attempts: int = 4
    temperature: float = 0.8
    most: int = 1
    without: Path | None = None
    held_out: tuple[str, ...] = ()
    max_new_tokens: int | None = None
    seed: int = 0
    sandbox: str = "local"
    limits: Limits = field(default_factory=Limits)
    workers: int = 2
    requests: int = 16
    as_asked: bool = False

    def decisive(self) -> dict[str, Any]:
        """The settings that a problem's translations depend on, beside prompt and model."""
        names = ("language", "tests", "attempts", "temperature", "most", "max_new_tokens", "seed")
        return {name: getattr(self, name) for name in names} | {"limits": asdict(self.limits)}


def translate(options: TranslateOptions, say: Callable[[str], None] = print) -> Translated:
    """Translate programs into a corpus; run it again to resume what was interrupted.

    `say` is told of servers that are gone while others go on.

    What is known of a problem stays in a journal beside the corpus, which is written at the end,
    however that comes.

    Raises:
        UserError: something is missing or malformed, there is nothing to translate, or the engine
            is not there or fails; what was done until then is kept.
    """
    template = load_template(options.prompt)
    template.check_chat()  # what is continued as it stands asks for nothing
    template.render("", check_noted(options.language, named("language")))
    sets = [problems_path(name) for name in (options.problems, *options.held_out)]
    inputs = (*options.sources, *sets, options.without, file_named(options.prompt))
    check_target(options.out, inputs, "translated", beside=[journal_path(options.out)])
    problem_set = load_problems(options.problems)
    held_out = [load_problems(name) for name in options.held_out]
    jobs, removed = find_jobs(
        options.sources,
        problem_set,
        language=options.language,
        most=options.most,
        without=options.without,
        held_out=held_out,
    )
    group = find_servers(options.engine, options.model)
    # What is asked here is an ordinary chat, whichever server it is.
    servers = [replace(server, dialect=server.dialect or Dialect()) for server in group.servers]
    model = options.model or group.configuration.model
    translator = _Translator(options, template, Fleet(servers, say), model)
    faults = 0
    with Journal(journal_path(options.out), "a translation") as journal:
        keys = {job.problem.question_id: translator.key(job) for job in jobs}
        try:
            faults = _run_all(jobs, keys, journal, translator, options)
        finally:
            entries = [entry for key in keys.values() if (entry := journal.get(key)) is not None]
            records, late = clean_entries(entries, held_out)
            if records:
                stated = as_asked(records, jobs) if options.as_asked else records
                save_corpus(options.out, stated)
    return summarize(entries, records, len(jobs), faults, removed + late)


def _run_all(
    jobs: Sequence[Job],
    keys: Mapping[str, str],
    journal: Journal,
    translator: "_Translator",
    options: TranslateOptions,
) -> int:
    """Translate what the journal lacks; returns how many problems the sandbox lost."""
    left = [job for job in jobs if journal.get(keys[job.problem.question_id]) is None]
    faults = 0
    if not left:
        return faults
    with ExitStack() as stack:
        languages = {job.language for job in left} | {options.language}
        translator.pools = {
            language: stack.enter_context(
                _sandboxes(options.sandbox, language, options.limits, options.workers)
            )
            for language in sorted(languages)
        }
        bar = stack.enter_context(
            progress_bar(label="translating", total=len(left), unit="problem")
        )
        pool = ThreadPoolExecutor(options.requests)
        stack.callback(pool.shutdown, cancel_futures=True)
        stack.callback(translator.fleet.close)
        pending: dict[Future[dict[str, Any]], Job] = {
            pool.submit(translator.run, job): job for job in left
        }
        for done in as_completed(pending):
            try:
                journal.put(keys[pending[done].problem.question_id], done.result())
            except SandboxLost:
                faults += 1
            except (EngineFailed, EngineLost) as error:
                raise UserError(
                    f"{named('engine')} {options.engine}: {error}; what was translated is kept: "
                    "start the engine and run the command again"
                ) from error
            bar.update()
    return faults


class _Translator:
    """Does one job at a time, in several threads."""

    def __init__(
        self, options: TranslateOptions, template: PromptTemplate, fleet: Fleet, model: str
    ) -> None:
        self.fleet = fleet
        self.pools: Mapping[str, SimpleQueue[Sandbox]] = {}
        self._options, self._template, self._model = options, template, model

    def key(self, job: Job) -> str:
        """What tells this job, done with these settings, from any other."""
        return hash_json(
            [
                self._options.decisive(),
                [self._template.content_hash, TRANSLATION_REQUEST, self._model],
                [job.problem.question_id, job.problem.question_content],
                [record.to_json() for record in job.records],
            ]
        )

    def run(self, job: Job) -> dict[str, Any]:
        """The journal's entry of a problem.

        Raises:
            SandboxLost, EngineFailed, EngineLost: it can be tried again.
        """
        entry: dict[str, Any] = {"problem": job.problem.question_id, "attempts": [], "records": []}
        try:
            tests = self._tests(job)
        except BrokenProblem as error:
            return {**entry, "outcome": "broken", "message": str(error)}
        entry |= {"known": len(tests.known), "drawn": len(tests.drawn)}
        if not tests.sources:
            return {**entry, "outcome": "unsolved"}
        if len(tests.tests) < self._options.tests:
            return {**entry, "outcome": "untested"}
        for place in tests.sources[: self._options.most]:
            self._translate(job.problem, job.records[place], tests, entry)
        return {**entry, "outcome": "done"}

    def _tests(self, job: Job) -> DrawnTests:
        known = job.problem.tests.load()
        rng = random.Random(f"{self._options.seed} {job.problem.question_id}")
        with self._sandbox(job.language) as sandbox:
            programs = [record.program for record in job.records]
            return draw_tests(sandbox, programs, known, self._options.tests, rng)

    def _translate(
        self, problem: Problem, source: CorpusRecord, tests: DrawnTests, entry: dict[str, Any]
    ) -> None:
        """Ask until a program passes; attempts and the record are added to the entry."""
        language = self._options.language
        asked = statement_request(
            problem.question_id, translation_request(source), self._template, language
        )
        for number in range(self._options.attempts):
            attempt, program = self._attempt(asked, number, tests)
            entry["attempts"].append({"source": source.id, **attempt})
            if attempt["verdict"] == REFUSED:
                return
            if program is not None and attempt["verdict"] == Verdict.ACCEPTED:
                record = CorpusRecord(
                    id=f"{source.id}-{language}",
                    statement=problem.question_content,
                    program=program,
                    language=language,
                    source=f"translated by {Path(self._model).name}",
                    extras={
                        **problem.origin,
                        "verified": True,
                        "translated": {
                            "from": source.id,
                            "language": source.language,
                            "attempt": number,
                            "known_tests": len(tests.known),
                            "drawn_tests": len(tests.drawn),
                        },
                    },
                    problem=problem.question_id,
                )
                entry["records"].append(record.to_json())
                return

    def _attempt(
        self, asked: Request, number: int, tests: DrawnTests
    ) -> tuple[dict[str, Any], str | None]:
        options = self._options
        sampling = Sampling(options.temperature, TOP_P, options.seed + number) if number else GREEDY
        began = time.perf_counter()
        try:
            request = replace(asked, sampling=sampling, max_new_tokens=options.max_new_tokens)
            # A problem has its server, which so reads the text before the program once.
            place = int(hash_bytes(asked.id.encode())[:8], 16)
            answer = self.fleet.complete(self._model, place, request)
        except (EngineRefused, ContextExceeded) as error:
            return {"verdict": REFUSED, "message": str(error)}, None
        cost = {
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "seconds": round(time.perf_counter() - began, 3),
        }
        program = extract_program(answer.text, options.language)
        if program is None:
            truncated = answer.finish_reason == "length"
            verdict = Verdict.TRUNCATED if truncated else Verdict.NO_CODE
            return {"verdict": verdict.value, **cost}, None
        with self._sandbox(options.language) as sandbox:
            judged = sandbox.judge(program, tests.tests)
        if judged.verdict.is_infrastructure:
            raise SandboxLost(judged.message)
        found = {"verdict": judged.verdict.value, "error_class": judged.error_class}
        return {**found, **cost}, program

    @contextmanager
    def _sandbox(self, language: str) -> Iterator[Sandbox]:
        sandbox = self.pools[language].get()
        try:
            yield sandbox
        finally:
            self.pools[language].put(sandbox)


@contextmanager
def _sandboxes(
    name: str, language: str, limits: Limits, count: int
) -> Iterator[SimpleQueue[Sandbox]]:
    with ExitStack() as stack:
        free: SimpleQueue[Sandbox] = SimpleQueue()
        for _ in range(count):
            free.put(stack.enter_context(open_sandbox(name, language=language, limits=limits)))
        yield free
