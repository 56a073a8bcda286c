"""`knm problems`: problem sets. Thin, as `knm.cli`."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from knm.commands.output import OverwriteOption
from knm.commands.parameters import Commands
from knm.errors import UserError
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
