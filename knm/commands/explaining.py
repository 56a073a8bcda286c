"""`knm explain` and `knm blame`: what a datastore did in a run. Thin, as `knm.cli`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from knm.commands.output import JsonOption, OverwriteOption
from knm.errors import UserError
from knm.jsonio import dumps, write_text
from knm.outputs import Output, check_outputs

ReportArgument = Annotated[Path, typer.Argument(help="Report of a run.")]


def explain(
    report: ReportArgument,
    problem: Annotated[str, typer.Argument(help="Id of a problem, or a part that is its alone.")],
    datastore: Annotated[
        Path | None, typer.Option(help="Its directory: tells what the LM had predicted there.")
    ] = None,
    corpus: Annotated[
        Path | None, typer.Option(help="What it was mined from: shows the neighbours' lines.")
    ] = None,
    sample: Annotated[
        int | None, typer.Option(help="Of several samples, from 1 (default: the one that decides).")
    ] = None,
    neighbours: Annotated[int, typer.Option(min=0, help="Neighbours told of each change.")] = 3,
    recompute: Annotated[
        bool,
        typer.Option(
            help="Let the model read the completion again, corrected from --datastore: for runs "
            "whose engine gives no details of retrieval, such as vLLM."
        ),
    ] = False,
    preset: Annotated[
        str | None, typer.Option(help="With --recompute: the engine's (default: the datastore's).")
    ] = None,
    problems: Annotated[
        str, typer.Option(help="With --recompute: the run's problem set.")
    ] = "embedded",
    model: Annotated[
        str | None, typer.Option(help="With --recompute: the run's model, where it is now.")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(help="With --recompute: the run's language, where it was a file's."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show a problem's samples, and of one the program with the tokens that the datastore changed,
    on whose word, and the test that it fails.
    """
    from knm.report import explain as explain_problem
    from knm.report import load_report, render_explanation
    from knm.report.explanation import Origin

    run = load_report(report)
    if recompute:
        from knm.judging.recomputing import Recomputation, recompute_report

        if datastore is None:
            raise UserError("--recompute: name the datastore that the engine had with --datastore")
        how = Recomputation(datastore, preset, problems, model, language)
        run = recompute_report(run, problem, how)
    elif preset is not None or model is not None or language is not None:
        raise UserError(
            "--preset, --model and --language have no effect without --recompute: add it"
        )
    if datastore or corpus:
        from knm.report.origins import origin_finder

        explanation = explain_problem(run, problem, origin_finder(run, datastore, corpus), sample)
    else:
        explanation = explain_problem(run, problem, lambda _: Origin(), sample)
    if json:
        print(dumps(explanation.to_json()))
        return
    print(render_explanation(explanation, color=sys.stdout.isatty(), neighbours=neighbours))


def blame(
    report: ReportArgument,
    baseline: Annotated[
        Path | None, typer.Option(help="Report without the datastore: tells gains and losses.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Lines of each table.")] = 10,
    write_drop: Annotated[
        Path | None,
        typer.Option(
            help="Write the ids of records used in more lost than gained problems, one a line, "
            "for knm datastore filter --drop-records."
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    force: Annotated[bool, typer.Option("--force", help="Compare unlike runs.")] = False,
    json: JsonOption = False,
) -> None:
    """Show which entries and records of the datastore made gains in a run, and which losses.

    A list of harmful records is a choice made on that problem set: write it from a run on problems
    of the split dev, not on those that will be reported.
    """
    from knm.report import blame as trace
    from knm.report import load_report, render_blame

    if write_drop is not None:
        outputs = [Output("--write-drop", (write_drop,))]
        check_outputs(outputs, (report, baseline), overwrite=overwrite)
    before = None if baseline is None else load_report(baseline)
    found = trace(load_report(report), before, force=force)
    if write_drop:
        harmful = found.harmful_records()
        write_text(write_drop, "".join(f"{record}\n" for record in harmful))
    print(dumps(found.to_json(top)) if json else render_blame(found, top))
    if write_drop:
        print(f"{write_drop}: {len(harmful)} records", file=sys.stderr)
