"""The `knm` command: thin, every sub-command calls the package that does the work.

Exit status: 0 done, 1 the answer is no (`knm diff --fail-on`), 2 wrong usage or input.
"""

import atexit
import gc
import io
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

from knm import __version__
from knm.commands.parameters import Commands
from knm.errors import UserError
from knm.models.placement import wait_without_spinning

_HOMES: Final = {
    "index": "datastore.index",
    "info": "info.info",
    "diff": "reports.diff",
    "explain": "explaining.explain",
    "blame": "explaining.blame",
    "judge": "judging.judge",
    "explore": "exploring.explore",
    "mine": "mining.mine",
    "verify": "sandbox.verify",
    "calibrate": "calibrating.calibrate",
    "finetune": "training.finetune",
    "train": "training.train",
    "audit": "auditing.audit",
    "study": "studying.study",
    "serve": "serving.serve",
    "eval": "evaluation.evaluate",
    "sweep": "evaluation.sweep",
    "problems": "problems.problems_app",
    "corpus": "corpora.corpus_app",
    "report": "reports.report_app",
    "completions": "judging.completions_app",
    "datastore": "datastore.datastore_app",
    "sandbox": "sandbox.sandbox_app",
    "cache": "serving.cache_app",
}
"""Command or group: where in `knm.commands` it is."""


_INTERRUPTED: Final = 130  # what Typer makes of Ctrl-C, without a word


class _LoadedWhenNamed(Mapping[str, Any]):
    """The commands by name; the module of each is imported when it is asked for.

    Those of all the others would take longer to load than many a command runs.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            module, _, held = _HOMES[name].partition(".")
            home = import_module(f"knm.commands.{module}")
            self._loaded[name] = _built(name, getattr(home, held))
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_HOMES)

    def __len__(self) -> int:
        return len(_HOMES)


def _built(name: str, held: Any) -> Any:
    """A command or a group as Typer makes it for the group that it is in."""
    around = Commands()
    if isinstance(held, typer.Typer):
        around.add_typer(held, name=name)
    else:
        around.command(name)(held)
    return get_group(around).commands[name]


class _Root(TyperGroup):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": _LoadedWhenNamed()})


app = Commands(
    cls=_Root,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Correct a frozen causal LM from a datastore while it decodes, and measure whether it "
    "helps. The bench itself is pytest: `pytest bench --help`.",
)


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
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            print(
                "knm: interrupted; what resumes goes on when the command is run again",
                file=sys.stderr,
            )
        raise


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit


if __name__ == "__main__":
    main()
