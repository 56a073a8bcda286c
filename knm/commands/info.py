"""`knm info`: what a datastore holds and what it was made from."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from knm.commands.output import JsonOption, print_table
from knm.errors import UserError
from knm.jsonio import dumps
from knm.option_fields import spell_flag
from knm.outputs import Output, check_outputs

if TYPE_CHECKING:
    from knm.datastore import Datastore, DistanceSummary, IndexInfo, Manifest
    from knm.datastore.figures import Description
    from knm.datastore.manifest import OutcomePolicy, Reliability, TrialsInfo

_HARDLY: Final = 0.05  # of the mistakes; a datastore that `trusted` mends less of gains nothing
_LIKELY: Final = "stored, as the LM said it at each entry"
_NOT_LIKELY: Final = "not stored: preset residual asks the output head, for final-norm keys alone"
_OTHERWISE: Final = "where it leaves the LM alone, preset residual may not"


def info(
    datastore: Annotated[Path, typer.Argument(help="Directory of the datastore.")],
    picture: Annotated[
        Path | None, typer.Option(help="Also draw distances and token types (.svg or .png).")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Where the model's tokenizer is, if not where it was.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show what a datastore holds and what it was made from."""
    from dataclasses import asdict

    from knm.datastore import Datastore
    from knm.datastore.figures import describe_datastore

    store = Datastore.open(datastore)
    if picture is not None:
        from knm.report.page.export import check_picture

        check_picture(picture)
        check_outputs([Output("--picture", (picture,))])
    texts, why_none = _texts(store, model)
    described = describe_datastore(store, texts)
    if picture is not None:
        from knm.report.page.datastore import draw_datastore
        from knm.report.page.export import write_chart

        scene = draw_datastore(datastore.name, store.manifest.calibration, described.token_types)
        write_chart(scene, picture)
    if json:
        print(dumps({**asdict(store.manifest), **asdict(described)}))
        return
    print_table(("datastore", datastore), *_rows(store.manifest, described, why_none))


def _texts(store: "Datastore", model: str | None) -> tuple[Mapping[int, str] | None, str]:
    """How stored values are written, or why that is not known."""
    import numpy as np

    from knm.languages.vocabulary import token_texts
    from knm.models.tokenization import open_tokenizer

    try:
        tokenizer = open_tokenizer(store.manifest.model, model)
    except UserError as error:
        if model is not None:
            raise
        return None, error.worded(spell_flag)
    return token_texts(tokenizer, np.unique(store.values)), ""


def _rows(
    manifest: "Manifest", described: "Description", why_none: str
) -> Iterator[tuple[str, Any]]:
    share = "" if described.utilisation is None else f" ({described.utilisation:.1%})"
    if manifest.trials is None:
        yield "entries", f"{manifest.count} of {manifest.capacity} positions{share}"
        yield "mistakes", f"{described.mistakes} of the entries"
    else:
        yield "trials", _trials(manifest.count, manifest.trials)
        yield "policy", _policy(manifest.trials.policy)
    yield "records", described.records
    yield "sources", _counts(described.sources, manifest.count)
    yield "keys", f"{manifest.key_kind}, {manifest.dim} x {manifest.key_dtype}"
    if manifest.trials is None:
        yield "likeliest", _LIKELY if manifest.likely else _NOT_LIKELY
    if (projection := manifest.projection) is not None:
        what = f"{projection.kind}, {projection.source_dim} to {projection.dim} dimensions"
        yield "projection", f"{what} ({projection.hash[:12]})"
    yield "size", f"{sum(described.bytes.values()):,} bytes"
    yield "model", f"{manifest.model.name} ({manifest.model.weights_hash[:12]})"
    yield "corpus", manifest.corpus_hash[:12]
    yield "content", (manifest.content_hash or "")[:12]
    types = described.token_types
    yield (
        "token types",
        f"not known: {why_none}" if types is None else _counts(types, manifest.count),
    )
    if manifest.preset is not None:
        yield "preset", f"{manifest.preset}, if nobody says another"
    if manifest.calibration is not None and manifest.trials is None:
        yield "at mistakes", _distances(manifest.calibration.mistakes)
        yield "where right", _distances(manifest.calibration.correct)
        yield "trusted", _trust(manifest.calibration.reliability)
    if manifest.programs is not None:
        yield "programs", manifest.programs
    for name, index in manifest.indexes.items():
        yield f"index {name}", _index(index)
    for entry in manifest.lineage:
        given = ", ".join(f"{name} {_short(value)}" for name, value in entry["arguments"].items())
        parents = ", ".join(parent["content_hash"][:12] for parent in entry["parents"])
        yield f"by {entry['operation']}", f"{given or '-'}; of {parents}"


def _trials(count: int, trials: "TrialsInfo") -> str:
    return (
        f"{count} of {trials.problems} problems: {trials.gained} gained, {trials.lost} lost; "
        f"{trials.mended} mended a crash, {trials.broken} made one"
    )


def _policy(policy: "OutcomePolicy | None") -> str:
    if policy is None:
        return "none that is worth it: the LM is left alone"
    return (
        f"measured +{policy.gained} -{policy.lost} of {policy.problems} problems, {policy.fired} "
        f"written otherwise: where {policy.k} trials score above {policy.threshold:g}"
    )


def _trust(reliability: "Reliability | None") -> str:
    if reliability is None:
        return "not known: it takes entries where the LM was wrong, and where it was right"
    if not reliability.weight:
        return f"not at all: corrections would spoil more than they mend; {_OTHERWISE}"
    told = (
        f"weight {reliability.weight:g} up to a squared distance of {reliability.distance:.4g}; "
        f"mends {reliability.fixed:.1%} of mistakes, spoils {reliability.broken:.2%} of the rest"
    )
    return f"{told}; {_OTHERWISE}" if reliability.fixed < _HARDLY else told


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)[:12] if isinstance(value, str) else str(value)


def _counts(counts: Mapping[str, int], total: int) -> str:
    shown = [f"{name} {number} ({number / total:.1%})" for name, number in counts.items() if number]
    return ", ".join(shown) or "none"


def _distances(summary: "DistanceSummary | None") -> str:
    if summary is None:
        return "nothing to measure"
    quantiles = " ".join(f"{value:.4g}" for value in summary.quantiles.values())
    points = "/".join(f"{float(point):.0%}" for point in summary.quantiles)
    return (
        f"squared distance to the nearest of other records {quantiles} ({points}); right in "
        f"{summary.nearest_right:.1%} of {summary.sampled}"
    )


def _index(index: "IndexInfo") -> str:
    names = ("nlist", "nprobe", "m", "nbits", "ef", "refine")
    options = [f"{name} {value}" for name in names if (value := getattr(index, name)) is not None]
    return ", ".join([f"recall@16 {index.recall_at_16:.3f}", *options])
