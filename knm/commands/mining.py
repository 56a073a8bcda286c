"""`knm mine`."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from knm.commands.output import JsonOption, print_table
from knm.errors import UserError
from knm.jsonio import dumps

if TYPE_CHECKING:
    from knm.corpora import Decontamination
    from knm.datastore import Datastore, OutcomePolicy
    from knm.models import CorpusEncoding


class Format(StrEnum):
    """How a record becomes text."""

    CHAT = "chat"
    RAW = "raw"


def mine(
    out: Annotated[Path, typer.Option(help="Directory of the datastore.")],
    corpus: Annotated[
        Path | None, typer.Option(help="JSONL corpus (default: the packaged one).")
    ] = None,
    trials: Annotated[
        Path | None,
        typer.Option(help="Instead of a corpus: trials of tokens, as knm explore writes them."),
    ] = None,
    model: Annotated[
        str, typer.Option(help="embedded, a directory, a GGUF file or a hub id.")
    ] = "embedded",
    dim: Annotated[
        int | None, typer.Option(help="Of trials: dimensions of the keys (default: 256).")
    ] = None,
    price: Annotated[
        float | None,
        typer.Option(help="Of trials: gained problems that make up for a lost one (default: 2)."),
    ] = None,
    positions: Annotated[
        str,
        typer.Option(
            help="all, mistakes, mistakes+correct:P (a random share) or low-confidence:P."
        ),
    ] = "all",
    key_kind: Annotated[
        str,
        typer.Option(
            help="final-norm, last-layer, last-mlp-input, layer-N, or several joined by +."
        ),
    ] = "final-norm",
    key_dtype: Annotated[str, typer.Option(help="float16 or bfloat16.")] = "float16",
    text_format: Annotated[
        Format,
        typer.Option(
            "--format", help="chat: statement and program, as decoded; raw: program text."
        ),
    ] = Format.CHAT,
    prompt: Annotated[
        str | None, typer.Option(help="Prompt template of chat, as in decoding (default: task).")
    ] = None,
    block_tokens: Annotated[
        int | None, typer.Option(help="Tokens of a raw block, with context (default: 1024).")
    ] = None,
    stride: Annotated[
        int | None, typer.Option(help="Tokens between raw blocks (default: half a block).")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N records.")] = None,
    capacity: Annotated[int | None, typer.Option(help="Stop after N entries.")] = None,
    seed: Annotated[int, typer.Option(help="Of the random share of correct positions.")] = 0,
    dtype: Annotated[str | None, typer.Option(help="Model dtype.")] = None,
    device: Annotated[str | None, typer.Option(help="Model device.")] = None,
    batch_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens of a forward batch (default: 2048, on a GPU 16384)."),
    ] = None,
    decontaminate: Annotated[
        bool, typer.Option(help="Leave out what the problem set asks for.")
    ] = True,
    problems: Annotated[
        str, typer.Option(help="That problem set: embedded, a file, a directory or a hub id.")
    ] = "embedded",
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
    from knm.packaged import EMBEDDED_CORPUS
    from knm.problems import problems_path

    # 1. What can be wrong is found before a model library is imported, which takes seconds.
    rank, count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if trials is None:
        _refuse({"--dim": dim, "--price": price}, "of trials alone: give --trials")
    else:
        corpus_only = {
            "--corpus": corpus,
            "--prompt": prompt,
            "--block-tokens": block_tokens,
            "--stride": stride,
            "--limit": limit,
            "--capacity": capacity,
            "--positions": None if positions == "all" else positions,
            "--format": None if text_format is Format.CHAT else text_format.value,
            "--seed": seed or None,
            "--problems": None if problems == "embedded" else problems,
            "--no-decontaminate": None if decontaminate else "given",
            "torchrun": None if count == 1 else count,
        }
        _refuse(corpus_only, "of a corpus, not of --trials")
    encoding = _encoding(text_format, prompt, block_tokens, stride)
    options = MiningOptions(
        positions=positions,
        key_kind=key_kind,
        key_dtype=key_dtype,
        batch_tokens=MiningOptions.batch_tokens if batch_tokens is None else batch_tokens,
        capacity=capacity,
        seed=seed,
    )
    check_dtype(dtype)
    path = trials or corpus or EMBEDDED_CORPUS / "train.jsonl"
    if trials is None:
        next(stream_corpus(path), None)
    else:
        load_trials(path)
        trial_options = TrialOptions(
            TrialOptions.dim if dim is None else dim, TrialOptions.price if price is None else price
        )
    inputs = (path, find_model(model), file_named(prompt), problems_path(problems))
    check_output_directory("--out", out, inputs)

    # 2. Load, and mine.
    import torch

    from knm.datastore import CorpusExamples
    from knm.datastore.mining import mine_shard
    from knm.datastore.mining_options import batch_tokens_on
    from knm.datastore.sharding import Shard
    from knm.models import load_model, resolve_placement

    device = _own_device(resolve_placement(device, dtype).device)
    if batch_tokens is None:
        options = replace(options, batch_tokens=batch_tokens_on(torch.device(device).type))
    if trials is not None:
        from knm.datastore.trial_mining import mine_trials

        loaded = load_model(model, dtype=dtype, device=device)
        _show_trials(mine_trials(loaded, trials, out, options, trial_options), json=json)
        return
    cleaning = _decontamination(path, limit, problems) if decontaminate else None
    loaded = load_model(model, dtype=dtype, device=device)
    source = CorpusExamples(path, loaded.tokenizer, encoding, limit, cleaning)
    with _barrier(count) as barrier:
        store = mine_shard(loaded, source, out, options, Shard(rank, count), barrier)
    if store is not None:
        _show(store, json=json)


def _refuse(options: Mapping[str, object], why: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise UserError(f"{name} {value}: {why}")


def _encoding(
    text_format: Format, prompt: str | None, block_tokens: int | None, stride: int | None
) -> "CorpusEncoding":
    from knm.models import ChatEncoding, RawEncoding
    from knm.problems import load_template

    if text_format is Format.CHAT:
        if block_tokens is not None or stride is not None:
            raise UserError("--block-tokens, --stride: a chat is not cut: use --format raw")
        return ChatEncoding(load_template(prompt or "task"))
    if prompt is not None:
        raise UserError(f"--prompt {prompt}: raw text has no prompt: use --format chat")
    block = 1024 if block_tokens is None else block_tokens
    return RawEncoding(block, block // 2 if stride is None else stride)


def _decontamination(path: Path, limit: int | None, problems: str) -> "Decontamination":
    """What of the corpus a problem set asks for."""
    from knm.corpora import decontaminate_stream, stream_corpus
    from knm.problems import load_problems

    return decontaminate_stream(islice(stream_corpus(path), limit), load_problems(problems))


def _own_device(device: str) -> str:
    """Under torchrun each process of a machine takes the GPU of its number."""
    import torch

    place = os.environ.get("LOCAL_RANK")
    if place is None or device != "cuda":
        return device
    torch.cuda.set_device(int(place))
    return f"cuda:{place}"


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
        ("keys", f"{manifest.key_kind}, {manifest.dim} x {manifest.key_dtype}"),
        ("speed", f"{seen.tokens_per_second:,.0f} tokens/s, {seen.tokens:,} tokens"),
        ("mistakes", _share(seen)),
        *((f"  {name}", _share(tally)) for name, tally in seen.by_token_type.items()),
        *((f"  from {name}", _share(tally)) for name, tally in seen.by_source.items()),
        ("content", store.content_hash[:12]),
    )


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
