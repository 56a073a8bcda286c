"""`knm datastore`: making datastores from datastores, and `knm index`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from knm.commands.info import info
from knm.commands.output import JsonOption, say
from knm.commands.parameters import Commands
from knm.datastore import Datastore, IndexKind, IndexOptions, build_index
from knm.datastore.arrays import KEY_DTYPES
from knm.datastore.faiss_kinds import check_options
from knm.errors import UserError, named
from knm.outputs import check_output_directory, file_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knm.models import EncodedExample

datastore_app = Commands(
    no_args_is_help=True,
    help="Edit datastores. Each result is a new directory, calibrated again, whose manifest tells "
    "what was done to which datastores. An interrupted edit resumes when it is run again.",
)

SourceArgument = Annotated[Path, typer.Argument(help="Directory of the datastore.")]
OutOption = Annotated[Path, typer.Option(help="Directory of the result.")]
DeviceOption = Annotated[str, typer.Option(help="Where distances are computed: cpu, cuda.")]
SeedOption = Annotated[int, typer.Option(help="Seed of the draw.")]


@datastore_app.command()
def merge(
    datastores: Annotated[list[Path], typer.Argument(help="Directories of the datastores.")],
    out: OutOption,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
) -> None:
    """Make one datastore of several that belong to one model and one kind of key."""
    from knm.datastore.edit import merge_datastores

    sources = [_open(path, out, device) for path in datastores]
    merge_datastores(sources, out, device=device, notify=say)
    info(out, json=json)


@datastore_app.command("import")
def import_files(
    keys: Annotated[Path, typer.Argument(help="File of the keys: .npy, or a plain array.")],
    values: Annotated[Path, typer.Argument(help="File of the values, likewise.")],
    out: OutOption,
    model: Annotated[str, typer.Option(help="Model that the keys are of: name, path or hub id.")],
    key_kind: Annotated[
        str, typer.Option(help="What the keys are: final-norm, last-layer, last-mlp-input ...")
    ],
    index: Annotated[Path | None, typer.Option(help="Faiss index of these keys.")] = None,
    rows: Annotated[
        int | None, typer.Option(min=1, help="Rows of plain arrays, or only the first so many.")
    ] = None,
    key_dtype: Annotated[str, typer.Option(help="Stored as float16 or bfloat16.")] = "float16",
    json: JsonOption = False,
) -> None:
    """Make a datastore of keys, values and index that another kNN-LM program left."""
    from knm.datastore.importing import ImportOptions, import_datastore, import_index
    from knm.models import find_model, identify_model

    if key_dtype not in KEY_DTYPES:
        raise UserError(f"{named('key_dtype')} {key_dtype}: choose one of {', '.join(KEY_DTYPES)}")
    check_output_directory("--out", out, (keys, values, index, find_model(model)))
    identity = identify_model(model, "float32")
    imported = import_datastore(
        keys, values, out, ImportOptions(identity, key_kind, key_dtype, rows)
    )
    if imported.unused:
        say(f"left out {imported.unused} rows at the end, whose keys are all zeros")
    if index is not None:
        import_index(imported.datastore, index)
    info(out, json=json)


@datastore_app.command("filter")
def filter_entries(
    datastore: SourceArgument,
    out: OutOption,
    source: Annotated[
        list[str] | None, typer.Option(help="Only records of this source; may be repeated.")
    ] = None,
    record: Annotated[
        list[str] | None, typer.Option(help="Only this corpus record; may be repeated.")
    ] = None,
    token_type: Annotated[
        list[str] | None,
        typer.Option(
            help="Only values of this type (keyword, operator, identifier, literal, whitespace, "
            "other); may be repeated."
        ),
    ] = None,
    newest: Annotated[
        int | None, typer.Option(min=1, help="Only the last N records, by the order of the corpus.")
    ] = None,
    drop_records: Annotated[
        Path | None,
        typer.Option(
            help="Leave out the records of a list, an id a line (`knm blame` writes one)."
        ),
    ] = None,
    drop_python: Annotated[
        bool,
        typer.Option(
            "--drop-python", help="Leave out entries in syntax of another language (def, !=, +=)."
        ),
    ] = False,
    corpus: Annotated[
        Path | None,
        typer.Option(help="With --drop-python: the mined corpus, to read whole programs."),
    ] = None,
    prompt: Annotated[str, typer.Option(help="Prompt template it was mined with.")] = "task",
    model: Annotated[
        str | None, typer.Option(help="Where the model's tokenizer is, if not where it was.")
    ] = None,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
) -> None:
    """Keep the entries that pass all the rules given."""
    from knm.datastore.filter import FilterRules, filter_datastore, stored_texts
    from knm.models.tokenization import open_tokenizer

    store = _open(datastore, out, device, drop_records, corpus, file_named(prompt), model)
    rules = FilterRules(
        sources=source or (),
        records=record or (),
        token_types=token_type or (),
        newest=newest,
        drop_records=() if drop_records is None else _read_lines(drop_records),
        drop_foreign=drop_python,
    )
    examples = None if corpus is None else _read_examples(store, corpus, prompt, model)

    def texts() -> "Mapping[int, str]":
        return stored_texts(store, open_tokenizer(store.manifest.model, model), examples)

    filter_datastore(store, out, rules, texts=texts, corpus=examples, device=device)
    info(out, json=json)


def _open(path: Path, out: Path, device: str, *inputs: Path | str | None) -> Datastore:
    """The datastore to be edited, where the result can be written and the device is there."""
    from knm.models import resolve_placement

    store = Datastore.open(path)
    check_output_directory("--out", out, (path, *inputs))
    if device != "cpu":
        resolve_placement(device, None)
    return store


def _read_lines(path: Path) -> list[str]:
    if not path.is_file():
        raise UserError(f"--drop-records {path}: no such file")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"--drop-records {path}: not UTF-8 text ({error})") from None
    return [line.strip() for line in lines if line.strip()]


@datastore_app.command()
def dedup(
    datastore: SourceArgument,
    out: OutOption,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0, help="Squared distance that counts as equal, in median mistake distances."
        ),
    ] = 0.01,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
) -> None:
    """Leave out entries whose value an earlier one holds at nearly the same key."""
    source = _open(datastore, out, device)
    from knm.datastore.thin import deduplicate_datastore

    deduplicate_datastore(source, out, tolerance=tolerance, device=device)
    info(out, json=json)


def index(
    datastore: SourceArgument,
    kind: Annotated[IndexKind, typer.Option(help="Flat is exact, the others approximate.")],
    nlist: Annotated[int | None, typer.Option(help="ivf, ivf-pq: how many lists.")] = None,
    nprobe: Annotated[int | None, typer.Option(help="ivf, ivf-pq: lists searched.")] = None,
    m: Annotated[
        int | None, typer.Option("--m", help="ivf-pq: codes of a key; hnsw: links of a key.")
    ] = None,
    nbits: Annotated[int | None, typer.Option(help="ivf-pq: bits of a code.")] = None,
    ef: Annotated[int | None, typer.Option(help="hnsw: keys in view while searching.")] = None,
    refine: Annotated[
        int | None, typer.Option(help="ivf-pq: candidates measured exactly, a neighbour.")
    ] = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Build a Faiss index of a datastore and measure its recall."""
    options = IndexOptions(nlist, nprobe, m, nbits, ef, refine, seed)
    check_options(kind, options)
    store = Datastore.open(datastore)
    check_output_directory("datastore", datastore)
    build_index(store, kind, options)
    info(datastore, json=json)


