"""`knm study`: a whole study by one command. Thin, as `knm.cli`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer

from knm.commands.output import JsonOption, say
from knm.jsonio import dumps
from knm.option_fields import Option, changed_options, options_of
from knm.outputs import shown_path
from knm.study.plan import StudySettings, read_plan

_SETTINGS: Final = {option.name: option.option for option in options_of(StudySettings)}


def _told(name: str) -> Option:
    """A setting of the plan as an option, which the plan gives where it is left out."""
    return replace(_SETTINGS[name], default="as the plan says")


@dataclass(frozen=True, kw_only=True)
class TypedSettings:
    """The settings of a plan, given in its place."""

    model: Annotated[str | None, _told("model")] = None
    dtype: Annotated[str | None, _told("dtype")] = None
    device: Annotated[str | None, _told("device")] = None
    problems: Annotated[str | None, _told("problems")] = None
    dev_problems: Annotated[str | None, _told("dev_problems")] = None
    limit: Annotated[int | None, _told("limit")] = None
    corpus: Annotated[str | None, _told("corpus")] = None
    records: Annotated[int | None, _told("records")] = None
    prompt: Annotated[str | None, _told("prompt")] = None
    language: Annotated[str | None, _told("language")] = None
    max_new_tokens: Annotated[int | None, _told("max_new_tokens")] = None
    batch_size: Annotated[int | None, _told("batch_size")] = None
    sandbox: Annotated[str | None, _told("sandbox")] = None
    time_limit: Annotated[float | None, _told("time_limit")] = None
    memory_limit: Annotated[int | None, _told("memory_limit")] = None
    workers: Annotated[int | None, _told("workers")] = None


def study(
    plan: Annotated[Path, typer.Argument(help="YAML file of a plan, as examples/study.yaml.")],
    typed: TypedSettings,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory of all results (default: results/study-MODEL)."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run a whole study: data, datastores, runs, grid, error types, flips, and its report.

    Run it again to resume what was interrupted. Exit status 1 if a row could not be run.
    """
    read = read_plan(plan, dict(changed_options(typed)))
    name = read.settings.model.rstrip("/").rpartition("/")[2]
    directory = out or Path("results") / f"study-{name}"
    from knm.study import Study
    from knm.study.document import write_documents

    outcome = Study(read, directory, say).run()
    written = write_documents(outcome, directory)
    if json:
        print(dumps({**outcome.to_json(), "files": [str(path) for path in written]}))
    else:
        print("\n".join(str(shown_path(path)) for path in written))
    if outcome.skipped:
        raise typer.Exit(1)
