"""`knm mine`."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from knm.commands.output import JsonOption, print_table
from knm.commands.texts import TextOptions, text_encoding
from knm.errors import UserError, named
from knm.jsonio import dumps
from knm.option_fields import Option, changed_options
from knm.options import CorpusFile, KeyKind, ModelOptions, Positions, RecordLimit

if TYPE_CHECKING:
    from knm.corpora import Decontamination
    from knm.datastore import Datastore, OutcomePolicy


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """What is mined: a corpus, or trials."""

    corpus: CorpusFile = None
    trials: Annotated[
        Path | None,
        Option("instead of a corpus: trials of tokens, as knm explore writes them", "FILE"),
    ] = None
    limit: RecordLimit = None
    decontaminate: Annotated[bool, Option("leave out what the problem set asks for")] = True
    problems: Annotated[
        str,
        Option("that problem set: embedded, a file, a directory or a hub id", "NAME|PATH|HUB_ID"),
    ] = "embedded"


@dataclass(frozen=True, kw_only=True)
class TrialsChoice:
    """What only trials have."""

    dim: Annotated[int | None, Option("of trials: dimensions of the keys", "N", default="256")] = (
        None
    )
    price: Annotated[
        float | None,
        Option("of trials: gained problems that make up for a lost one", "N", default="2"),
    ] = None


@dataclass(frozen=True, kw_only=True)
class EntryOptions:
    """Which positions become entries, and how."""

    positions: Positions = "all"
    key_kind: KeyKind = "final-norm"
    key_dtype: Annotated[str, Option("float16 or bfloat16", "NAME")] = "float16"
    capacity: Annotated[int | None, Option("stop after N entries", "N")] = None
    seed: Annotated[int, Option("of the random share of correct positions", "N")] = 0
    knn_preset: Annotated[
        str | None,
        Option("preset that it is searched by if nobody says", "NAME", default="by the corpus"),
    ] = None
    batch_tokens: Annotated[
        int | None,
        Option("tokens of a forward batch", "N", least=1, default="2048, on a GPU 16384"),
    ] = None


def mine(
    out: Annotated[Path, typer.Option(help="Directory of the datastore.")],
    source: SourceOptions,
    of_trials: TrialsChoice,
    text: TextOptions,
    entries: EntryOptions,
    model: ModelOptions,
    json: JsonOption = False,
) -> None:
    """Mine a corpus, or trials, into a datastore; run it again to resume what was interrupted.

    Under `torchrun --nproc-per-node N -m knm.cli mine ...` N processes share the work.
    """
    from knm.corpora import stream_corpus
    from knm.datastore import MiningOptions
    from knm.datastore.trials import TrialOptions, load_trials
    from knm.models import check_dtype, find_model
    from knm.outputs import check_output_directory, file_named
    from knm.packaged import find_corpus
    from knm.problems import problems_path
    from knm.retrieval.preset_files import check_default_name

    # 1. What can be wrong is found before a model library is imported, which takes seconds.
    rank, count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if source.trials is None:
        _refuse(changed_options(of_trials), "of trials alone: give {}", "trials")
    else:
        of_corpus = [*changed_options(source), *changed_options(text), *changed_options(entries)]
        both = {"trials", "key_kind", "key_dtype", "batch_tokens"}
        _refuse(
            [one for one in of_corpus if one[0] not in both], "of a corpus, not of {}", "trials"
        )
        if count != 1:
            raise UserError(f"torchrun {count}: of a corpus, not of {named('trials')}")
    encoding = text_encoding(text)
    options = MiningOptions(
        positions=entries.positions,
        key_kind=entries.key_kind,
        key_dtype=entries.key_dtype,
        batch_tokens=entries.batch_tokens or MiningOptions.batch_tokens,
        capacity=entries.capacity,
        seed=entries.seed,
        preset=entries.knn_preset,
    )
    check_dtype(model.dtype)
    path = source.trials or find_corpus(source.corpus)
    if entries.knn_preset is not None:
        check_default_name(entries.knn_preset)
    if source.trials is None:
        next(stream_corpus(path), None)
    else:
        load_trials(path)
        trial_options = TrialOptions(
            TrialOptions.dim if of_trials.dim is None else of_trials.dim,
            TrialOptions.price if of_trials.price is None else of_trials.price,
        )
    inputs = (
        path,
        find_model(model.model),
        file_named(text.prompt),
        problems_path(source.problems),
    )
    check_output_directory("--out", out, inputs)

    # 2. Load, and mine.
    import torch

    from knm.datastore import CorpusExamples
    from knm.datastore.mining import mine_shard
    from knm.datastore.mining_options import batch_tokens_on
    from knm.datastore.sharding import Shard
    from knm.models import load_model, resolve_placement
    from knm.retrieval.presets import with_default

    device = _own_device(resolve_placement(model.device, model.dtype).device)
    if entries.batch_tokens is None:
        options = replace(options, batch_tokens=batch_tokens_on(torch.device(device).type))
    if source.trials is not None:
        from knm.datastore.trial_mining import mine_trials

        loaded = load_model(model.model, dtype=model.dtype, device=device)
        _show_trials(mine_trials(loaded, source.trials, out, options, trial_options), json=json)
        return
    options = with_default(options, path)
    cleaning = (
        _decontamination(path, source.limit, source.problems) if source.decontaminate else None
    )
    loaded = load_model(model.model, dtype=model.dtype, device=device)
    examples = CorpusExamples(path, loaded.tokenizer, encoding, source.limit, cleaning)
    with _barrier(count) as barrier:
        store = mine_shard(loaded, examples, out, options, Shard(rank, count), barrier)
    if store is not None:
        _show(store, json=json)


def _refuse(given: Iterable[tuple[str, object]], why: str, needed: str) -> None:
    for name, value in given:
        told = "" if isinstance(value, bool) else f" {value}"
        raise UserError(f"{named(name)}{told}: {why.format(named(needed))}")


def _decontamination(path: Path, limit: int | None, problems: str) -> "Decontamination":
    """What of the corpus a problem set asks for."""
    from knm.corpora import decontaminate_stream, first_passed, stream_corpus
    from knm.problems import load_problems

    return decontaminate_stream(first_passed(stream_corpus(path), limit), load_problems(problems))


def _own_device(device: str) -> str:
    """Under torchrun each process of a machine takes the GPU of its number."""
    place = os.environ.get("LOCAL_RANK")
    return device if place is None or device != "cuda" else f"cuda:{place}"


@contextmanager
def _barrier(count: int) -> Iterator[Callable[[], None]]:
    """What returns when all of `count` processes have called it."""
    if count == 1:
        yield lambda: None
        return
    import torch

    # Shards may end hours apart.
    torch.distributed.init_process_group("gloo", timeout=timedelta(days=30))
    try:
        yield torch.distributed.barrier
    finally:
        torch.distributed.destroy_process_group()


def _show(store: "Datastore", *, json: bool) -> None:
    from knm.datastore import MiningStatistics

    manifest = store.manifest
    if json:
        print(dumps(asdict(manifest)))
        return
    seen = manifest.statistics or MiningStatistics()
    cleaning = manifest.mining.get("decontamination")
    print_table(
        ("datastore", store.path),
        ("entries", f"{manifest.count:,} of {seen.positions:,} positions"),
        *((("stopped", "full at --capacity; the rest of the corpus is unread"),) * seen.full),
        (
            "left out",
            f"{cleaning['removed']:,} records, like {cleaning['problems']}"
            if cleaning
            else "nothing: not decontaminated, so that it may hold answers to the problems",
        ),
        *_failed(manifest.mining.get("failed")),
        ("keys", f"{manifest.key_kind}, {manifest.dim} x {manifest.key_dtype}"),
        *((("preset", manifest.preset),) if manifest.preset else ()),
        ("speed", f"{seen.tokens_per_second:,.0f} tokens/s, {seen.tokens:,} tokens"),
        ("mistakes", _share(seen)),
        *((f"  {name}", _share(tally)) for name, tally in seen.by_token_type.items()),
        *((f"  from {name}", _share(tally)) for name, tally in seen.by_source.items()),
        ("content", store.content_hash[:12]),
    )


def _failed(records: int | None) -> Iterator[tuple[str, str]]:
    if records:
        yield "failed", f"{records:,} records left out: their programs did not pass"


def _share(tally: Any) -> str:
    share = tally.mistakes / tally.positions if tally.positions else 0.0
    return f"{tally.mistakes:,} of {tally.positions:,} ({share:.1%})"


def _show_trials(store: "Datastore", *, json: bool) -> None:
    manifest = store.manifest
    if json:
        print(dumps(asdict(manifest)))
        return
    held = manifest.trials
    assert held is not None
    print_table(
        ("datastore", store.path),
        ("trials", f"{manifest.count:,} in programs of {held.problems:,} problems"),
        ("verdicts", f"gained {held.gained:,}, lost {held.lost:,}"),
        ("crashes", f"mended {held.mended:,}, made {held.broken:,}"),
        ("keys", f"{manifest.key_kind}, {manifest.dim} x {manifest.key_dtype}, whitened"),
        ("policy", _policy(held.policy)),
        ("content", store.content_hash[:12]),
    )


def _policy(policy: "OutcomePolicy | None") -> str:
    if policy is None:
        return "none that is worth it: the LM will be left alone"
    return (
        f"measured +{policy.gained} -{policy.lost} of {policy.problems:,} problems, "
        f"{policy.fired} changed, from a score of {policy.threshold:g} on"
    )
