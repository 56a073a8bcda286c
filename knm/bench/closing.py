"""What to type after a run: the commands that its last lines name, as typed where it ran."""

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from knm.bench.contest import objection_to_contest
from knm.bench.run import BASE, model_part
from knm.options import RunOptions
from knm.outputs import shown_path
from knm.packaged import EMBEDDED

TOX_ENVIRONMENT: Final = "TOX_ENV_NAME"
"""What tox sets for the commands of an environment."""

_RESULTS: Final = "--results"


def next_commands(
    options: RunOptions, results: Path, arguments: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """What each command is for, and the command; `arguments` are those that pytest was given."""
    if options.decode_only:
        words = ["judge", *_of_judging(options), "--completions", str(shown_path(results))]
        yield "judge", f"{_knm()} {shlex.join(words)}"
        return
    yield "programs", f"{_knm()} report {_quoted(results)}"
    other = _uncorrected(options, results) if options.knn else None
    if other is not None:
        yield "compare", f"{_knm()} diff {_quoted(other)} {_quoted(results)}"
    elif not options.knn and _can_be_corrected(options):
        again = [word for word in arguments if not word.startswith(_RESULTS)]
        if len(again) == len(arguments):  # else the next run would write over this one
            yield "next", _bench([*again, "--knn"])


def _can_be_corrected(options: RunOptions) -> bool:
    """Whether there is a datastore for such a run, with nothing but `--knn`."""
    if options.model == EMBEDDED or options.datastore:
        return True
    return options.engine is None and objection_to_contest(options) is None


def _of_judging(options: RunOptions) -> Iterator[str]:
    """The options of judging that a report does not hold."""
    for name, value, default in (
        ("--problems", options.problems, EMBEDDED),
        ("--ids", options.ids, None),
        ("--sandbox", options.sandbox, RunOptions.sandbox),
    ):
        if value != default:
            yield from (name, str(value))


def _uncorrected(options: RunOptions, results: Path) -> Path | None:
    """The newest report beside this one of the same model by itself; None where there is none."""
    found = sorted(results.parent.glob(f"*-{model_part(options)}-{BASE}*.json"))
    return found[-1] if found else None


def _bench(arguments: Sequence[str]) -> str:
    environment = os.environ.get(TOX_ENVIRONMENT)
    if environment and arguments[0] == environment:  # `commands = pytest bench {posargs}`
        return f"tox run -e {environment} -- {shlex.join(arguments[1:])}"
    return f"pytest {shlex.join(arguments)}"


def _knm() -> str:
    """The command's name; in an environment of tox, which nobody has on the path, where it lies."""
    if TOX_ENVIRONMENT not in os.environ:
        return "knm"
    return _quoted(Path(sys.executable).with_name("knm"))


def _quoted(path: Path) -> str:
    return shlex.quote(str(shown_path(path)))
