"""`knm problems`: problem sets. Thin, as `knm.cli`."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from knm.codec import to_json
from knm.commands.corpus_output import MOST_SHOWN, told
from knm.commands.output import JsonOption, OverwriteOption, print_table, say
from knm.commands.parameters import Commands
from knm.errors import UserError
from knm.jsonio import dumps
from knm.outputs import Output, check_outputs
from knm.progress import progress_bar

problems_app = Commands(no_args_is_help=True, help="Problem sets.")


@problems_app.command("generate")
def generate_problems(
    out: Annotated[Path, typer.Option(help="JSONL file to write.")],
    count: Annotated[int, typer.Option(min=1, help="Number of problems.")] = 300,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    split: Annotated[str, typer.Option(help="bench or dev.")] = "bench",
    sandbox: Annotated[str, typer.Option(help="Where references are run.")] = "local",
    overwrite: OverwriteOption = False,
) -> None:
    """Draw problems from the grammar, each with a Lua reference that the sandbox accepted."""
    if split not in {"bench", "dev"}:
        raise UserError(f"--split {split}: choose bench or dev; training text holds the others")
    check_outputs([Output("--out", (out,))], overwrite=overwrite)
    from knm.embedded.generator import draw_problems
    from knm.jsonio import write_jsonl
    from knm.problems import decode_private_tests
    from knm.sandbox import open_sandbox

    def accepted() -> Iterator[dict[str, Any]]:
        with open_sandbox(sandbox) as judge:
            for problem in draw_problems(seed, split):
                tests = decode_private_tests(problem["private_test_cases"])
                if judge.judge(problem["reference"], tests).verdict == "accepted":
                    yield problem

    write_jsonl(out, progress_bar(islice(accepted(), count), label="problems", total=count))
    print(f"{out}: {count} problems, seed {seed}, split {split}")


@problems_app.command()
def to_translate(
    sources: Annotated[
        list[Path],
        typer.Argument(help="Reports, streams or corpora with programs, right or wrong."),
    ],
    problems: Annotated[str, typer.Option(help="The problem set that these are of.")],
    out: Annotated[Path, typer.Option(help="JSONL file to write.")],
    language: Annotated[str, typer.Option(help="Language to translate to.")] = "lua",
    most: Annotated[
        int | None,
        typer.Option(min=1, help="Programs of a problem, the first ones (default: all)."),
    ] = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Make a problem set that asks to translate each program, with the tests of its problem.

    A program counts whatever its verdict, as nobody knows that when a new problem is asked; the
    same one counts once. Problem P becomes P-1, P-2 and so on, which `knm diff` takes for samples
    of P. A run's own interval takes them for independent, and is too small; --most 1 keeps one of
    each.
    """
    from knm.gathering.translation import ToTranslateOptions, make_problems_to_translate

    made = make_problems_to_translate(
        ToTranslateOptions(tuple(sources), problems, out, language, most, overwrite)
    )
    if made.problems > made.with_program:
        say(
            f"{made.problems} problems are programs for {made.with_program}: `knm diff` takes them "
            "for samples of these, a run's own interval for independent; --most 1 keeps one of each"
        )
    if json:
        print(dumps({"path": str(out), **to_json(made)}))
        return
    lacking = made.without_program
    named = ", ".join(lacking[:MOST_SHOWN])
    more = f" and {len(lacking) - MOST_SHOWN} more: see --json" * (len(lacking) > MOST_SHOWN)
    print_table(
        ("problems", out),
        ("programs", f"{made.problems}: {told(made.languages)}"),
        ("of", f"{made.with_program} of {made.with_program + len(lacking)} problems"),
        *((("no program", f"{len(lacking)} problems: {named}{more}"),) * bool(lacking)),
        *((("left out", f"{made.left_out} programs, by --most {most}"),) * bool(made.left_out)),
        *((("already", f"{made.already} programs are in {language}"),) * bool(made.already)),
        *((("unknown", f"{made.unknown} problems that the set lacks"),) * bool(made.unknown)),
        *((("unmarked", f"{made.unmarked} records name no problem"),) * bool(made.unmarked)),
    )
