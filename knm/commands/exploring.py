"""`knm explore`: what would have come of a LM's other likely tokens. Thin, as `knm.cli`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from knm.codec import to_json
from knm.commands.output import JsonOption, print_table
from knm.jsonio import dumps
from knm.option_fields import Option
from knm.options import (
    BATCH,
    CompletionLength,
    LanguageName,
    ModelOptions,
    SandboxOptions,
    SubsetOptions,
    TemplateName,
    Workers,
)


@dataclass(frozen=True, kw_only=True)
class ExploreChoice(SandboxOptions, SubsetOptions):
    """Which tokens of which problems' programs are tried, and how they are judged."""

    problems: Annotated[
        str,
        Option("problem set: a file, a directory or a hub id; not the bench", "NAME|PATH|HUB_ID"),
    ]
    out: Annotated[Path, Option("JSONL file of the trials, for knm mine --trials", "FILE")]
    prompt: TemplateName = "contest"
    language: LanguageName = "lua"
    trials: Annotated[int, Option("tokens tried in a program, at most", "N", least=1)] = 16
    least_probability: Annotated[
        float, Option("that the LM gave to a token that is tried", "P")
    ] = 0.02
    max_new_tokens: CompletionLength = 512
    decontaminate: Annotated[bool, Option("leave out problems like those of --held-out")] = True
    held_out: Annotated[
        list[str] | None,
        Option("problem sets to keep clear of", "NAME|PATH", default="the embedded bench"),
    ] = None
    batch_size: Annotated[int, BATCH] = 32
    workers: Workers = None


def explore(choice: ExploreChoice, model: ModelOptions, json: JsonOption = False) -> None:
    """Write other likely tokens into a LM's greedy programs, and execute what comes of it.

    Run it again to resume what was interrupted.
    """
    from knm.gathering.exploring import check_explore
    from knm.gathering.exploring import explore as explore_problems
    from knm.gathering.token_trials import ExploreOptions
    from knm.models import check_dtype, find_model
    from knm.packaged import EMBEDDED
    from knm.problems import Selection
    from knm.sandbox import make_limits

    check_dtype(model.dtype)
    find_model(model.model)
    options = ExploreOptions(
        problems=choice.problems,
        out=choice.out,
        prompt=choice.prompt,
        language=choice.language,
        trials=choice.trials,
        least_probability=choice.least_probability,
        max_new_tokens=choice.max_new_tokens,
        batch_size=choice.batch_size,
        selection=Selection.of(choice),
        held_out=tuple(choice.held_out or [EMBEDDED]) if choice.decontaminate else (),
        sandbox=choice.sandbox,
        limits=make_limits(choice.time_limit, choice.memory_limit),
        workers=choice.workers,
    )
    check_explore(options)  # before a model is loaded, which takes seconds
    from knm.models import load_model

    found = explore_problems(
        options, load_model(model.model, dtype=model.dtype, device=model.device)
    )
    if json:
        print(dumps({"path": str(choice.out), **to_json(found)}))
        return
    print_table(
        ("trials", choice.out),
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
