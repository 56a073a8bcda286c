"""`knm audit`: the trust ladder of a datastore and preset. Thin, as `knm.cli`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from knm.commands.output import JsonOption, say
from knm.errors import UserError, named
from knm.jsonio import dumps
from knm.option_fields import Option, read_list
from knm.options import (
    BATCH,
    CorpusFile,
    DecodingOptions,
    KeyKind,
    ModelOptions,
    Positions,
    ProblemOptions,
    SandboxOptions,
    TemplateName,
    Workers,
)
from knm.outputs import Input, check_output_directory, file_named


@dataclass(frozen=True, kw_only=True)
class LadderOptions:
    """Which rows are run, of which models, and where the results go."""

    out: Annotated[Path, Option("directory of the results", "DIR")]
    preset: Annotated[
        str | None,
        Option("preset of the rows that name none", "NAME|FILE", default="trusted"),
    ] = None
    rows: Annotated[str | None, Option("rows to run, by name", "A,B", default="all")] = None
    curve: Annotated[str | None, Option("numbers of programs to draw the gain against", "N,M")] = (
        None
    )
    seeds: Annotated[str | None, Option("train models of these seeds and audit each", "N,M")] = None
    recipe: Annotated[str, Option("recipe of these models", "NAME")] = "embedded"
    models: Annotated[str | None, Option("models to audit instead", "A,B")] = None
    strict: Annotated[bool, Option("exit with 1 if a check does not hold")] = False


@dataclass(frozen=True, kw_only=True)
class StoreOptions:
    """What the stores are made of."""

    corpus: CorpusFile = None
    train_programs: Annotated[
        int | None, Option("only the corpus's first N programs that are of use", "N", least=1)
    ] = None
    off_domain: Annotated[
        Path | None, Option("corpus of another domain", "FILE", default="the packaged one")
    ] = None
    positions: Positions = "all"
    key_kind: KeyKind = "final-norm"


@dataclass(frozen=True, kw_only=True)
class AttemptOptions(SandboxOptions, DecodingOptions, ProblemOptions):
    """How problems are decoded and judged."""

    prompt: TemplateName = "task"
    batch_size: Annotated[int, BATCH] = 32
    workers: Workers = None


@dataclass(frozen=True, kw_only=True)
class CopyOptions:
    """How the fine-tuned copy is trained."""

    learning_rate: Annotated[
        float | None, Option("of the fine-tuned copy", "RATE", default="by the model")
    ] = None
    epochs: Annotated[
        int | None, Option("of the fine-tuned copy", "N", default="by the corpus's size")
    ] = None
    lora: Annotated[
        int | None, Option("rank of the copy's updates", "RANK", default="all weights")
    ] = None


def audit(
    model: ModelOptions,
    ladder: LadderOptions,
    store: StoreOptions,
    attempts: AttemptOptions,
    copy: CopyOptions,
    json: JsonOption = False,
) -> None:
    """Compare a datastore with what would fool us: noise, oracle, useless stores, rivals, ceiling.

    Run it again to resume what was interrupted: rows whose configuration is the same are kept.
    """
    from knm.audit.rows import choose_rows
    from knm.datastore import MiningOptions
    from knm.embedded.recipes import RECIPES
    from knm.models import check_dtype, find_model
    from knm.models.finetuning_options import FinetuningOptions
    from knm.packaged import find_corpus
    from knm.problems import Selection, load_template, problems_path
    from knm.retrieval.preset_files import check_preset_name
    from knm.sandbox import make_limits

    # 1. What can be wrong is found before a model library is imported, which takes seconds.
    if ladder.seeds is not None and ladder.models is not None:
        raise UserError(f"knm audit: give either {named('seeds')} or {named('models')}")
    numbers = None if ladder.seeds is None else read_list("seeds", ladder.seeds, "integers", int)
    several = [] if ladder.models is None else read_list("models", ladder.models, "models", str)
    chosen = None if ladder.rows is None else read_list("rows", ladder.rows, "rows", str)
    counts = (
        [] if ladder.curve is None else read_list("curve", ladder.curve, "integers above 0", _count)
    )
    choose_rows(chosen or [])
    if ladder.recipe not in RECIPES:
        raise UserError(
            f"{named('recipe')} {ladder.recipe}: unknown; choose one of {', '.join(RECIPES)}"
        )
    finetuning = FinetuningOptions(**asdict(copy))
    MiningOptions(positions=store.positions, key_kind=store.key_kind)
    check_dtype(model.dtype)
    load_template(attempts.prompt)
    if ladder.preset is not None:
        check_preset_name(ladder.preset)
    filling = find_corpus(store.corpus)
    inputs: list[Input] = [
        filling,
        store.off_domain,
        problems_path(attempts.problems),
        attempts.ids,
    ]
    inputs += [file_named(attempts.prompt), file_named(ladder.preset)]
    inputs += [find_model(name) for name in several or [model.model]]
    check_output_directory("--out", ladder.out, inputs)

    # 2. Run.
    from knm import audit as auditing
    from knm.judging.trials import TrialSettings
    from knm.retrieval import DEFAULT_PRESET

    settings = auditing.AuditSettings(
        out=ladder.out,
        corpus=filling,
        problems=attempts.problems,
        model=model.model,
        dtype=model.dtype,
        device=model.device,
        off_domain=store.off_domain or _off_domain(),
        programs=store.train_programs,
        selection=Selection.of(attempts),
        preset=ladder.preset or DEFAULT_PRESET,
        positions=store.positions,
        key_kind=store.key_kind,
        trial=TrialSettings(
            prompt=attempts.prompt,
            max_new_tokens=attempts.max_new_tokens,
            batch_size=attempts.batch_size,
            limits=make_limits(attempts.time_limit, attempts.memory_limit),
        ),
        sandbox=attempts.sandbox,
        workers=attempts.workers,
        finetuning=finetuning,
    )
    if numbers is not None:
        from knm.embedded.training import train_models

        several = [
            str(path)
            for path in train_models(numbers, ladder.recipe, ladder.out / "trained", model.device)
        ]
    if several:
        audits, agreement = auditing.audit_models(several, settings, chosen, counts, notify=say)
        documents = {name: found.to_json() for name, found in audits.items()}
        _print({"audits": documents, **agreement.to_json()}, ladder.out / "models.md", json=json)
    else:
        audits = {model.model: auditing.run_audit(settings, chosen, counts, notify=say)}
        _print(audits[model.model].to_json(), ladder.out / "audit.md", json=json)
    if ladder.strict and not all(found.holds for found in audits.values()):
        raise typer.Exit(1)


def _off_domain() -> Path | None:
    """The packaged corpus of utility functions, if it is there."""
    from knm.packaged import UTILITY_CORPUS

    path = UTILITY_CORPUS / "train.jsonl"
    return path if path.is_file() else None


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return count


def _print(document: Mapping[str, Any], table: Path, *, json: bool) -> None:
    print(dumps(document) if json else table.read_text(encoding="utf-8"), end="\n" if json else "")
