"""`knm corpus import`: corpora out of what others have published. Thin, as `knm.cli`."""

from pathlib import Path
from typing import Annotated

import typer

from knm.codec import to_json
from knm.commands.corpus_output import (
    HeldOutOption,
    MemoryLimitOption,
    OutOption,
    SandboxOption,
    ThresholdOption,
    TimeLimitOption,
    WorkersOption,
    print_lengths,
    told,
)
from knm.commands.output import JsonOption, OverwriteOption, print_table
from knm.jsonio import dumps


def import_corpus(
    source: Annotated[
        str, typer.Argument(help="What it is: codeforces, github, leetcode or rosetta.")
    ],
    places: Annotated[
        list[str],
        typer.Argument(
            help="A folder; of codeforces: files of API answers, or the address of an API.",
            metavar="PLACE...",
        ),
    ],
    out: OutOption,
    sources: Annotated[
        Path | None, typer.Option(help="codeforces: the folder of programs, SUBMISSION.lua each.")
    ] = None,
    handle: Annotated[
        list[str] | None, typer.Option(help="codeforces: whose submissions; may be repeated.")
    ] = None,
    contest: Annotated[
        list[int] | None, typer.Option(help="codeforces: of which contest; may be repeated.")
    ] = None,
    compiler: Annotated[
        list[str] | None,
        typer.Option(help="codeforces: what the language is called there (default: by its name)."),
    ] = None,
    pause: Annotated[
        float, typer.Option(min=0, help="codeforces: seconds between two questions, at least.")
    ] = 2.0,
    language: Annotated[str, typer.Option(help="Language of the programs.")] = "lua",
    name: Annotated[
        str | None, typer.Option(help="What records call their source (default: by its kind).")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence where no file of the source states one.")
    ] = None,
    encoding: Annotated[
        str, typer.Option(help="Of files that are not UTF-8, such as latin-1.")
    ] = "utf-8",
    problems: Annotated[
        str | None, typer.Option(help="Problem set with statements and tests of the programs.")
    ] = None,
    failing: Annotated[
        bool, typer.Option("--failing", help="Keep what fails these tests, with its outcome.")
    ] = False,
    described: Annotated[
        bool, typer.Option("--described", help="Only records that have a statement.")
    ] = False,
    longest: Annotated[int, typer.Option(min=1, help="Characters of a program.")] = 20_000,
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="Keep near-duplicates of programs.")
    ] = False,
    held_out: HeldOutOption = None,
    threshold: ThresholdOption = 0.8,
    skipped: Annotated[
        Path | None, typer.Option(help="JSONL file for what was left out, and why.")
    ] = None,
    sandbox: SandboxOption = "local",
    time_limit: TimeLimitOption = 5.0,
    memory_limit: MemoryLimitOption = 512,
    workers: WorkersOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Make a corpus of programs that others have published.

    It is deduplicated, and decontaminated against held-out problems. Run it again to resume what
    was interrupted. docs/corpora.md says how each source has to lie.
    """
    from knm.gathering.importing import ImportOptions, Origin, Verifying
    from knm.gathering.importing import import_corpus as import_programs
    from knm.packaged import EMBEDDED
    from knm.sandbox import make_limits

    found = import_programs(
        ImportOptions(
            kind=source,
            origin=Origin(
                places=tuple(places),
                language=language,
                encoding=encoding,
                licence=licence,
                name=name,
                sources=sources,
                handles=tuple(handle or ()),
                contests=tuple(contest or ()),
                compilers=tuple(compiler or ()),
                pause=pause,
            ),
            out=out,
            problems=problems,
            held_out=tuple(held_out or [EMBEDDED]),
            threshold=threshold,
            distinct=not duplicates,
            described=described,
            failing=failing,
            longest=longest,
            skipped=skipped,
            verifying=Verifying(sandbox, make_limits(time_limit, memory_limit), workers),
            overwrite=overwrite,
        )
    )
    if json:
        print(dumps({"path": str(out), **to_json(found)}))
        return
    print_table(
        ("corpus", out),
        ("records", f"{found.records} of {found.found} programs found"),
        ("with statement", found.described),
        ("with licence", f"{found.licensed}: {told(found.licences)}" if found.licensed else 0),
        ("verified", found.verified),
        ("left out", told(found.skipped) or 0),
        *(
            (("faults", f"{found.faults} not judged: run it again, --overwrite"),)
            * bool(found.faults)
        ),
    )
    print_lengths(found.sources)
