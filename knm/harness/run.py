"""Setting a run up: everything is found and checked before a model is loaded."""

import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knm.errors import UserError
from knm.harness.options import MEBIBYTE, RunOptions
from knm.problems import (
    Problem,
    ProblemSet,
    PromptTemplate,
    language_prompt,
    load_problems,
    load_template,
)
from knm.sandbox import Limits, Sandbox, open_sandbox

if TYPE_CHECKING:
    from knm.engine import Engine
    from knm.models import ModelIdentity, Placement
    from knm.retrieval import Preset

EMBEDDED_PROBLEMS = Path("bench/problems")
DATASTORES = Path("datastore")
RESULTS = Path("results")
EMBEDDED_DATASTORE = "embedded"


@dataclass(frozen=True)
class BenchRun:
    """One evaluation, checked and ready to start."""

    options: RunOptions
    problem_set: ProblemSet
    template: PromptTemplate
    limits: Limits
    identity: "ModelIdentity"
    placement: "Placement"
    preset: "Preset | None"
    datastore: Path | None
    results: Path

    def prompt(self, problem: Problem) -> str:
        """The text that the model is given, before its chat template."""
        return self.template.render(
            problem.question_content, language_prompt(self.options.language)
        )

    def open_sandbox(self) -> Sandbox:
        """A sandbox of the run's kind and limits."""
        return open_sandbox(
            self.options.sandbox, language=self.options.language, limits=self.limits
        )

    def open_engine(self, workers: int = 1) -> "Engine":
        """Load the model, and with `--knn` the datastore.

        `workers` processes share this machine's cores: threads that wait for each other on cores
        that others hold take many times as long.
        """
        import torch

        from knm.datastore import Datastore
        from knm.engine import GenerationOptions, open_engine
        from knm.models import load_model
        from knm.retrieval import Retriever

        loaded = load_model(
            self.options.model, dtype=self.placement.dtype, device=self.placement.device
        )
        if workers > 1:
            torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
        retriever = None
        if self.preset is not None and self.datastore is not None:
            store = Datastore.open(self.datastore, expect=loaded.identity)
            retriever = Retriever(store, self.preset, device=loaded.device)
        generation = GenerationOptions(self.options.max_new_tokens, self.options.batch_size)
        return open_engine(loaded, generation, retriever)

    @property
    def configuration(self) -> dict[str, Any]:
        """The run's settings as a report keeps them."""
        options = self.options
        return {
            "model": options.model,
            "device": self.placement.device,
            "dtype": self.placement.dtype,
            "problems": self.problem_set.name,
            "limit": options.limit,
            "prompt": self.template.name,
            "language": options.language,
            "max_new_tokens": options.max_new_tokens,
            "batch_size": options.batch_size,
            "sandbox": options.sandbox,
            "limits": asdict(self.limits),
            "knn": None
            if self.preset is None
            else {
                "datastore": options.datastore or EMBEDDED_DATASTORE,
                "preset": asdict(self.preset),
            },
        }

    def ensure_datastore(self) -> bool:
        """Mine the embedded datastore if this run needs it and it is not there yet."""
        if self.datastore is None or self.options.datastore not in (None, EMBEDDED_DATASTORE):
            return False
        from knm.harness.embedded import ensure_embedded_datastore

        return ensure_embedded_datastore(self.datastore)

    def hashes(self) -> dict[str, str]:
        """Content hashes of what the run reads."""
        found = {
            "problem_set": self.problem_set.content_hash,
            "prompt": self.template.content_hash,
            "model": self.identity.weights_hash,
            "tokenizer": self.identity.tokenizer_hash,
        }
        if self.datastore is not None:
            from knm.datastore import Datastore

            found["datastore"] = Datastore.open(self.datastore).content_hash
        return found


def prepare_run(options: RunOptions, root: Path) -> BenchRun:
    """Find and check everything that the options name; `root` is the project's directory.

    Raises:
        UserError: something is missing, malformed or does not fit together.
    """
    limits = Limits(cpu_seconds=options.time_limit, memory_bytes=options.memory_limit * MEBIBYTE)
    limits = replace(limits, wall_seconds=max(limits.wall_seconds, 3 * limits.cpu_seconds))
    template = load_template(options.prompt)
    template.render("", language_prompt(options.language))
    problem_set = load_problems(options.problems or root / EMBEDDED_PROBLEMS, limit=options.limit)
    from knm.models import identify_model, resolve_placement

    placement = resolve_placement(options.device, options.dtype)
    identity = identify_model(options.model, placement.dtype)
    preset, datastore = _retrieval(options, identity, root)
    return BenchRun(
        options=options,
        problem_set=problem_set,
        template=template,
        limits=limits,
        identity=identity,
        placement=placement,
        preset=preset,
        datastore=datastore,
        results=Path(options.results) if options.results else root / RESULTS / _name(options),
    )


def _retrieval(
    options: RunOptions, identity: "ModelIdentity", root: Path
) -> tuple["Preset | None", Path | None]:
    if not options.knn:
        return None, None
    from knm.datastore import Datastore
    from knm.models import EMBEDDED
    from knm.retrieval import DEFAULT_PRESET, resolve_preset

    preset = resolve_preset(
        options.knn_preset or DEFAULT_PRESET,
        k=options.knn_k,
        weight=options.knn_lambda,
        temperature=options.knn_temperature,
        gate=options.knn_gate,
    )
    name = options.datastore
    if name is None or name == EMBEDDED_DATASTORE:
        if options.model != EMBEDDED:
            raise UserError(
                f"--knn: --model {options.model} has no datastore of its own; mine one with "
                "`knm mine` and name it with --datastore"
            )
        return preset, root / DATASTORES / EMBEDDED_DATASTORE
    path = Path(name) if Path(name).exists() else root / DATASTORES / name
    if not path.is_dir():
        raise UserError(
            f"--datastore {name}: no such directory, nor {path}; mine it with `knm mine --out "
            f"{path}`, or leave the option out to use the embedded one"
        )
    Datastore.open(path, expect=identity, key_kind=preset.key_kind)
    return preset, path


def _name(options: RunOptions) -> str:
    model = options.model.rstrip("/").rpartition("/")[2]
    preset = (options.knn_preset or "default") if options.knn else "base"
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{model}-{preset}.json"
