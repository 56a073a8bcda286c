"""`knm audit`: the trust ladder of a datastore and preset. Thin, as `knm.cli`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from knm.commands.output import JsonOption, say
from knm.errors import UserError
from knm.jsonio import dumps
from knm.outputs import Input, check_output_directory, file_named

Item = TypeVar("Item")


def audit(
    out: Annotated[Path, typer.Option(help="Directory of the results.")],
    problems: Annotated[
        str, typer.Option(help="Problem set: embedded, a file, a directory or a hub id.")
    ] = "embedded",
    corpus: Annotated[
        Path | None, typer.Option(help="JSONL corpus of the store (default: the packaged one).")
    ] = None,
    train_programs: Annotated[
        int | None, typer.Option(min=1, help="Only the corpus's first N programs.")
    ] = None,
    off_domain: Annotated[
        Path | None, typer.Option(help="Corpus of another domain (default: the packaged one).")
    ] = None,
    model: Annotated[
        str, typer.Option(help="embedded, a directory, a GGUF file or a hub id.")
    ] = "embedded",
    preset: Annotated[
        str | None, typer.Option(help="Preset of the rows that name none (default: --knn's).")
    ] = None,
    rows: Annotated[
        str | None, typer.Option(help="Rows to run, by name, with commas (default: all).")
    ] = None,
    curve: Annotated[
        str | None, typer.Option(help="Numbers of programs to draw the gain against.")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="Train models of these seeds and audit each.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="Recipe of these models.")] = "embedded",
    models: Annotated[
        str | None, typer.Option(help="Models to audit instead, with commas.")
    ] = None,
    positions: Annotated[str, typer.Option(help="What the stores hold, as in `knm mine`.")] = "all",
    key_kind: Annotated[
        str, typer.Option(help="What keys are made of, as in `knm mine`.")
    ] = "final-norm",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N problems.")] = None,
    prompt: Annotated[str, typer.Option(help="Prompt template.")] = "task",
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest completion.")] = 512,
    batch_size: Annotated[int, typer.Option(min=1, help="Prompts decoded together.")] = 32,
    learning_rate: Annotated[
        float | None, typer.Option(help="Of the fine-tuned copy (default: by the model).")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Of the fine-tuned copy (default: by the corpus's size).")
    ] = None,
    lora: Annotated[
        int | None, typer.Option(help="Rank of the copy's updates (default: all weights).")
    ] = None,
    sandbox: Annotated[str, typer.Option(help="Where programs run.")] = "local",
    time_limit: Annotated[float, typer.Option(help="CPU seconds per test.")] = 5.0,
    memory_limit: Annotated[int, typer.Option(help="MiB of memory per test.")] = 512,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Programs judged at a time (default: by the cores).")
    ] = None,
    dtype: Annotated[str | None, typer.Option(help="Model dtype.")] = None,
    device: Annotated[str | None, typer.Option(help="Model device.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if a check does not hold.")
    ] = False,
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
    from knm.packaged import EMBEDDED_CORPUS
    from knm.problems import load_template, problems_path
    from knm.retrieval.preset_files import check_preset_name
    from knm.sandbox import make_limits

    # 1. What can be wrong is found before a model library is imported, which takes seconds.
    if seeds is not None and models is not None:
        raise UserError("knm audit: give either --seeds or --models")
    numbers = None if seeds is None else _split("--seeds", seeds, int)
    several = [] if models is None else _split("--models", models, str)
    chosen = None if rows is None else _split("--rows", rows, str)
    counts = [] if curve is None else _split("--curve", curve, _count)
    choose_rows(chosen or [])
    if recipe not in RECIPES:
        raise UserError(f"--recipe {recipe}: unknown; choose one of {', '.join(RECIPES)}")
    finetuning = FinetuningOptions(learning_rate=learning_rate, epochs=epochs, lora=lora)
    MiningOptions(positions=positions, key_kind=key_kind)
    check_dtype(dtype)
    load_template(prompt)
    if preset is not None:
        check_preset_name(preset)
    filling = corpus or EMBEDDED_CORPUS / "train.jsonl"
    inputs: list[Input] = [filling, off_domain, problems_path(problems)]
    inputs += [file_named(prompt), file_named(preset)]
    inputs += [find_model(name) for name in several or [model]]
    check_output_directory("--out", out, inputs)

    # 2. Run.
    from knm import audit as auditing
    from knm.judging.trials import TrialSettings
    from knm.retrieval import DEFAULT_PRESET

    settings = auditing.AuditSettings(
        out=out,
        corpus=filling,
        problems=problems,
        model=model,
        dtype=dtype,
        device=device,
        off_domain=off_domain or _off_domain(),
        programs=train_programs,
        limit=limit,
        preset=preset or DEFAULT_PRESET,
        positions=positions,
        key_kind=key_kind,
        trial=TrialSettings(
            prompt=prompt,
            max_new_tokens=max_new_tokens,
            batch_size=batch_size,
            limits=make_limits(time_limit, memory_limit),
        ),
        sandbox=sandbox,
        workers=workers,
        finetuning=finetuning,
    )
    if numbers is not None:
        from knm.embedded.training import train_models

        several = [str(path) for path in train_models(numbers, recipe, out / "trained", device)]
    if several:
        audits, agreement = auditing.audit_models(several, settings, chosen, counts, notify=say)
        documents = {name: found.to_json() for name, found in audits.items()}
        _print({"audits": documents, **agreement.to_json()}, out / "models.md", json=json)
    else:
        audits = {model: auditing.run_audit(settings, chosen, counts, notify=say)}
        _print(audits[model].to_json(), out / "audit.md", json=json)
    if strict and not all(found.holds for found in audits.values()):
        raise typer.Exit(1)


def _off_domain() -> Path | None:
    """The packaged corpus of utility functions, if it is there."""
    from knm.packaged import UTILITY_CORPUS

    path = UTILITY_CORPUS / "train.jsonl"
    return path if path.is_file() else None


def _split(option: str, text: str, read: Callable[[str], Item]) -> list[Item]:
    """The parts of a list with commas.

    Raises:
        UserError: a part is not what it should be.
    """
    try:
        return [read(part.strip()) for part in text.split(",")]
    except ValueError:
        raise UserError(f"{option} {text}: give whole numbers with commas") from None


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return count


def _print(document: Mapping[str, Any], table: Path, *, json: bool) -> None:
    print(dumps(document) if json else table.read_text(encoding="utf-8"), end="\n" if json else "")
