"""`knm diff` and `knm report`: what is done with reports. Thin, as `knm.cli`."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from knm.commands.output import JsonOption, OverwriteOption, say
from knm.commands.parameters import Commands
from knm.errors import UserError
from knm.jsonio import dumps, read_json, write_json
from knm.outputs import Output, check_output_directory, check_outputs, file_named, same_place
from knm.report import (
    SCHEMA_VERSION,
    FlipView,
    Report,
    ReportDiff,
    compare_runs,
    diff_reports,
    finish_stream,
    load_report,
    markdown_diff,
    markdown_matrix,
    outcome_line,
    parse_condition,
    render_diff,
    render_matrix,
    render_summary,
    summarize,
    validate_document,
)
from knm.report.breakdown import (
    break_down,
    break_down_diff,
    change_rows,
    render_groups,
)
from knm.report.formats import ChartFormat, StudyFormat
from knm.report.markdown import escaped_table
from knm.report.text import table

PAGE: Final = "page"
STUDY: Final = "study"


ByOption = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD", help="Break down by an extra field of the problems, such as difficulty."
    ),
]


class ReportGroup(TyperGroup):
    """`knm report RUN... --out FILE` is short for `knm report page RUN... --out FILE`.

    With `--format pdf` or `md` it is short for `knm report study`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in front of words that name none."""
        if PAGE in self.commands and args and args[0] not in {*self.commands, "--help"}:
            args = [STUDY if _ask_for_document(args) else PAGE, *args]
        return super().parse_args(ctx, args)


def _ask_for_document(args: list[str]) -> bool:
    given = {args[place + 1] for place, word in enumerate(args[:-1]) if word == "--format"}
    given |= {word.removeprefix("--format=") for word in args if word.startswith("--format=")}
    unknown = sorted(given - {*StudyFormat, *ChartFormat})
    if unknown:
        raise UserError(
            f"--format {unknown[0]}: give md or pdf for a document, svg or png for the files of "
            "--charts, and leave it out for the HTML page"
        )
    return not given.isdisjoint(StudyFormat)


report_app = Commands(cls=ReportGroup, no_args_is_help=True, help="Reports of runs.")


def diff(
    runs: Annotated[list[Path], typer.Argument(help="Reports: two, or more for a matrix.")],
    fail_on: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION",
            help="Exit with 1 on: regression (fewer pass), any-loss, p:0.05 (significantly fewer); "
            "of several samples: pass less often.",
        ),
    ] = None,
    flips: Annotated[FlipView, typer.Option(help="What to tell of each flip.")] = FlipView.TABLE,
    repeat: Annotated[
        list[Path] | None,
        typer.Option(help="The first or second run done again: its noise floor."),
    ] = None,
    by: ByOption = None,
    force: Annotated[bool, typer.Option("--force", help="Compare unlike runs.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print GitHub Markdown.")] = False,
    json: JsonOption = False,
) -> None:
    """Compare runs: which problems flipped, why, and whether that can be chance."""
    condition = None if fail_on is None else parse_condition(fail_on)
    if json and markdown:
        raise UserError("knm diff: give either --json or --markdown")
    if len(runs) < 2:
        raise UserError(f"{runs[0]}: knm diff compares two reports or more; name another")
    reports = [load_report(path) for path in runs]
    for path in repeat or []:
        if any(same_place(path, run) for run in runs):
            raise UserError(
                f"--repeat {path}: is one of the runs themselves; give the report of the same run "
                "done again, with --fresh"
            )
    repeats = [load_report(path) for path in repeat or []]
    if len(reports) == 2:
        answers = [_diff_two(reports, repeats, flips, by, force, markdown, json)]
    elif repeats or by:
        option = "--repeat" if repeats else "--by"
        raise UserError(f"{option}: give two runs to compare, or leave it out")
    else:
        answers = _diff_many(reports, force, markdown, json)
    met = [] if condition is None else [diff for diff in answers if condition.met_by(diff)]
    for found in met:
        say(f"--fail-on {condition}: {outcome_line(found)}")
    if met:
        raise typer.Exit(1)


def _diff_two(
    reports: list[Report],
    repeats: list[Report],
    flips: FlipView,
    by: str | None,
    force: bool,
    markdown: bool,
    json: bool,
) -> ReportDiff:
    result = diff_reports(*reports, force=force, repeats=repeats)
    a, b = (report.results for report in reports)
    groups = None if by is None else break_down_diff(result, a, b, by)
    if json:
        parts = {} if groups is None else {"by": {by: [group.to_json() for group in groups]}}
        print(dumps({**result.to_json(), **parts}))
        return result
    print(markdown_diff(result) if markdown else render_diff(result, flips=flips))
    if groups is not None:
        assert by is not None
        rows = change_rows(by, groups)
        print("\n" + (escaped_table(rows) if markdown else "\n".join(table(rows))))
    return result


def _diff_many(reports: list[Report], force: bool, markdown: bool, json: bool) -> list[ReportDiff]:
    matrix = compare_runs(reports, force=force)
    if json:
        print(dumps(matrix.to_json()))
    else:
        print(markdown_matrix(matrix) if markdown else render_matrix(matrix))
    return list(matrix.against_first())


@report_app.command()
def show(
    run: Annotated[Path, typer.Argument(help="Report of a run.")],
    by: ByOption = None,
    json: JsonOption = False,
) -> None:
    """Print what a run came to, as its last lines did; with --by for each value of a field."""
    results = load_report(run).results
    totals = summarize(results)
    groups = None if by is None else break_down(results, by)
    if json:
        parts = {} if groups is None else {"by": {by: [group.to_json() for group in groups]}}
        print(dumps({"report": str(run), **totals.to_json(), **parts}))
        return
    print("\n".join(render_summary(totals, run)))
    if groups is not None:
        print("\n" + "\n".join(render_groups(str(by), groups)))


@report_app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="JSON of results, such as eval_results_v1.json.")],
    out: Annotated[Path, typer.Option(help="Report to write.")],
    model: Annotated[str, typer.Option(help="The model that was evaluated.")] = "unknown",
    problems: Annotated[
        str | None, typer.Option(help="Its problem set: embedded, a file, a directory or a hub id.")
    ] = None,
    prompt: Annotated[str, typer.Option(help="How it was asked.")] = "unknown",
    language: Annotated[str, typer.Option(help="Language of the programs.")] = "lua",
    preset: Annotated[
        str | None, typer.Option(help="How it was corrected, by a name (default: not at all).")
    ] = None,
    max_new_tokens: Annotated[int | None, typer.Option(min=1, help="Longest completion.")] = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Make a report of another program's results, to be compared: one record a problem."""
    from knm.problems import load_problems, problems_path
    from knm.report.importing import Origin, import_results, missing_problems

    read = (file, None if problems is None else problems_path(problems))
    check_outputs([Output("--out", (out,))], read, overwrite=overwrite)
    known = None if problems is None else load_problems(problems)
    origin = Origin(model, prompt, language, preset, max_new_tokens, known)
    document = import_results(file, origin)
    write_json(out, document)
    totals = summarize(load_report(out).results)
    missing = missing_problems(document, origin)
    if json:
        print(dumps({"report": str(out), "missing": missing, **totals.to_json()}))
        return
    print("\n".join(render_summary(totals, out)))
    if missing:
        print(f"{missing} problems of {problems} have no result in {file}")


