"""`knm train` and `knm finetune`: LMs from a recipe, and copies trained on a corpus."""

from pathlib import Path
from typing import Annotated

import typer

from knm.commands.output import JsonOption, OverwriteOption, print_table
from knm.errors import UserError
from knm.jsonio import dumps
from knm.outputs import check_output_directory, file_named


def finetune(
    out: Annotated[Path, typer.Option(help="Directory of the copy.")],
    corpus: Annotated[
        Path | None, typer.Option(help="JSONL corpus (default: the packaged one).")
    ] = None,
    model: Annotated[
        str, typer.Option(help="embedded, a directory, a GGUF file or a hub id.")
    ] = "embedded",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N records.")] = None,
    prompt: Annotated[str, typer.Option(help="Prompt template, as in decoding.")] = "task",
    learning_rate: Annotated[
        float | None, typer.Option(help="Peak learning rate (default: by the model).")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Default: by the corpus's size.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Programs of a step; default as above.")
    ] = None,
    lora: Annotated[
        int | None, typer.Option(help="Train updates of this rank instead of all weights.")
    ] = None,
    batch_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens computed together (default: 4096, on a GPU 16384)."),
    ] = None,
    checkpointing: Annotated[
        bool | None,
        typer.Option(
            "--checkpointing/--no-checkpointing",
            help="Compute blocks again instead of keeping what they gave (default: real LMs).",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the order of batches.")] = 0,
    device: Annotated[str | None, typer.Option(help="cpu, cuda.")] = None,
    json: JsonOption = False,
) -> None:
    """Fine-tune a copy of a LM on a corpus: what a datastore of that corpus can be measured by."""
    from knm.corpora import load_corpus
    from knm.models import find_model
    from knm.models.finetuning_options import FinetuningOptions
    from knm.packaged import EMBEDDED_CORPUS
    from knm.problems import load_template

    options = FinetuningOptions(learning_rate, epochs, batch_size, seed, lora)
    template = load_template(prompt)
    path = corpus or EMBEDDED_CORPUS / "train.jsonl"
    check_output_directory("--out", out, (path, find_model(model), file_named(prompt)))
    records = load_corpus(path)[:limit]
    from knm.models.finetuning import finetune as finetune_copy

    figures = finetune_copy(
        model,
        records,
        template,
        out,
        options,
        device=device,
        part_tokens=batch_tokens,
        checkpointing=checkpointing,
    )
    print(dumps(figures)) if json else print_table(("model", out), *figures.items())


def train(
    out: Annotated[Path, typer.Option(help="Directory of the model.")],
    recipe: Annotated[str, typer.Option(help="Name of the recipe.")] = "embedded",
    device: Annotated[str | None, typer.Option(help="cpu, cuda.")] = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Train the embedded LM, or a tiny one, from its recipe."""
    from knm.embedded.recipes import RECIPES

    if recipe not in RECIPES:
        raise UserError(f"--recipe {recipe}: unknown; choose one of {', '.join(RECIPES)}")
    check_output_directory("--out", out, overwrite=overwrite)
    from knm.embedded.training import train as train_recipe

    figures = train_recipe(RECIPES[recipe], out, device=device)
    print(dumps(figures)) if json else print_table(("model", out), *figures.items())
