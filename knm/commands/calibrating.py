"""`knm calibrate`: by single tokens, or by whole programs of problems."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from knm.commands.output import JsonOption, print_table
from knm.errors import UserError, named
from knm.jsonio import dumps
from knm.option_fields import Option, changed_options
from knm.options import (
    BATCH,
    CompletionLength,
    LanguageName,
    ModelName,
    SandboxName,
    TemplateName,
    Workers,
)
from knm.outputs import Output, check_output_directory, check_outputs, file_named

if TYPE_CHECKING:
    from knm.datastore import Datastore
    from knm.metrics.program_calibration import ProgramChoice
    from knm.metrics.space import Space

ADAPTOR_SAMPLE: Final = 10_000
PROBLEM_SAMPLE: Final = 400
JOURNAL: Final = "programs.jsonl"


@dataclass(frozen=True, kw_only=True)
class ProgramOptions:
    """Which problems a datastore is measured on, and how they are decoded and judged."""

    problems: Annotated[
        str | None,
        Option(
            "choose the weight by whole programs of these training problems; their own records are "
            "left out meanwhile",
            "NAME|PATH|HUB_ID",
        ),
    ] = None
    model: ModelName = "embedded"
    dtype: Annotated[
        str | None, Option("dtype of the model, as in mining", "NAME", default="by device")
    ] = None
    corpus: Annotated[
        Path | None,
        Option(
            "what the datastore was mined from: also leave out what has a problem's statement or "
            "program",
            "FILE",
        ),
    ] = None
    space: Annotated[
        Path | None,
        Option(
            "settings to try, as examples/sweep.yaml",
            "FILE",
            default="residual, 3 values of eta x 2 temperatures",
        ),
    ] = None
    price: Annotated[float, Option("gained problems that make up for a lost one", "N", least=0)] = (
        1.0
    )
    out: Annotated[
        Path | None,
        Option(
            "where what was decoded is kept; run again to resume",
            "DIR",
            default="DATASTORE-calibration",
        ),
    ] = None
    write_preset: Annotated[
        Path | None, Option("also write the choice as a preset for --knn-preset", "FILE.yaml")
    ] = None
    prompt: TemplateName = "task"
    language: LanguageName = "lua"
    max_new_tokens: CompletionLength = 512
    batch_size: Annotated[int, BATCH] = 32
    sandbox: SandboxName = "local"
    workers: Workers = None


def calibrate(
    datastore: Annotated[Path, typer.Argument(help="Directory of the datastore.")],
    programs: ProgramOptions,
    device: Annotated[
        str | None,
        typer.Option(
            help="Where neighbours are searched (default: cpu), and with --problems the model "
            "computes (default: a GPU if there is one)."
        ),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            min=10,
            help="Entries of each kind that the adaptor learns from (default: 10000), or problems "
            "(default: 400).",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the adaptor, or of the problems drawn.")] = 0,
    json: JsonOption = False,
) -> None:
    """Measure how far a datastore can be trusted, and train the adaptor of preset `learned`.

    With --problems, choose the weight of a preset by whole programs of training problems instead.
    """
    from knm.datastore import Datastore

    if programs.problems is not None:
        _by_programs(datastore, programs, device, sample or PROBLEM_SAMPLE, seed, json=json)
        return
    for name, value in changed_options(programs):
        raise UserError(
            f"{named(name)} {value}: has no effect without {named('problems')}: add it, or leave "
            "this out"
        )
    store = Datastore.open(datastore)
    check_output_directory("datastore", datastore)
    _by_tokens(store, device or "cpu", sample or ADAPTOR_SAMPLE, seed, json=json)


def _by_tokens(store: "Datastore", device: str, sample: int, seed: int, *, json: bool) -> None:
    import torch

    from knm.datastore.calibration import calibrate as measure
    from knm.models import resolve_placement
    from knm.retrieval.adapting import AdaptorOptions, train_adaptor

    datastore = store.path
    where = torch.device(resolve_placement(device, None).device)
    manifest = replace(store.manifest, calibration=measure(store, where))
    manifest.save(datastore)
    adaptor = train_adaptor(
        replace(store, manifest=manifest), where, AdaptorOptions(sample=sample, seed=seed)
    )
    adaptor.save(datastore)
    calibration = manifest.calibration
    assert calibration is not None
    if json:
        print(dumps({"calibration": asdict(calibration), "adaptor": adaptor.figures}))
        return
    reliability = calibration.reliability
    assert reliability is not None
    print_table(
        ("datastore", datastore),
        ("weight bound", reliability.weight),
        ("trusted up to", f"{reliability.distance:.4g} (squared L2)"),
        ("mistakes mended", f"{reliability.fixed:.1%}"),
        ("right ones spoilt", f"{reliability.broken:.2%}"),
        ("loss of the LM", f"{adaptor.figures['loss_lm']:.4f} nats"),
        ("loss, static 0.9", f"{adaptor.figures['loss_static']:.4f} nats"),
        ("loss, learned", f"{adaptor.figures['loss_learned']:.4f} nats"),
        ("mean weight", f"{adaptor.figures['mean_weight']:.3f}"),
    )


def _by_programs(
    datastore: Path,
    choice: ProgramOptions,
    device: str | None,
    sample: int,
    seed: int,
    *,
    json: bool,
) -> None:
    from knm.datastore import Datastore
    from knm.embedded.tuning_data import refuse_bench
    from knm.models import check_dtype, find_model, resolve_placement
    from knm.packaged import find_corpus
    from knm.problems import Selection, load_problems, load_template, problems_path
    from knm.retrieval.preset_files import is_preset_file

    # 1. Everything that can be wrong is, before anything is loaded.
    assert choice.problems is not None
    store = Datastore.open(datastore)
    check_dtype(choice.dtype)
    load_template(choice.prompt)
    out = choice.out or datastore.with_name(f"{datastore.name}-calibration")
    inputs = (
        datastore,
        choice.corpus,
        choice.space,
        find_model(choice.model),
        problems_path(choice.problems),
        file_named(choice.prompt),
    )
    check_output_directory("datastore", datastore)
    check_output_directory(named("out"), out, inputs)
    if choice.write_preset is not None:
        if not is_preset_file(choice.write_preset.name):
            raise UserError(
                f"{named('write_preset')} {choice.write_preset}: give a name that ends in .yaml"
            )
        check_outputs([Output(named("write_preset"), (choice.write_preset,))], inputs)
    problem_set = load_problems(
        choice.problems, Selection(sample_problems=sample, sample_seed=seed)
    )
    refuse_bench(problem_set)
    from knm.journal import Journal
    from knm.judging.trials import TrialSettings
    from knm.metrics.program_calibration import (
        Programs,
        choose_by_programs,
        keep_choice,
        without_problems,
    )
    from knm.models import load_model
    from knm.retrieval import write_preset

    space = _space(choice.space)
    for values in space.grid():  # one that is impossible is told now
        space.point(values).preset.check_store(store.path, store.manifest)
    where = resolve_placement(device, choice.dtype).device

    # 2. Leave out, decode and judge.
    corpus = choice.corpus and find_corpus(choice.corpus)
    others = without_problems(store, problem_set, out, corpus=corpus, device=where)
    loaded = load_model(choice.model, dtype=choice.dtype, device=device)
    others = Datastore.open(others.path, expect=loaded.identity)
    settings = TrialSettings(
        prompt=choice.prompt,
        language=choice.language,
        max_new_tokens=choice.max_new_tokens,
        batch_size=choice.batch_size,
    )
    measured = Programs(loaded, others, problem_set, settings, choice.sandbox, choice.workers)
    with Journal(out / JOURNAL, "a calibration") as journal:
        chosen = choose_by_programs(measured, space, journal, choice.price)

    # 3. Keep and say what came of it.
    keep_choice(store, chosen.calibration)
    if choice.write_preset is not None:
        write_preset(choice.write_preset, replace(chosen.preset, name=choice.write_preset.stem))
    _show(store, others, chosen, json=json)


def _space(path: Path | None) -> "Space":
    """The settings to try.

    Raises:
        UserError: there is no such file, it is malformed, or names datastores.
    """
    from knm.metrics.program_calibration import DEFAULT_SPACE
    from knm.metrics.space import parse_space, read_space

    here = "calibrated"
    if path is None:
        return parse_space(DEFAULT_SPACE, "the default space", here)
    space = read_space(path, here)
    if space.datastores != (here,):
        raise UserError(
            f"{path}: datastores: the one that is calibrated is given already; remove the field"
        )
    return space


def _show(store: "Datastore", others: "Datastore", chosen: "ProgramChoice", *, json: bool) -> None:
    left_out = len(store) - len(others)
    if json:
        tried = [
            {"settings": dict(settings), "gained": each.gained, "lost": each.lost}
            for settings, each in chosen.tried
        ]
        told = {"left_out": left_out, "faults": chosen.faults, "tried": tried}
        print(dumps({"programs": asdict(chosen.calibration), **told}))
        return
    print_table(
        ("datastore", store.path),
        ("left out", f"{left_out:,} of {len(store):,} entries, of these problems"),
        ("without verdict", f"{chosen.faults} problems"),
        *(
            (
                " ".join(f"{name} {value}" for name, value in settings.items()),
                f"+{each.gained} -{each.lost}",
            )
            for settings, each in chosen.tried
        ),
        ("chosen", chosen.calibration),
    )
