"""The `knm` command: thin, every sub-command calls the package that does the work.

Exit status: 0 done, 1 the answer is no (`knm diff --fail-on`), 2 wrong usage or input.
"""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from knm import __version__
from knm.commands import (
    auditing,
    calibrating,
    corpora,
    datastore,
    evaluation,
    explaining,
    judging,
    mining,
    reports,
    sandbox,
    serving,
    training,
)
from knm.commands.info import info
from knm.commands.output import JsonOption, print_table
from knm.errors import UserError
from knm.jsonio import dumps
from knm.progress import progress_bar

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Correct a frozen causal LM from a datastore while it decodes, and measure whether it "
    "helps. The bench itself is pytest: `pytest bench --help`.",
)
problems_app = typer.Typer(no_args_is_help=True, help="Problem sets.")
app.add_typer(problems_app, name="problems")
app.add_typer(corpora.corpus_app, name="corpus")
app.add_typer(reports.report_app, name="report")
app.add_typer(judging.completions_app, name="completions")
app.add_typer(datastore.datastore_app, name="datastore")
app.command()(datastore.index)
app.command()(info)
app.command()(reports.diff)
app.command()(explaining.explain)
app.command()(explaining.blame)
app.command()(judging.judge)
app.command()(mining.mine)
app.add_typer(sandbox.sandbox_app, name="sandbox")
app.command()(sandbox.verify)
app.command()(calibrating.calibrate)
app.command()(training.finetune)
app.command()(auditing.audit)
app.command()(serving.serve)
app.command("eval")(evaluation.evaluate)
app.command()(evaluation.sweep)
app.add_typer(serving.cache_app, name="cache")

SandboxOption = Annotated[str, typer.Option(help="Where references are run.")]
SeedOption = Annotated[int, typer.Option(help="Seed of the draw.")]


def main() -> None:
    """Entry point: user errors end with a message and status 2, without a traceback."""
    try:
        app()
    except UserError as error:
        print(f"knm: {error}", file=sys.stderr)
        sys.exit(2)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="Directory of the model.")],
    recipe: Annotated[str, typer.Option(help="Name of the recipe.")] = "embedded",
    device: Annotated[str | None, typer.Option(help="cpu, cuda.")] = None,
    json: JsonOption = False,
) -> None:
    """Train the embedded LM, or a tiny one, from its recipe."""
    from knm.models.recipes import RECIPES
    from knm.models.training import train as train_recipe

    if recipe not in RECIPES:
        raise UserError(f"--recipe {recipe}: unknown; choose one of {', '.join(RECIPES)}")
    figures = train_recipe(RECIPES[recipe], out, device=device)
    print(dumps(figures)) if json else print_table(("model", out), *figures.items())


@problems_app.command("generate")
def generate_problems(
    out: Annotated[Path, typer.Option(help="JSONL file to write.")],
    count: Annotated[int, typer.Option(min=1, help="Number of problems.")] = 300,
    seed: SeedOption = 0,
    split: Annotated[str, typer.Option(help="bench or dev.")] = "bench",
    sandbox: SandboxOption = "local",
) -> None:
    """Draw problems from the grammar, each with a Lua reference that the sandbox accepted."""
    from knm.corpora import draw_problems
    from knm.jsonio import write_jsonl
    from knm.problems import decode_private_tests
    from knm.sandbox import open_sandbox

    if split not in {"bench", "dev"}:
        raise UserError(f"--split {split}: choose bench or dev; training text holds the others")

    def accepted() -> Iterator[dict[str, Any]]:
        with open_sandbox(sandbox) as judge:
            for problem in draw_problems(seed, split):
                tests = decode_private_tests(problem["private_test_cases"])
                if judge.judge(problem["reference"], tests).verdict == "accepted":
                    yield problem

    write_jsonl(out, progress_bar(islice(accepted(), count), label="problems", total=count))
    print(f"{out}: {count} problems, seed {seed}, split {split}")


if __name__ == "__main__":
    main()