@report_app.command(PAGE)
def page(
    runs: Annotated[
        list[Path], typer.Argument(help="Reports; the others are compared to the first.")
    ],
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("report.html"),
    problems: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH|HUB_ID",
            help="Problem set of the runs, to show statements and prompts, which reports do not "
            "hold (default: the embedded one, if they are of it).",
        ),
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Prompt template, where it was a file."),
    ] = None,
    charts: Annotated[
        Path | None, typer.Option(help="Directory for each chart as a file of its own.")
    ] = None,
    format: Annotated[ChartFormat, typer.Option(help="Format of these files.")] = ChartFormat.SVG,
    json: JsonOption = False,
) -> None:
    """Show runs as one self-contained HTML page: totals, charts, flips, programs side by side."""
    from knm.packaged import EMBEDDED
    from knm.problems import problems_path
    from knm.report import page as view

    check_outputs(
        [Output("--out", (out,))],
        [*runs, problems_path(problems or EMBEDDED), prompt and file_named(prompt)],
    )
    if charts:
        check_output_directory("--charts", charts)
    reports = [load_report(path) for path in runs]
    bench = view.join_runs(reports, view.find_asked(reports, problems, prompt))
    view.write_page(bench, out)
    written = [out]
    if charts:
        written += view.write_charts(bench, charts, format)
    if json:
        print(dumps({"page": str(out), "charts": [str(path) for path in written[1:]]}))
    else:
        print("\n".join(map(str, written)))


@report_app.command(STUDY)
def study(
    runs: Annotated[
        list[Path], typer.Argument(help="Reports; the others are compared to the first.")
    ],
    format: Annotated[StudyFormat, typer.Option(help="PDF needs pip install 'knm[pdf]'.")],
    out: Annotated[Path | None, typer.Option(help="File (default: report.FORMAT).")] = None,
    audit: Annotated[
        Path | None, typer.Option(help="Directory of knm audit: its ladder is told too.")
    ] = None,
    by: ByOption = None,
    json: JsonOption = False,
) -> None:
    """Write the final report of a study: tables, pictures and the commands that made them."""
    from knm.report import page as view
    from knm.report.study import check_study, compose_study, write_study
    from knm.report.study.documents import pictures_beside

    path = out or Path(f"report.{format.value}")
    check_outputs([Output("--out", (path,))], runs)
    if format is StudyFormat.MD:
        check_output_directory("--out", pictures_beside(path))
    check_study(format)
    bench = view.join_runs([load_report(run) for run in runs])
    written = write_study(compose_study(bench, audit, by), path, format)
    print(dumps([str(each) for each in written]) if json else "\n".join(map(str, written)))


@report_app.command()
def finish(
    stream: Annotated[Path, typer.Argument(help="The .jsonl that a killed run left.")],
    out: Annotated[
        Path | None, typer.Option(help="Report to write (default: beside the stream).")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make the report of a run that was killed from what it had streamed."""
    path = out or stream.with_suffix(".json")
    check_outputs([Output("--out", (path,))], (stream,))
    write_json(path, finish_stream(stream))
    report = load_report(path, unjudged=True)
    totals = summarize(report.results)
    if json:
        print(dumps({"report": str(path), "missing": report.missing, **totals.to_json()}))
        return
    print("\n".join(render_summary(totals, path)))
    if report.missing:
        print(f"unfinished: {report.missing} problems have no result")


@report_app.command()
def validate(
    reports: Annotated[list[Path], typer.Argument(help="Reports to check.")],
    json: JsonOption = False,
) -> None:
    """Check reports against the schema; exit with 1 if one is not valid."""
    answers = []
    for path in reports:
        version = load_report(path, unjudged=True).section["schema_version"]
        current = version == SCHEMA_VERSION
        complaints = list(validate_document(read_json(path))) if current else []
        answers.append({"path": str(path), "version": version, "complaints": complaints})
        if not json:
            fine = "valid" if current else f"readable, of older version {version}"
            print("\n".join(f"{path}: {line}" for line in complaints or [fine]))
    if json:
        print(dumps(answers))
    if any(answer["complaints"] for answer in answers):
        raise typer.Exit(1)
