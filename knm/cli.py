"""The `knm` command: thin, every sub-command calls the package that does the work.

Exit status: 0 done, 1 the answer is no (`knm diff --fail-on`), 2 wrong usage or input.
"""

import atexit
import gc
import io
import sys
from typing import Annotated

import typer

from knm import __version__
from knm.commands import (
    auditing,
    calibrating,
    corpora,
    datastore,
    evaluation,
    explaining,
    exploring,
    judging,
    mining,
    problems,
    reports,
    sandbox,
    serving,
    studying,
    training,
)
from knm.commands.info import info
from knm.commands.parameters import Commands
from knm.errors import UserError
from knm.models.placement import wait_without_spinning

app = Commands(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Correct a frozen causal LM from a datastore while it decodes, and measure whether it "
    "helps. The bench itself is pytest: `pytest bench --help`.",
)
app.add_typer(problems.problems_app, name="problems")
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
app.command()(exploring.explore)
app.command()(mining.mine)
app.add_typer(sandbox.sandbox_app, name="sandbox")
app.command()(sandbox.verify)
app.command()(calibrating.calibrate)
app.command()(training.finetune)
app.command()(training.train)
app.command()(auditing.audit)
app.command()(studying.study)
app.command()(serving.serve)
app.command("eval")(evaluation.evaluate)
app.command()(evaluation.sweep)
app.add_typer(serving.cache_app, name="cache")


def main() -> None:
    """Entry point: user errors end with a message and status 2, without a traceback."""
    # Looking for garbage among the modules of a model library takes a second of a process's end.
    atexit.register(gc.freeze)
    wait_without_spinning()
    for stream in (sys.stdout, sys.stderr):  # programs may hold what no encoding has
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
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


if __name__ == "__main__":
    main()
