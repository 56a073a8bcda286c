"""`knm train` and `knm finetune`: LMs from a recipe, and copies trained on a corpus."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from knm.commands.output import JsonOption, OverwriteOption, print_table
from knm.commands.texts import TextOptions, load_passed, text_encoding
from knm.errors import UserError, named
from knm.jsonio import dumps
from knm.models.recurrent_options import RecurrentOptions
from knm.option_fields import Option, changed_options
from knm.options import CorpusFile, RecordLimit
from knm.outputs import check_output_directory, file_named


def finetune(
    out: Annotated[Path, typer.Option(help="Directory of the copy.")],
    text: TextOptions,
    corpus: Annotated[
        Path | None,
        typer.Option(
            help="JSONL corpus, or contest: the packaged contest programs (default: the embedded "
            "model's)."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="embedded, a directory, a GGUF file or a hub id.")
    ] = "embedded",
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Only the first N records, without programs that failed."),
    ] = None,
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
    from knm.models import find_model
    from knm.models.finetuning_options import FinetuningOptions
    from knm.packaged import find_corpus

    options = FinetuningOptions(learning_rate, epochs, batch_size, seed, lora)
    encoding = text_encoding(text)
    path = find_corpus(corpus)
    check_output_directory("--out", out, (path, find_model(model), file_named(text.prompt)))
    records = load_passed(path, limit)
    from knm.models.finetuning import finetune as finetune_copy

    figures = finetune_copy(
        model,
        records,
        encoding,
        out,
        options,
        device=device,
        part_tokens=batch_tokens,
        checkpointing=checkpointing,
    )
    print(dumps(figures)) if json else print_table(("model", out), *figures.items())


class Architecture(StrEnum):
    """Kinds of models that are trained from the start."""

    QWEN3 = "qwen3"
    RNN = "rnn"


@dataclass(frozen=True, kw_only=True)
class RecurrentSource:
    """What a recurrent LM is trained on."""

    corpus: CorpusFile = None
    limit: RecordLimit = None
    tokenizer: Annotated[
        str | None,
        Option("model whose tokenizer it has", "NAME|PATH", default="one trained on the corpus"),
    ] = None


def train(
    out: Annotated[Path, typer.Option(help="Directory of the model.")],
    text: TextOptions,
    source: RecurrentSource,
    recurrent: RecurrentOptions,
    architecture: Annotated[
        Architecture, typer.Option(help="qwen3: by a recipe; rnn: an LSTM or GRU, on a corpus.")
    ] = Architecture.QWEN3,
    recipe: Annotated[
        str | None, typer.Option(help="Name of the recipe (default: embedded).")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda.")] = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Train the embedded LM, or a tiny one, from its recipe; or a recurrent LM on a corpus."""
    figures: dict[str, float]
    if architecture is Architecture.RNN:
        if recipe is not None:
            raise UserError(f"--recipe {recipe}: an rnn has none; leave it out")
        figures = _train_recurrent(out, text, source, recurrent, device, overwrite=overwrite)
    else:
        for name, value in (
            *changed_options(text),
            *changed_options(source),
            *changed_options(recurrent),
        ):
            raise UserError(f"{named(name)} {value}: of an rnn alone: give --architecture rnn")
        figures = _train_recipe(out, recipe or "embedded", device, overwrite=overwrite)
    print(dumps(figures)) if json else print_table(("model", out), *figures.items())


def _train_recipe(
    out: Path, recipe: str, device: str | None, *, overwrite: bool
) -> dict[str, float]:
    from knm.embedded.recipes import RECIPES

    if recipe not in RECIPES:
        raise UserError(f"--recipe {recipe}: unknown; choose one of {', '.join(RECIPES)}")
    check_output_directory("--out", out, overwrite=overwrite)
    from knm.embedded.training import train as train_recipe

    return train_recipe(RECIPES[recipe], out, device=device)


def _train_recurrent(
    out: Path,
    text: TextOptions,
    source: RecurrentSource,
    options: RecurrentOptions,
    device: str | None,
    *,
    overwrite: bool,
) -> dict[str, float]:
    from knm.models import find_model
    from knm.packaged import find_corpus

    encoding = text_encoding(text)
    path = find_corpus(source.corpus)
    tokenizer = None if source.tokenizer is None else find_model(source.tokenizer)
    inputs = (path, tokenizer, file_named(text.prompt))
    check_output_directory("--out", out, inputs, overwrite=overwrite)
    records = load_passed(path, source.limit)
    from knm.models.recurrent_training import train_recurrent

    return train_recurrent(
        records, encoding, out, options, tokenizer_of=source.tokenizer, device=device
    )