class Unit(StrEnum):
    """What a sample draws."""

    ENTRY = "entry"
    RECORD = "record"


@datastore_app.command()
def sample(
    datastore: SourceArgument,
    out: OutOption,
    count: Annotated[int | None, typer.Option(help="How many.")] = None,
    share: Annotated[float | None, typer.Option(help="Which share, above 0 and up to 1.")] = None,
    by: Annotated[Unit, typer.Option(help="Draw single entries or whole records.")] = Unit.ENTRY,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
) -> None:
    """Keep entries, or corpus records, drawn at random."""
    from knm.datastore.edit import sample_datastore

    sample_datastore(
        _open(datastore, out, device),
        out,
        count=count,
        share=share,
        by_record=by is Unit.RECORD,
        seed=seed,
        device=device,
    )
    info(out, json=json)


@datastore_app.command()
def pca(
    datastore: SourceArgument,
    out: OutOption,
    dim: Annotated[int, typer.Option(min=1, help="Dimensions to keep.")],
    whiten: Annotated[
        bool, typer.Option("--whiten", help="Give each dimension the same variance.")
    ] = False,
    training_rows: Annotated[int, typer.Option(help="Entries to train on, at most.")] = 65_536,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
) -> None:
    """Project keys to fewer dimensions; queries follow when they are searched."""
    source = _open(datastore, out, device)
    from knm.datastore.project import PCAOptions, pca_datastore

    options = PCAOptions(dim, whiten, training_rows, seed)
    pca_datastore(source, out, options, device=device)
    info(out, json=json)


def _read_examples(
    store: Datastore, corpus: Path, prompt: str, model: str | None
) -> "Mapping[str, EncodedExample]":
    from knm.corpora import load_corpus
    from knm.models import encode_corpus, load_tokenizer
    from knm.packaged import find_corpus
    from knm.problems import load_template

    tokenizer = load_tokenizer(store.manifest.model, model)
    examples = encode_corpus(tokenizer, load_corpus(find_corpus(corpus)), load_template(prompt))
    return {example.record_id: example for example in examples}


@datastore_app.command()
def condense(
    datastore: SourceArgument,
    out: OutOption,
    share: Annotated[float, typer.Option(help="Share of the entries to keep.")] = 0.25,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
) -> None:
    """Leave out what others say nearly at the same place, mistakes last, down to a share."""
    source = _open(datastore, out, device)
    from knm.datastore.thin import condense_datastore

    condense_datastore(source, out, share=share, device=device)
    info(out, json=json)
