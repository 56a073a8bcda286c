"""`knm serve` and `knm cache`: an engine for others, and what runs keep. Thin, as `knm.cli`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from knm.commands.output import JsonOption, print_table, say
from knm.commands.parameters import Commands
from knm.errors import UserError
from knm.jsonio import dumps
from knm.option_fields import Option
from knm.options import ServedEngineOptions

if TYPE_CHECKING:
    from knm.cache import CacheFigures
    from knm.engine import CompletionCache
    from knm.engine.cache import CacheInfo
    from knm.judging import JudgementCache

cache_app = Commands(no_args_is_help=True, help="Completions and verdicts that were kept.")


@dataclass(frozen=True, kw_only=True)
class ListeningOptions:
    """Where an engine is reached, and by how many."""

    host: Annotated[str, Option("address to listen on", "ADDRESS")] = "127.0.0.1"
    port: Annotated[int, Option("0: any that is free", "N", least=0, most=65535)] = 8000
    queue: Annotated[int, Option("requests admitted at most", "N", least=1)] = 1024


def serve(
    engine: ServedEngineOptions, listening: ListeningOptions, json: JsonOption = False
) -> None:
    """Serve the model, corrected or not, by OpenAI's completion calls.

    Where others than this machine can reach it, clients need the token in KNM_ENGINE_TOKEN.
    """
    from knm.bench import serve_engine

    def announce(url: str, what: dict[str, Any]) -> None:
        line = dumps({"url": url, **what}) if json else f"{what['model']} at {url}/v1"
        print(line, flush=True)

    serve_engine(
        engine,
        Path.cwd(),
        listening.host,
        listening.port,
        capacity=listening.queue,
        announce=announce,
        notify=say,
    )


@cache_app.command("info")
def cache_info(json: JsonOption = False) -> None:
    """Show how many completions and verdicts are kept, of which models, and since when."""
    from dataclasses import asdict

    with _caches() as (completions, judgements):
        info, judged = completions.info(), judgements.figures()
    if json:
        print(dumps({**asdict(info), "judgements": asdict(judged)}))
        return
    print_table(
        ("cache", info.path),
        ("completions", info.completions),
        *_size_and_age(info),
        *info.by_model.items(),
        ("cache", judged.path),
        ("verdicts", judged.count),
        *_size_and_age(judged),
    )


@cache_app.command("prune")
def cache_prune(
    older_than: Annotated[
        float | None, typer.Option(min=0, help="Remove what was kept more than N days ago.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove everything.")] = False,
    json: JsonOption = False,
) -> None:
    """Remove completions and verdicts that were kept."""
    if everything == (older_than is not None):
        raise UserError("knm cache prune: give either --older-than DAYS or --all")
    with _caches() as caches:
        removed = sum(cache.prune(older_than_days=older_than or 0) for cache in caches)
        left = sum(cache.figures().count for cache in caches)
    figures = {"removed": removed, "left": left}
    print(dumps(figures)) if json else print_table(*figures.items())


@contextmanager
def _caches() -> Iterator[tuple["CompletionCache", "JudgementCache"]]:
    from knm.bench import cache_directory
    from knm.engine import CompletionCache
    from knm.judging import JudgementCache

    directory = cache_directory(Path.cwd())
    with (
        closing(CompletionCache(directory, say)) as completions,
        closing(JudgementCache(directory, say)) as judgements,
    ):
        yield completions, judgements


def _size_and_age(info: "CacheInfo | CacheFigures") -> tuple[tuple[str, str], ...]:
    return (
        ("size", f"{info.bytes / 1e6:.1f} MB"),
        ("oldest", _date(info.oldest)),
        ("newest", _date(info.newest)),
    )


def _date(seconds: float | None) -> str:
    return "-" if seconds is None else f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"
