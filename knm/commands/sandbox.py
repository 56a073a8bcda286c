"""`knm sandbox` and `knm verify`: building, attacking and serving a sandbox. Thin, as `knm.cli`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from knm.commands.output import JsonOption, print_table
from knm.commands.parameters import Commands
from knm.errors import UserError
from knm.jsonio import dumps
from knm.progress import progress_bar

sandbox_app = Commands(no_args_is_help=True, help="Where programs are judged.")


def verify(
    language: Annotated[str, typer.Option(help="Name of a language, or a YAML file.")] = "lua",
    sandbox: Annotated[str, typer.Option(help="Where programs run.")] = "local",
) -> None:
    """Answer Agnostics requests, one JSON line each, from standard input until it ends."""
    from knm.sandbox import Limits, open_sandbox
    from knm.sandbox.protocol import verify_stream

    limits = Limits()
    with open_sandbox(sandbox, language=language, limits=limits) as judge:
        verify_stream(judge, limits, sys.stdin.buffer, sys.stdout)


@sandbox_app.command("build")
def build_sandbox(
    base: Annotated[
        str | None, typer.Option(help="Image to begin with (default: debian:12-slim).")
    ] = None,
    rootfs: Annotated[
        Path | None, typer.Option(help="Begin with a root by debootstrap: a directory or a tar.")
    ] = None,
    tag: Annotated[str, typer.Option(help="What to call the image.")] = "knm-sandbox",
    json: JsonOption = False,
) -> None:
    """Build the image of `--sandbox docker`."""
    from knm.sandbox.docker.engine import Engine
    from knm.sandbox.docker.image import BASE, build, import_rootfs

    if base and rootfs:
        raise UserError("--base and --rootfs both say what to begin with: give one")
    engine = Engine()
    if rootfs:
        base = import_rootfs(engine, rootfs)
    image = build(engine, base or BASE, tag, lambda text: print(text, end="", file=sys.stderr))
    facts = {"image": tag, "id": image.id, "base": base or BASE, **image.labels}
    print(dumps(facts)) if json else print_table(*facts.items())


@sandbox_app.command("check")
def check_sandbox(
    sandbox: Annotated[str, typer.Option(help="local, docker, docker:IMAGE, or unsafe.")] = "local",
    language: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be repeated.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Attack a sandbox, and judge programs whose verdict is known. Status 1 if a case fails."""
    from shutil import get_terminal_size

    from knm.sandbox.selfcheck import as_json, render, run_suite

    report = run_suite(
        sandbox,
        language,
        follow=lambda cases: iter(progress_bar(cases, label=sandbox, total=len(cases))),
    )
    if json:
        print(dumps(as_json(report), pretty=True))
    else:
        print(render(report, get_terminal_size().columns if sys.stdout.isatty() else None))
    if not report.passed:
        raise typer.Exit(1)
