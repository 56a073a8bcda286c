"""`knm corpus`: making, describing, cleaning and splitting corpora. Thin, as `knm.cli`."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from knm.codec import to_json
from knm.commands import gathering, importing
from knm.commands.corpus_output import (
    MOST_SHOWN,
    OutOption,
    ThresholdOption,
    print_lengths,
    told,
)
from knm.commands.output import JsonOption, OverwriteOption, print_table
from knm.commands.parameters import Commands
from knm.corpora.similarity import Comparison
from knm.corpora.splitting import SPLITS, Grouping
from knm.errors import UserError
from knm.jsonio import dumps, write_jsonl
from knm.option_fields import read_list
from knm.outputs import Output, check_outputs
from knm.packaged import find_corpus
from knm.progress import progress_bar

if TYPE_CHECKING:
    from knm.corpora import Cleaned, CorpusRecord, CorpusStatistics, Purged

corpus_app = Commands(no_args_is_help=True, help="Training corpora.")

CorpusArgument = Annotated[
    Path,
    typer.Argument(
        help="Corpus: .jsonl or .jsonl.gz, or contest: the packaged contest programs.",
        callback=lambda named: find_corpus(named),
    ),
]
RemovedOption = Annotated[
    Path | None, typer.Option(help="JSONL file for what was removed, and why.")
]


@corpus_app.command()
def generate(
    out: OutOption,
    name: Annotated[str, typer.Option(help="lua_cp, or lua_utility: another domain.")] = "lua_cp",
    count: Annotated[int, typer.Option(min=1, help="Number of records.")] = 1228,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    split: Annotated[str, typer.Option(help="corpus, corpus-dev or corpus-test.")] = "corpus",
    prefix: Annotated[str | None, typer.Option(help="Begin of the ids (default: NAME).")] = None,
    sandbox: Annotated[str, typer.Option(help="Where programs are run.")] = "local",
    overwrite: OverwriteOption = False,
) -> None:
    """Draw a Lua corpus; every program is run on tests of its own."""
    from knm.corpora import save_corpus
    from knm.embedded.candidates import draw_candidates
    from knm.sandbox import open_sandbox

    check_outputs([Output("--out", (out,))], overwrite=overwrite)
    candidates = draw_candidates(name, seed, split, prefix or name)

    def accepted() -> "Iterator[CorpusRecord]":
        with open_sandbox(sandbox) as judge:
            for candidate in candidates:
                if judge.judge(candidate.check, candidate.tests).verdict == "accepted":
                    yield candidate.record

    save_corpus(out, progress_bar(islice(accepted(), count), label="programs", total=count))
    print(f"{out}: {count} records, seed {seed}, split {split}")


@corpus_app.command()
def stats(
    corpus: CorpusArgument,
    model: Annotated[str, typer.Option(help="Whose tokens are counted.")] = "embedded",
    json: JsonOption = False,
) -> None:
    """Show sources, lengths, token counts and operations of a corpus."""
    from knm.corpora import corpus_statistics, load_corpus
    from knm.models.tokenization import token_counter

    found = corpus_statistics(load_corpus(corpus), token_counter(model))
    print(dumps(to_json(found))) if json else _print_statistics(found)


@corpus_app.command()
def dedup(
    corpus: CorpusArgument,
    out: OutOption,
    threshold: ThresholdOption = 0.8,
    by: Annotated[
        Comparison, typer.Option(help="What is compared; renamed: names of variables are ignored.")
    ] = Comparison.PROGRAM,
    removed: RemovedOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Drop records that are nearly the same as an earlier one."""
    from knm.corpora import deduplicate, load_corpus

    _check_cleaned(out, removed, (corpus,), overwrite)
    cleaned = deduplicate(load_corpus(corpus), threshold=threshold, by=by)
    _write_cleaned(cleaned, out, removed, cleaned.to_json() if json else None)


