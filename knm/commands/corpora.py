"""`knm corpus`: making, describing, cleaning and splitting corpora. Thin, as `knm.cli`."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from knm.progress import progress_bar

if TYPE_CHECKING:
    from knm.corpora import CorpusRecord

corpus_app = typer.Typer(no_args_is_help=True, help="Training corpora.")


@corpus_app.command()
def generate(
    out: Annotated[Path, typer.Option(help="JSONL file to write; .jsonl.gz is compressed.")],
    name: Annotated[str, typer.Option(help="lua_cp, or lua_utility: another domain.")] = "lua_cp",
    count: Annotated[int, typer.Option(min=1, help="Number of records.")] = 1228,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    split: Annotated[str, typer.Option(help="corpus, corpus-dev or corpus-test.")] = "corpus",
    prefix: Annotated[str | None, typer.Option(help="Begin of the ids (default: NAME).")] = None,
    sandbox: Annotated[str, typer.Option(help="Where programs are run.")] = "local",
) -> None:
    """Draw a Lua corpus; every program is run on tests of its own."""
    from knm.corpora import draw_candidates, save_corpus
    from knm.sandbox import open_sandbox

    def accepted() -> "Iterator[CorpusRecord]":
        with open_sandbox(sandbox) as judge:
            for candidate in draw_candidates(name, seed, split, prefix or name):
                if judge.judge(candidate.check, candidate.tests).verdict == "accepted":
                    yield candidate.record

    save_corpus(out, progress_bar(islice(accepted(), count), label="programs", total=count))
    print(f"{out}: {count} records, seed {seed}, split {split}")
