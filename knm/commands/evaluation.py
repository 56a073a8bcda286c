"""`knm eval` and `knm sweep`: how well settings do, without the bench. Thin, as `knm.cli`."""

from pathlib import Path
from typing import Annotated

import typer

from knm.commands.output import JsonOption
from knm.jsonio import dumps

ModelOption = Annotated[str, typer.Option(help="embedded, a directory or a hub id.")]
DatastoreOption = Annotated[str | None, typer.Option(help="Datastore, by name or path.")]
PromptOption = Annotated[str, typer.Option(help="Prompt template, as in decoding.")]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Only the first N records.")]
DtypeOption = Annotated[str | None, typer.Option(help="Model dtype.")]
DeviceOption = Annotated[str | None, typer.Option(help="Model device.")]
BatchOption = Annotated[int, typer.Option(min=1, help="Tokens of a forward batch.")]


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
    next_line: Annotated[int, typer.Option(min=0, help="Complete so many next lines.")] = 0,
    beams: Annotated[int, typer.Option(min=1, help="Beams of these completions.")] = 4,
    seed: Annotated[int, typer.Option(help="Seed of where programs are cut.")] = 0,
    dtype: DtypeOption = None,
    device: DeviceOption = None,
    batch_tokens: BatchOption = 8192,
    json: JsonOption = False,
) -> None:
    """Predict every token of a corpus, with and without a datastore: perplexity and accuracy.

    Without --datastore and --knn-preset the LM alone is measured.
    """
    from knm.corpora import EMBEDDED_CORPUS, load_corpus
    from knm.datastore import Datastore
    from knm.evaluation import EvaluationOptions, evaluate_corpus, render_evaluation
    from knm.harness import RunOptions, ensure_datastore, prepare_engine
    from knm.models import load_model
    from knm.problems import load_template
    from knm.retrieval import DEFAULT_PRESET

    given = (datastore, knn_k, knn_lambda, knn_temperature, knn_gate)
    names = knn_preset or ([DEFAULT_PRESET] if any(v is not None for v in given) else [])
    records = load_corpus(corpus or EMBEDDED_CORPUS / "test.jsonl")[:limit]
    template = load_template(prompt)
    presets, store = [], None
    for name in names:
        options = RunOptions(
            model=model,
            dtype=dtype,
            device=device,
            knn=True,
            datastore=datastore,
            knn_preset=name,
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
        records,
        template,
        None if store is None else Datastore.open(store, expect=loaded.identity),
        presets,
        EvaluationOptions(batch_tokens, next_line, beams, seed),
    )
    print(dumps(result.to_json()) if json else render_evaluation(result))
