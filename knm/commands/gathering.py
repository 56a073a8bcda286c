"""`knm corpus collect` and `translate`: corpora out of judged programs. Thin, as `knm.cli`."""

from pathlib import Path
from typing import Annotated

import typer

from knm.codec import to_json
from knm.commands.corpus_output import (
    HeldOutOption,
    MemoryLimitOption,
    OutOption,
    SandboxOption,
    TimeLimitOption,
    WorkersOption,
    told,
)
from knm.commands.output import JsonOption, print_table, say
from knm.jsonio import dumps


def collect(
    reports: Annotated[
        list[Path], typer.Argument(help="Reports (.json) or streams (.jsonl) of sampled runs.")
    ],
    problems: Annotated[str, typer.Option(help="The problem set of these runs.")],
    out: OutOption,
    accepted: Annotated[
        bool, typer.Option("--accepted", help="Only programs that pass: a plain corpus.")
    ] = False,
    most: Annotated[
        int | None, typer.Option(min=1, help="Programs of a problem that pass, and that fail.")
    ] = None,
    completions: Annotated[
        bool, typer.Option("--completions", help="Keep the whole completion of each program.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Make a corpus of what a model wrote in sampled runs, with the outcome of each program.

    Run it again when there are more results: a run that is not over can be collected too.
    """
    from knm.gathering.collecting import CollectOptions
    from knm.gathering.collecting import collect as collect_programs

    found = collect_programs(
        CollectOptions(tuple(reports), problems, out, accepted, most, completions)
    )
    if json:
        print(dumps({"path": str(out), **to_json(found)}))
        return
    print_table(
        ("corpus", out),
        ("records", found.records),
        ("programs", f"{found.programs:,} distinct of {found.samples:,} samples"),
        ("solved", f"{found.solved} of {found.problems} problems"),
        ("none passes", f"{found.unsolved} problems"),
        ("no program", f"{found.without_program} problems"),
        *((("not sampled", f"{found.not_sampled} problems"),) * bool(found.not_sampled)),
        *((("faults", f"{found.faults} samples, left out"),) * bool(found.faults)),
        *((("unknown", f"{found.unknown} problems that the set lacks"),) * bool(found.unknown)),
        ("verdicts", told(found.verdicts)),
        ("errors", told(found.error_classes)),
    )


def translate(
    sources: Annotated[
        list[Path], typer.Argument(help="Corpora, reports or streams with programs that pass.")
    ],
    problems: Annotated[str, typer.Option(help="The problem set that has their tests.")],
    out: OutOption,
    engine: Annotated[
        str,
        typer.Option(
            help="Server that speaks OpenAI's protocol, such as `knm serve`; or several.",
            metavar="URL[,URL...]",
        ),
    ] = "http://127.0.0.1:8000",
    model: Annotated[
        str | None, typer.Option(help="Which of the server's models (default: its only one).")
    ] = None,
    language: Annotated[str, typer.Option(help="Language to translate to.")] = "lua",
    prompt: Annotated[str, typer.Option(help="Prompt template.")] = "contest",
    tests: Annotated[int, typer.Option(min=1, help="Tests to pass, drawn if need be.")] = 5,
    attempts: Annotated[int, typer.Option(min=1, help="Of each program; the first greedy.")] = 4,
    temperature: Annotated[float, typer.Option(help="Of the other attempts.")] = 0.8,
    most: Annotated[int, typer.Option(min=1, help="Programs of a problem to translate.")] = 1,
    without: Annotated[
        Path | None, typer.Option(help="Corpus whose problems are solved already.")
    ] = None,
    held_out: HeldOutOption = None,
    max_new_tokens: Annotated[
        int | None, typer.Option(min=1, help="Longest answer (default: the server's bound).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of sampling and of drawn tests.")] = 0,
    sandbox: SandboxOption = "local",
    time_limit: TimeLimitOption = 5.0,
    memory_limit: MemoryLimitOption = 512,
    workers: WorkersOption = None,
    requests: Annotated[int, typer.Option(min=1, help="Asked of the server at a time.")] = 16,
    as_asked: Annotated[
        bool,
        typer.Option(
            "--as-asked",
            help="Records state what the LM was asked, program included: for a datastore that is "
            "to serve translations.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Translate programs that pass to another language, and keep those that pass the same tests.

    Run it again to resume what was interrupted, or with or without --as-asked to have the corpus
    in that form: nothing is asked twice. A server that wants a key finds it in KNM_API_KEY,
    KNM_ENGINE_TOKEN or OPENAI_API_KEY.
    """
    from knm.gathering.translation import TranslateOptions
    from knm.gathering.translation import translate as translate_programs
    from knm.judging.pool import default_workers
    from knm.packaged import EMBEDDED
    from knm.sandbox import make_limits

    found = translate_programs(
        TranslateOptions(
            sources=tuple(sources),
            problems=problems,
            out=out,
            engine=engine,
            model=model,
            language=language,
            prompt=prompt,
            tests=tests,
            attempts=attempts,
            temperature=temperature,
            most=most,
            without=without,
            held_out=tuple(held_out or [EMBEDDED]),
            max_new_tokens=max_new_tokens,
            seed=seed,
            sandbox=sandbox,
            limits=make_limits(time_limit, memory_limit),
            workers=workers or default_workers(),
            requests=requests,
            as_asked=as_asked,
        ),
        say,
    )
    if json:
        print(dumps({"path": str(out), **to_json(found)}))
        return
    asked = sum(found.attempts.values())
    print_table(
        ("corpus", out if found.records else "not written: nothing passed"),
        ("records", found.records),
        ("translated", f"{found.translated} of {found.problems} problems"),
        ("attempts", f"{asked}: {told(found.attempts)}"),
        ("tokens", f"{found.prompt_tokens:,} read, {found.completion_tokens:,} written"),
        ("engine", f"{found.seconds:,.1f} s, all attempts together"),
        ("too few tests", f"{found.untested} problems"),
        ("no program passes", f"{found.unsolved} problems"),
        *((("broken", f"{found.broken} problems"),) * bool(found.broken)),
        *((("faults", f"{found.faults} problems: run it again"),) * bool(found.faults)),
        ("left out", f"{found.removed} programs, like held-out problems"),
    )
