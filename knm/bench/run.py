"""Setting a run up, but for its engine: problems, prompts, judging, and where results go.

Loads no model library: with several workers this is all that each of them sets up.
"""

import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from knm.bench.published import published_setting
from knm.engine import EngineConfiguration
from knm.judging.requests import problem_request
from knm.languages.language import own_hash
from knm.models.chat_arguments import check_against_template, read_chat_arguments
from knm.options import RunOptions
from knm.outputs import Output, check_outputs, file_named
from knm.problems import (
    Problem,
    ProblemSet,
    PromptTemplate,
    Selection,
    load_problems,
    load_template,
    problems_path,
    sample_prompts,
)
from knm.records import GREEDY, Request, Sampling
from knm.report import reserve_report, stream_path
from knm.sandbox import Limits, Sandbox, make_limits, open_sandbox
from knm.sandbox.backends import find_sandbox

DATASTORES: Final = Path("datastore")
RESULTS: Final = Path("results")
CACHE: Final = Path(".knm-cache")
BASE: Final = "base"
"""What stands for the preset in the name of a report without one."""


@dataclass(frozen=True)
class BenchRun:
    """One evaluation, checked and ready to start."""

    options: RunOptions
    problem_set: ProblemSet
    template: PromptTemplate
    limits: Limits
    sampling: Sampling
    root: Path
    results: Path

    @property
    def selection(self) -> Selection:
        """Which problems of the set."""
        return Selection.of(self.options)

    @property
    def inputs(self) -> tuple[str | Path | None, ...]:
        """What the options name for reading, as they name it."""
        from knm.packaged import EMBEDDED

        options = self.options
        datastore = options.datastore
        return (
            problems_path(options.problems),
            file_named(options.prompt),
            file_named(options.language),
            file_named(options.knn_preset),
            options.ids,
            None if options.model == EMBEDDED else options.model,
            datastore,
            datastore and self.root / DATASTORES / datastore,
            options.knm_baseline,
        )

    def claim_results(self, junit: Path | None = None) -> "BenchRun":
        """The run with a place for its results that can be written and is no input.

        Where the user gave none it gets a name that no other run has. `junit` is written too.

        Raises:
            UserError: saying which file cannot be written, or must not be.
        """
        outputs = [
            Output("--results", (self.results, stream_path(self.results))),
            Output("--junitxml", () if junit is None else (junit,)),
        ]
        check_outputs(outputs, self.inputs)
        if self.options.results is not None:
            return self
        return replace(self, results=reserve_report(self.results))

    def of_model(self, name: str) -> "BenchRun":
        """The run with results named after this model, where the user gave no name."""
        if self.options.results is not None:
            return self
        options = replace(self.options, model=name)
        return replace(self, results=self.root / RESULTS / _name(options))

    def requests(self, problem: Problem, withheld: str | None = None) -> tuple[Request, ...]:
        """What the engine is asked for a problem: one request for each sample.

        `withheld` is why the datastore is not for the problem set.
        """
        asked = replace(
            problem_request(problem, self.template, self.options.language),
            max_new_tokens=self.options.max_new_tokens,
            sampling=self.sampling,
            withheld=withheld,
        )
        return tuple(replace(asked, sample=sample) for sample in range(self.options.samples))

    def sample_prompts(self) -> list[str]:
        """Some prompts of the whole problem set, whichever of its problems are run.

        Raises:
            UserError: a problem that was not selected is malformed.
        """
        options = self.options
        whole = self.problem_set if self.selection.is_all else load_problems(options.problems)
        tasks = [(problem.question_content, options.language) for problem in whole]
        return sample_prompts(self.template, tasks)

    def open_sandbox(self) -> Sandbox:
        """A sandbox of the run's kind and limits."""
        options = self.options
        return open_sandbox(
            options.sandbox,
            language=options.language,
            limits=self.limits,
            keep_io=options.keep_io,
        )

    def configuration(self, engine: EngineConfiguration) -> dict[str, Any]:
        """The run's settings as a report keeps them."""
        options = self.options
        return {
            "model": engine.model,
            "device": engine.device,
            "dtype": engine.dtype,
            "problems": self.problem_set.name,
            **self.selection.settings(),
            "prompt": self.template.name,
            **_of_prompt(self.template, options),
            "language": options.language,
            "max_new_tokens": options.max_new_tokens,
            "samples": options.samples,
            "sampling": asdict(self.sampling),
            "unapplied_generation_config": dict(engine.unapplied),
            "batch_size": engine.batch_size,
            "sandbox": options.sandbox,
            "limits": asdict(self.limits),
            "knn": None
            if engine.preset is None
            else {"datastore": engine.datastore, "preset": dict(engine.preset)},
            **({} if engine.told is None else {"unverified": dict(engine.told)}),
        }

    def hashes(self, engine: EngineConfiguration) -> dict[str, str]:
        """Content hashes of what the run reads."""
        found = {
            "problem_set": self.problem_set.content_hash,
            "prompt": self.template.content_hash,
            **own_hash(self.options.language),
        }
        for name, content in (
            ("model", engine.weights_hash),
            ("tokenizer", engine.tokenizer_hash),
            ("model_config", engine.config_hash),
            ("generation_config", engine.generation_hash),
            ("datastore", engine.datastore_hash),
        ):
            if content is not None:
                found[name] = content
        return found


def cache_directory(root: Path) -> Path:
    """Where a run keeps what it found: `KNM_CACHE_DIR`, or a directory of the project's."""
    return Path(os.environ.get("KNM_CACHE_DIR") or root / CACHE)


def prepare_run(options: RunOptions, root: Path, problem_set: ProblemSet | None = None) -> BenchRun:
    """Find and check everything that the options name, but for the engine's part.

    Args:
        options: of the run.
        root: the project's directory.
        problem_set: what `options.problems` names, where another process has read it.

    Raises:
        UserError: something is missing, malformed or does not fit together.
    """
    limits = make_limits(options.time_limit, options.memory_limit)
    find_sandbox(options.sandbox, options.language)  # though it may be opened elsewhere
    template = load_template(options.prompt)
    arguments = read_chat_arguments(options.prompt_arg or ())
    if arguments:
        template.check_chat()
        if options.engine is None:
            check_against_template(arguments, options.model)
        template = replace(template, arguments=arguments)
    template.render("", options.language)
    if problem_set is None:
        problem_set = load_problems(options.problems, Selection.of(options))
    for problem in problem_set:
        template.check_problem(problem, options.language)
    return BenchRun(
        options=options,
        problem_set=problem_set,
        template=template,
        limits=limits,
        sampling=_sampling(options),
        root=root,
        results=Path(options.results) if options.results else root / RESULTS / _name(options),
    )


def _of_prompt(template: PromptTemplate, options: RunOptions) -> dict[str, Any]:
    """What is to be said of a prompt beside its name, where there is something."""
    said: dict[str, Any] = {}
    if template.arguments:
        said["prompt_arguments"] = dict(template.arguments)
    published = published_setting(options)
    if published is not None:
        said["published_setting"] = published
    return said


def _sampling(options: RunOptions) -> Sampling:
    if options.temperature == 0:
        return GREEDY
    return Sampling(
        temperature=options.temperature,
        top_p=1.0 if options.top_p is None else options.top_p,
        seed=options.seed or 0,
    )


def model_part(options: RunOptions) -> str:
    """What stands for the model in the name of a report."""
    return options.model.rstrip("/").rpartition("/")[2]


def _name(options: RunOptions) -> str:
    preset = Path(options.knn_preset or "default").stem if options.knn else BASE
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{model_part(options)}-{preset}.json"