@corpus_app.command()
def decontaminate(
    corpus: CorpusArgument,
    out: OutOption,
    problems: Annotated[
        str, typer.Option(help="Problem set: embedded, a file, a directory or a hub id.")
    ] = "embedded",
    threshold: ThresholdOption = 0.8,
    removed: RemovedOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Drop records of a problem, or that share statement, program or composition with one."""
    from knm.corpora import decontaminate as clean
    from knm.corpora import load_corpus
    from knm.problems import load_problems, problems_path

    _check_cleaned(out, removed, (corpus, problems_path(problems)), overwrite)
    cleaned = clean(load_corpus(corpus), load_problems(problems), threshold=threshold)
    _write_cleaned(cleaned, out, removed, cleaned.to_json() if json else None)


@corpus_app.command("filter")
def filter_records(
    corpus: CorpusArgument,
    out: OutOption,
    drop_python: Annotated[
        bool,
        typer.Option(
            "--drop-python", help="Leave out programs in syntax of another language (def, !=, +=)."
        ),
    ] = False,
    removed: RemovedOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Keep the records whose programs pass all the rules given, each told by name and count."""
    from knm.corpora import drop_foreign, load_corpus
    from knm.report.text import counts

    if not drop_python:
        raise UserError("knm corpus filter: give a rule: --drop-python")
    _check_cleaned(out, removed, (corpus,), overwrite)
    purged = drop_foreign(load_corpus(corpus))
    if not purged.kept:
        raise UserError(f"{corpus}: --drop-python would leave no record ({counts(purged.rules)})")
    _write_cleaned(purged, out, removed, purged.to_json() if json else None, purged.rules)


@corpus_app.command()
def split(
    corpus: CorpusArgument,
    out: Annotated[Path, typer.Option(help="Directory for train, dev and test.jsonl.")],
    shares: Annotated[str, typer.Option(help="Of train, dev and test.")] = "0.8,0.1,0.1",
    by: Annotated[
        Grouping,
        typer.Option(help="What stays on one side: near-duplicates, a composition, a problem."),
    ] = Grouping.CLUSTER,
    threshold: ThresholdOption = 0.8,
    seed: Annotated[int, typer.Option(help="Another seed, another split.")] = 0,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Split a corpus so that nothing alike stands on both sides."""
    from knm.corpora import load_corpus, save_corpus, split_corpus

    wanted = read_list("shares", shares, "three numbers", float, distinct=False)
    files = tuple(out / f"{name}.jsonl" for name in SPLITS)
    check_outputs([Output("--out", files)], (corpus,), overwrite=overwrite)
    sides = split_corpus(load_corpus(corpus), wanted, by=by, threshold=threshold, seed=seed)
    for name, records in sides.items():
        save_corpus(out / f"{name}.jsonl", records)
    counts = {name: len(records) for name, records in sides.items()}
    print(dumps(counts)) if json else print_table(*counts.items())


corpus_app.command()(gathering.collect)
corpus_app.command()(gathering.translate)
corpus_app.command("import")(importing.import_corpus)


def _check_cleaned(
    out: Path, removed: Path | None, inputs: tuple[Path | str, ...], overwrite: bool
) -> None:
    outputs = [Output("--out", (out,)), Output("--removed", (removed,) if removed else ())]
    check_outputs(outputs, inputs, overwrite=overwrite)


def _write_cleaned(
    cleaned: "Cleaned | Purged",
    out: Path,
    removed: Path | None,
    summary: Mapping[str, Any] | None,
    rows: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Write what is left, and what was removed if that is asked for, and tell of both.

    That is the `summary` as JSON, or without one a table, with further `rows`, and the first that
    were removed.
    """
    from knm.corpora import save_corpus

    save_corpus(out, cleaned.kept)
    if removed:
        write_jsonl(removed, (one.to_json() for one in cleaned.removed))
    if summary is not None:
        print(dumps({"path": str(out), **summary}))
        return
    print_table(("kept", len(cleaned.kept)), ("removed", len(cleaned.removed)), *rows.items())
    for one in cleaned.removed[:MOST_SHOWN]:
        print(f"  {one}")
    if len(cleaned.removed) > MOST_SHOWN:
        print(f"  and {len(cleaned.removed) - MOST_SHOWN} more: see --removed FILE")


def _print_statistics(found: "CorpusStatistics") -> None:
    print_table(
        ("records", f"{found.records}, {found.verified} verified"),
        ("sources", told(found.sources)),
        ("languages", told(found.languages)),
        *(
            (
                name,
                f"{size.total:,}: {size.least} to {size.most}, median {size.median:.0f}, "
                f"mean {size.mean:.1f}, nine tenths up to {size.ninth_decile:.0f}",
            )
            for name, size in found.sizes.items()
        ),
        ("operations", f"{len(found.operations)}: {told(found.operations)}"),
        ("in a chain", told({str(length): count for length, count in found.chained.items()})),
        ("compositions", found.compositions),
        *((("problems", found.problems),) * bool(found.problems)),
        *((("outcomes", told(found.outcomes)),) * bool(found.outcomes)),
        ("repeated", told(found.repeated)),
    )
    print_lengths(found.lengths)
