"""`knm eval` and `knm sweep`: how well settings do, without the bench. Thin, as `knm.cli`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from knm.commands.output import JsonOption
from knm.errors import UserError
from knm.jsonio import dumps
from knm.outputs import Output, check_outputs, file_named

JOURNAL: Final = "trials.jsonl"
WINNER: Final = "winner.yaml"
SUMMARY: Final = "sweep.json"
HEAT_MAP: Final = "heatmap.svg"

ModelOption = Annotated[str, typer.Option(help="embedded, a directory, a GGUF file or a hub id.")]
DatastoreOption = Annotated[str | None, typer.Option(help="Datastore, by name or path.")]
PromptOption = Annotated[str, typer.Option(help="Prompt template, as in decoding.")]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Only the first N records.")]
DtypeOption = Annotated[str | None, typer.Option(help="Model dtype.")]
DeviceOption = Annotated[str | None, typer.Option(help="Model device.")]
BatchOption = Annotated[int, typer.Option(min=1, help="Tokens of a forward batch.")]


class SearchKind(StrEnum):
    """How a sweep chooses what to try."""

    GRID = "grid"
    RANDOM = "random"
    OPTUNA = "optuna"


class ObjectiveKind(StrEnum):
    """What a sweep maximises before Pass@1."""

    ACCURACY = "accuracy"
    PERPLEXITY = "perplexity"
    NET_GAIN = "net-gain"


def evaluate(
    corpus: Annotated[
        Path | None, typer.Option(help="JSONL corpus (default: the packaged test split).")
    ] = None,
    model: ModelOption = "embedded",
    datastore: DatastoreOption = None,
    knn_preset: Annotated[
        list[str] | None,
        typer.Option(help="Retrieval configuration; may be given several times, each a row."),
    ] = None,
    knn_k: Annotated[int | None, typer.Option(help="Neighbours per query.")] = None,
    knn_lambda: Annotated[float | None, typer.Option(help="Weight of the neighbours.")] = None,
    knn_temperature: Annotated[float | None, typer.Option(help="Of the distances.")] = None,
    knn_gate: Annotated[float | None, typer.Option(help="Weights below this are 0.")] = None,
    prompt: PromptOption = "task",
    limit: LimitOption = None,
    next_line: Annotated[int, typer.Option(min=0, help="Complete so many lines, greedily.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of where programs are cut.")] = 0,
    dtype: DtypeOption = None,
    device: DeviceOption = None,
    batch_tokens: BatchOption = 8192,
    json: JsonOption = False,
) -> None:
    """Predict every token of a corpus, with and without a datastore: perplexity and accuracy.

    Without --datastore and --knn-preset the LM alone is measured.
    """
    from knm.bench import RunOptions, ensure_datastore, prepare_engine
    from knm.corpora import load_corpus
    from knm.datastore import Datastore
    from knm.models import check_dtype, find_model
    from knm.packaged import EMBEDDED_CORPUS
    from knm.problems import load_template, sample_prompts
    from knm.retrieval.preset_files import check_preset_name

    check_dtype(dtype)
    find_model(model)
    for name in knn_preset or []:
        check_preset_name(name)
    whole = load_corpus(corpus or EMBEDDED_CORPUS / "test.jsonl")
    template = load_template(prompt)
    from knm.metrics import EvaluationOptions, evaluate_corpus, render_evaluation
    from knm.models import load_model

    given = (datastore, knn_k, knn_lambda, knn_temperature, knn_gate)
    names: list[str | None] = [*(knn_preset or [])]
    if not names and any(value is not None for value in given):
        names = [None]  # the datastore's own
    presets, store = [], None
    for chosen in names:
        options = RunOptions(
            model=model,
            dtype=dtype,
            device=device,
            knn=True,
            datastore=datastore,
            knn_preset=chosen,
            knn_k=knn_k,
            knn_lambda=knn_lambda,
            knn_temperature=knn_temperature,
            knn_gate=knn_gate,
        )
        setup = prepare_engine(options, Path.cwd())
        ensure_datastore(setup)
        assert setup.preset is not None
        assert setup.datastore is not None
        presets.append(setup.preset)
        store = setup.datastore
    loaded = load_model(model, dtype=dtype, device=device)
    result = evaluate_corpus(
        loaded,
        whole[:limit],
        template,
        None if store is None else Datastore.open(store, expect=loaded.identity),
        presets,
        EvaluationOptions(batch_tokens, next_line, seed),
        sample_prompts(template, [(record.statement, record.language) for record in whole]),
    )
    print(dumps(result.to_json()) if json else render_evaluation(result))


def sweep(
    space: Annotated[Path, typer.Argument(help="YAML file of settings, as examples/sweep.yaml.")],
    out: Annotated[Path, typer.Option(help="Directory of what was measured, and of the winner.")],
    corpus: Annotated[
        Path | None, typer.Option(help="JSONL corpus (default: the packaged dev split).")
    ] = None,
    model: ModelOption = "embedded",
    datastore: Annotated[
        str, typer.Option(help="Datastore, by name or path, where the file names none.")
    ] = "embedded",
    search: Annotated[SearchKind, typer.Option(help="How to choose.")] = SearchKind.GRID,
    trials: Annotated[
        int | None, typer.Option(min=1, help="So many configurations (default: all, or 50).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0,
    objective: Annotated[
        ObjectiveKind, typer.Option(help="By which token metric.")
    ] = ObjectiveKind.ACCURACY,
    loss_weight: Annotated[
        float, typer.Option(min=0, help="net-gain: gained tokens that make up for a lost one.")
    ] = 3.0,
    finalists: Annotated[
        int, typer.Option(min=0, help="Decode and judge so many of the best.")
    ] = 0,
    problems: Annotated[
        str | None, typer.Option(help="Problem set for them; never one of the bench.")
    ] = None,
    sandbox: Annotated[str, typer.Option(help="Where programs run.")] = "local",
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Bound on a completion.")] = 512,
    axes: Annotated[
        str | None, typer.Option(metavar="A,B", help="Settings of the heat map.")
    ] = None,
    prompt: PromptOption = "task",
    limit: LimitOption = None,
    dtype: DtypeOption = None,
    device: DeviceOption = None,
    batch_tokens: BatchOption = 8192,
    json: JsonOption = False,
) -> None:
    """Look for settings that do well on dev; run it again to resume what was interrupted.

    Writes trials.jsonl, heatmap.svg, sweep.json and winner.yaml, a preset for --knn-preset.
    """
    from knm.corpora import load_corpus
    from knm.embedded.tuning_data import refuse_bench, refuse_test_split
    from knm.models import check_dtype, find_model
    from knm.packaged import EMBEDDED_CORPUS
    from knm.problems import load_problems, load_template, problems_path, sample_prompts

    # 1. Everything that can be wrong is, before anything is loaded.
    if (finalists > 0) != (problems is not None):
        raise UserError(
            "--finalists N and --problems SET go together: draw problems with `knm problems "
            "generate --split dev --out FILE`"
        )
    if not space.is_file():
        raise UserError(f"{space}: no such file; give one such as examples/sweep.yaml")
    check_dtype(dtype)
    template = load_template(prompt)
    path = corpus or EMBEDDED_CORPUS / "dev.jsonl"
    files = tuple(out / name for name in (JOURNAL, WINNER, SUMMARY, HEAT_MAP))
    asked_of = problems and problems_path(problems)
    inputs = (space, path, find_model(model), asked_of, file_named(prompt))
    check_outputs([Output("--out", files)], inputs)
    whole = load_corpus(path)
    records = whole[:limit]
    refuse_test_split(records)
    from knm.metrics import SEARCHES, read_space

    choices = read_space(space, datastore)
    check_outputs([Output("--out", files)], (file_named(choices.preset), *choices.datastores))
    proposals = SEARCHES[search.value](choices, trials, seed)
    from knm.bench import RunOptions, ensure_datastore, prepare_engine
    from knm.journal import Journal
    from knm.jsonio import write_json
    from knm.judging.trials import TrialSettings
    from knm.metrics import (
        Finals,
        Objective,
        Sweep,
        SweepData,
        choose_axes,
        render_sweep,
        write_heat_map,
    )
    from knm.models import load_model
    from knm.retrieval import write_preset

    pair = choose_axes(choices, axes)
    finals = None
    if problems is not None:
        problem_set = load_problems(problems)
        refuse_bench(problem_set)
        settings = TrialSettings(prompt=prompt, max_new_tokens=max_new_tokens)
        finals = Finals(problem_set, finalists, sandbox, settings)
    stores = {}
    for name in choices.datastores:
        options = RunOptions(model=model, dtype=dtype, device=device, knn=True, datastore=name)
        setup = prepare_engine(options, Path.cwd())
        ensure_datastore(setup)
        assert setup.datastore is not None
        stores[name] = setup.datastore

    # 2. Try, and decode the best.
    loaded = load_model(model, dtype=dtype, device=device)
    asked = sample_prompts(template, [(record.statement, record.language) for record in whole])
    data = SweepData(loaded, records, template, batch_tokens, tuple(asked))
    with Journal(out / JOURNAL, "a sweep") as journal:
        result = Sweep(choices, data, stores, journal).run(
            proposals, Objective(objective.value, loss_weight), finals
        )

    # 3. Say what came of it.
    write_preset(out / WINNER, result.preset("winner"))
    write_json(out / SUMMARY, result.to_json())
    if pair is not None:
        write_heat_map(result, pair, out / HEAT_MAP)
    print(dumps(result.to_json()) if json else render_sweep(result))
    if not json:
        print(f"\n{out / WINNER}: over datastore {result.winner.point.datastore}")
