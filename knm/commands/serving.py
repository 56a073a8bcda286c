"""`knm serve` and `knm cache`: an engine for others, and what it wrote. Thin, as `knm.cli`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from knm.commands.output import JsonOption, print_table, say
from knm.errors import UserError
from knm.jsonio import dumps

if TYPE_CHECKING:
    from knm.engine import CompletionCache

cache_app = typer.Typer(no_args_is_help=True, help="Completions that were kept.")


def serve(
    model: Annotated[
        str, typer.Option(help="embedded, a directory, a GGUF file or a hub id.")
    ] = "embedded",
    dtype: Annotated[str | None, typer.Option(help="Model dtype.")] = None,
    device: Annotated[str | None, typer.Option(help="Model device.")] = None,
    max_new_tokens: Annotated[int, typer.Option(help="Bound on a completion, in tokens.")] = 512,
    batch_size: Annotated[int | None, typer.Option(help="Prompts decoded together.")] = None,
    knn: Annotated[bool, typer.Option("--knn", help="Correct the LM from a datastore.")] = False,
    datastore: Annotated[str | None, typer.Option(help="Datastore, by name or path.")] = None,
    knn_preset: Annotated[str | None, typer.Option(help="Retrieval configuration.")] = None,
    knn_k: Annotated[int | None, typer.Option(help="Neighbours per query.")] = None,
    knn_lambda: Annotated[float | None, typer.Option(help="Weight of the neighbours.")] = None,
    knn_temperature: Annotated[float | None, typer.Option(help="Of the distances.")] = None,
    knn_gate: Annotated[float | None, typer.Option(help="Weights below this are 0.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
    queue: Annotated[int, typer.Option(min=1, help="Requests admitted at most.")] = 1024,
    json: JsonOption = False,
) -> None:
    """Serve the model, corrected or not, by OpenAI's completion calls.

    Where others than this machine can reach it, clients need the token in KNM_ENGINE_TOKEN.
    """
    from knm.bench import RunOptions, serve_engine

    options = RunOptions(
        model=model,
        dtype=dtype,
        device=device,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        knn=knn,
        datastore=datastore,
        knn_preset=knn_preset,
        knn_k=knn_k,
        knn_lambda=knn_lambda,
        knn_temperature=knn_temperature,
        knn_gate=knn_gate,
    )

    def announce(url: str, what: dict[str, Any]) -> None:
        line = dumps({"url": url, **what}) if json else f"{what['model']} at {url}/v1"
        print(line, flush=True)

    serve_engine(options, Path.cwd(), host, port, capacity=queue, announce=announce)


@cache_app.command("info")
def cache_info(json: JsonOption = False) -> None:
    """Show how many completions are kept, of which models, and since when."""
    from dataclasses import asdict

    with _cache() as cache:
        info = cache.info()
    if json:
        print(dumps(asdict(info)))
        return
    print_table(
        ("cache", info.path),
        ("completions", info.completions),
        ("size", f"{info.bytes / 1e6:.1f} MB"),
        ("oldest", _date(info.oldest)),
        ("newest", _date(info.newest)),
        *info.by_model.items(),
    )


@cache_app.command("prune")
def cache_prune(
    older_than: Annotated[
        float | None, typer.Option(min=0, help="Remove what was kept more than N days ago.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove everything.")] = False,
    json: JsonOption = False,
) -> None:
    """Remove completions that were kept."""
    if everything == (older_than is not None):
        raise UserError("knm cache prune: give either --older-than DAYS or --all")
    with _cache() as cache:
        removed = cache.prune(older_than_days=older_than or 0)
        left = cache.info().completions
    figures = {"removed": removed, "left": left}
    print(dumps(figures)) if json else print_table(*figures.items())


@contextmanager
def _cache() -> Iterator["CompletionCache"]:
    from knm.bench import cache_directory
    from knm.engine import CompletionCache

    cache = CompletionCache(cache_directory(Path.cwd()), say)
    try:
        yield cache
    finally:
        cache.close()


def _date(seconds: float | None) -> str:
    return "-" if seconds is None else f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"
