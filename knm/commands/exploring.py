"""`knm explore`: what would have come of a LM's other likely tokens. Thin, as `knm.cli`."""

from pathlib import Path
from typing import Annotated

import typer

from knm.codec import to_json
from knm.commands.output import JsonOption, print_table
from knm.jsonio import dumps


def explore(
    problems: Annotated[
        str, typer.Option(help="Problem set: a file, a directory or a hub id; not the bench.")
    ],
    out: Annotated[Path, typer.Option(help="JSONL file of the trials, for knm mine --trials.")],
    model: Annotated[
        str, typer.Option(help="embedded, a directory, a GGUF file or a hub id.")
    ] = "embedded",
    prompt: Annotated[str, typer.Option(help="Prompt template, as in decoding.")] = "contest",
    language: Annotated[str, typer.Option(help="Language of the programs.")] = "lua",
    trials: Annotated[int, typer.Option(min=1, help="Tokens tried in a program, at most.")] = 16,
    least_probability: Annotated[
        float, typer.Option(help="That the LM gave to a token that is tried.")
    ] = 0.02,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Bound on a completion.")] = 512,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N problems.")] = None,
    decontaminate: Annotated[
        bool, typer.Option(help="Leave out problems like those of --held-out.")
    ] = True,
    held_out: Annotated[
        list[str] | None,
        typer.Option(help="Problem sets to keep clear of (default: the embedded bench)."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Prompts decoded together.")] = 32,
    dtype: Annotated[str | None, typer.Option(help="Model dtype.")] = None,
    device: Annotated[str | None, typer.Option(help="Model device.")] = None,
    sandbox: Annotated[str, typer.Option(help="Where programs run.")] = "local",
    time_limit: Annotated[float, typer.Option(help="CPU seconds per test.")] = 5.0,
    memory_limit: Annotated[int, typer.Option(help="MiB of memory per test.")] = 512,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Programs run at a time (default: by the cores).")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write other likely tokens into a LM's greedy programs, and execute what comes of it.

    Run it again to resume what was interrupted.
    """
    from knm.gathering.exploring import check_explore
    from knm.gathering.exploring import explore as explore_problems
    from knm.gathering.token_trials import ExploreOptions
    from knm.models import check_dtype, find_model
    from knm.packaged import EMBEDDED
    from knm.sandbox import make_limits

    check_dtype(dtype)
    find_model(model)
    options = ExploreOptions(
        problems=problems,
        out=out,
        prompt=prompt,
        language=language,
        trials=trials,
        least_probability=least_probability,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        limit=limit,
        held_out=tuple(held_out or [EMBEDDED]) if decontaminate else (),
        sandbox=sandbox,
        limits=make_limits(time_limit, memory_limit),
        workers=workers,
    )
    check_explore(options)  # before a model is loaded, which takes seconds
    from knm.models import load_model

    found = explore_problems(options, load_model(model, dtype=dtype, device=device))
    if json:
        print(dumps({"path": str(out), **to_json(found)}))
        return
    print_table(
        ("trials", out),
        ("problems", f"{found.problems}, {found.solved} solved greedily"),
        ("tokens tried", found.trials),
        ("verdicts", f"gained {found.gained}, lost {found.lost}"),
        ("crashes", f"mended {found.mended}, made {found.broken}"),
        ("decoded", f"{found.tokens:,} tokens in {found.seconds:,.1f} s, judging included"),
        ("left out", f"{found.left_out} problems, like held-out ones"),
        *(
            (("too long", f"{found.skipped} problems: the prompt fills the context"),)
            * bool(found.skipped)
        ),
        *((("faults", f"{found.faults} problems: run it again"),) * bool(found.faults)),
    )
