"""`knm judge` and `knm completions`: verdicts without a model. Thin, as `knm.cli`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from knm.commands.output import JsonOption, OverwriteOption, say
from knm.commands.parameters import Commands
from knm.jsonio import dumps
from knm.options import SubsetOptions
from knm.outputs import Output, check_outputs

INTERRUPTED: Final = 130
"""The exit status of what Ctrl-C has ended, as shells have it."""

completions_app = Commands(no_args_is_help=True, help="Completions in files.")


def judge(
    subset: SubsetOptions,
    completions: Annotated[
        Path,
        typer.Option(
            help="A report (.json), judged or decoded only, or JSONL of question_id, solution, "
            "reasoning."
        ),
    ],
    problems: Annotated[
        str, typer.Option(help="Problem set: embedded, a file, a directory or a hub id.")
    ] = "embedded",
    out: Annotated[
        Path | None, typer.Option(help="Report (default: <completions>-judged.json).")
    ] = None,
    sandbox: Annotated[str, typer.Option(help="Where programs run.")] = "local",
    language: Annotated[
        str | None, typer.Option(help="Language of the programs (default: the report's, or lua).")
    ] = None,
    time_limit: Annotated[float | None, typer.Option(help="CPU seconds per test.")] = None,
    memory_limit: Annotated[int | None, typer.Option(help="MiB of memory per test.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Programs judged at a time (default: by the cores).")
    ] = None,
    keep_io: Annotated[
        bool, typer.Option("--keep-io", help="Keep all that a failing test read and wrote.")
    ] = False,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Forget what was judged before, by whichever run."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Judge completions without a model; run it again to resume what was interrupted.

    No program is judged twice: verdicts are kept in .knm-cache, as those of a bench are.
    """
    from knm.bench import cache_directory
    from knm.bench.kept import FromBefore
    from knm.judging import JudgeOptions, judge_file
    from knm.problems import Selection
    from knm.report import render_summary, summarize

    path = out or completions.with_name(f"{completions.stem}-judged.json")
    options = JudgeOptions(
        completions=completions,
        problems=problems,
        out=path,
        sandbox=sandbox,
        language=language,
        time_limit=time_limit,
        memory_limit=memory_limit,
        selection=Selection.of(subset),
        fresh=fresh,
        workers=workers,
        keep_io=keep_io,
        kept=cache_directory(Path.cwd()),
    )
    try:
        judged = judge_file(options, say)
    except KeyboardInterrupt:
        say(_how_far(path))
        raise typer.Exit(INTERRUPTED) from None
    for count, what in (
        (judged.without_completion, "problems have no completion and are left out"),
        (judged.without_problem, "problems of the completions are not in the problem set"),
    ):
        if count:
            say(f"{count} {what}")
    if judged.other_problems:
        say(
            "the problems are not those that the completions were written for, and `knm diff` will "
            "say so: give their --problems, and their --ids if they had some"
        )
    if judged.from_before:
        say(str(FromBefore(judgements=judged.from_before)))
    totals = summarize(judged.report.results)
    if json:
        print(dumps({"report": str(path), **totals.to_json()}))
    else:
        print("\n".join(render_summary(totals, path)))


def _how_far(out: Path) -> str:
    """How many problems an interrupted call has judged, and how to go on."""
    from knm.report import read_stream, stream_path

    path = stream_path(out)
    stream = read_stream(path) if path.exists() else None
    if stream is None or stream.header is None:
        return "interrupted: nothing is judged yet"
    return (
        f"interrupted: {len(stream.results)} of {stream.header.selected} problems are judged; run "
        "it again to judge the others"
    )


@completions_app.command()
def export(
    report: Annotated[Path, typer.Argument(help="Report of a run.")],
    out: Annotated[Path, typer.Option(help="JSONL file to write.")],
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Write a run's completions as JSONL of the reference harness; it need not be judged."""
    from knm.judging import export_candidates
    from knm.report import load_report

    check_outputs([Output("--out", (out,))], (report,), overwrite=overwrite)
    count = export_candidates(load_report(report, unjudged=True), out)
    print(dumps({"path": str(out), "count": count}) if json else f"{out}: {count} completions")
