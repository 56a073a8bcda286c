"""`knm eval` and `knm sweep`: how well settings do, without the bench. Thin, as `knm.cli`."""

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from knm.commands.keys import KeyOptions, TokenOptions, compare_keys_of
from knm.commands.output import JsonOption, say
from knm.commands.texts import BlockOptions, load_passed
from knm.corpora.projects import Split
from knm.errors import UserError, named
from knm.jsonio import dumps
from knm.metrics.sweep_options import ObjectiveKind, SearchKind
from knm.option_fields import Option, changed_options, options_of
from knm.options import (
    PRESET,
    CompletionLength,
    CorrectionOptions,
    EngineOptions,
    ModelOptions,
    SandboxName,
)
from knm.outputs import Output, check_outputs, file_named

JOURNAL: Final = "trials.jsonl"
WINNER: Final = "winner.yaml"
SUMMARY: Final = "sweep.json"
HEAT_MAP: Final = "heatmap.svg"


class Task(StrEnum):
    """What is to be foreseen."""

    TOKENS = "tokens"
    COMPLETION = "completion"


@dataclass(frozen=True, kw_only=True)
class CompletionOptions(BlockOptions):
    """What only `--task completion` has."""

    split: Annotated[
        Split | None, Option("of a project: the files to complete", default="test")
    ] = None


@dataclass(frozen=True, kw_only=True)
class EvaluationChoice(TokenOptions):
    """What `knm eval` measures."""

    task: Annotated[
        Task,
        Option("tokens: of programs for tasks; completion: lexemes of a project's source files"),
    ] = Task.TOKENS
    corpus: Annotated[
        Path | None,
        Option(
            "JSONL corpus, or for completion a project, which holds train, valid and test",
            "FILE|DIR",
            default="the packaged test split, dev for keys",
        ),
    ] = None
    next_line: Annotated[int, Option("complete so many lines, greedily", "N", least=0)] = 0
    seed: Annotated[int, Option("seed of where programs are cut, and of what is drawn", "N")] = 0


@dataclass(frozen=True, kw_only=True)
class SeveralPresets(CorrectionOptions):
    """A datastore, and the presets that it is searched by."""

    knn_preset: Annotated[
        list[str] | None,
        replace(PRESET, help=f"{PRESET.help}; may be given several times, each a row"),
    ] = None


@dataclass(frozen=True, kw_only=True)
class SearchOptions(TokenOptions):
    """What `knm sweep` tries, on what, and where it writes."""

    out: Annotated[Path, Option("directory of what was measured, and of the winner", "DIR")]
    corpus: Annotated[
        Path | None, Option("JSONL corpus", "FILE", default="the packaged dev split")
    ] = None
    datastore: Annotated[
        str, Option("datastore, by name or path, where the file names none", "NAME|PATH")
    ] = "embedded"
    search: Annotated[SearchKind, Option("how to choose")] = SearchKind.GRID
    trials: Annotated[
        int | None, Option("so many configurations", "N", least=1, default="all, or 50")
    ] = None
    seed: Annotated[int, Option("seed of the search", "N")] = 0
    objective: Annotated[ObjectiveKind, Option("by which token metric")] = ObjectiveKind.ACCURACY
    loss_weight: Annotated[
        float, Option("net-gain: gained tokens that make up for a lost one", "N", least=0)
    ] = 3.0
    axes: Annotated[str | None, Option("settings of the heat map", "A,B")] = None


@dataclass(frozen=True, kw_only=True)
class FinalsOptions:
    """How the best are decoded and judged."""

    finalists: Annotated[int, Option("decode and judge so many of the best", "N", least=0)] = 0
    problems: Annotated[
        str | None, Option("problem set for them; never one of the bench", "NAME|PATH|HUB_ID")
    ] = None
    sandbox: SandboxName = "local"
    max_new_tokens: CompletionLength = 512


def evaluate(
    model: ModelOptions,
    correction: SeveralPresets,
    choice: EvaluationChoice,
    completion: CompletionOptions,
    keys: KeyOptions,
    json: JsonOption = False,
) -> None:
    """Predict every token of a corpus, with and without a datastore: perplexity and accuracy.

    With --task completion, every lexeme of a project's source files: exact match, edit similarity
    and mean reciprocal rank. With --keys, how well keys tell where the LM is wrong. Without
    --datastore and --knn-preset the LM alone is measured.
    """
    if keys.keys is not None:
        alone = [one for one in changed_options(choice) if one[0] in ("task", "next_line")]
        others = [*alone, *changed_options(correction), *changed_options(completion)]
        for name, _ in others:
            raise UserError(f"{named(name)}: not with {named('keys')}, which reads no more")
        compare_keys_of(model, keys, choice, choice.corpus, choice.seed, json=json)
        return
    from knm.bench import ensure_datastore, prepare_engine
    from knm.corpora import first_passed, keep_passed, load_corpus
    from knm.datastore import Datastore, count_known
    from knm.models import check_dtype, find_model
    from knm.packaged import find_corpus
    from knm.problems import load_template, sample_prompts
    from knm.retrieval.preset_files import check_preset_name

    check_dtype(model.dtype)
    find_model(model.model)
    for name in correction.knn_preset or []:
        check_preset_name(name)
    completes = choice.task is Task.COMPLETION
    if completes:
        whole = load_passed(_source_files(choice, completion))
    else:
        for name, value in changed_options(completion):
            raise UserError(f"{named(name)} {value}: of {named('task')} completion alone")
        path = find_corpus(choice.corpus, "test")
        whole = load_corpus(path)
        keep_passed(whole, path)  # refuses one of which none did
    template = load_template(choice.prompt)
    encoding = completion.encoding()
    from knm.metrics import (
        EvaluationOptions,
        evaluate_completion,
        evaluate_corpus,
        render_completion,
        render_evaluation,
    )
    from knm.models import load_model

    shared = {
        option.name: getattr(correction, option.name) for option in options_of(CorrectionOptions)
    }
    names: list[str | None] = [*(correction.knn_preset or [])]
    if not names and any(value is not None for value in shared.values()):
        names = [None]  # the datastore's own
    presets, store = [], None
    for chosen in names:
        options = EngineOptions(**asdict(model), knn=True, knn_preset=chosen, **shared)
        setup = prepare_engine(options, Path.cwd())
        ensure_datastore(setup, say)
        assert setup.preset is not None
        assert setup.datastore is not None
        presets.append(setup.preset)
        store = setup.datastore
    loaded = load_model(model.model, dtype=model.dtype, device=model.device)
    datastore = None if store is None else Datastore.open(store, expect=loaded.identity)
    records = tuple(first_passed(whole, choice.limit))
    if completes:
        completed = evaluate_completion(
            loaded, records, encoding, datastore, presets, choice.batch_tokens
        )
        print(dumps(completed.to_json()) if json else render_completion(completed))
        return
    right = [record for record in records if record.passed]
    known = 0 if datastore is None else count_known(datastore.records, right)
    if known:
        say(
            f"{known} of {len(right)} records, or their tasks, stand in the datastore, which "
            "gives their tokens away: measure others (`knm corpus split` holds some out)"
        )
    result = evaluate_corpus(
        loaded,
        records,
        template,
        datastore,
        presets,
        EvaluationOptions(choice.batch_tokens, choice.next_line, choice.seed),
        sample_prompts(template, [(record.statement, record.language) for record in whole]),
    )
    print(dumps(result.to_json()) if json else render_evaluation(result))


def _source_files(choice: EvaluationChoice, completion: CompletionOptions) -> Path:
    """The corpus of source files that is asked for.

    Raises:
        UserError: none is, or with what is of tokens alone.
    """
    from knm.corpora import find_split

    for name, value in changed_options(choice):
        if name in ("prompt", "next_line", "seed"):
            raise UserError(f"{named(name)} {value}: of {named('task')} tokens alone")
    if choice.corpus is None:
        raise UserError(
            f"{named('task')} completion: give {named('corpus')} PROJECT, a directory with "
            "train.jsonl, valid.jsonl and test.jsonl of source files, or one such file"
        )
    if choice.corpus.is_dir():
        return find_split(choice.corpus, completion.split or Split.TEST)
    if completion.split is not None:
        raise UserError(
            f"{named('split')} {completion.split}: {choice.corpus} is no project but a file"
        )
    return choice.corpus


def sweep(
    space: Annotated[Path, typer.Argument(help="YAML file of settings, as examples/sweep.yaml.")],
    choice: SearchOptions,
    finals: FinalsOptions,
    model: ModelOptions,
    json: JsonOption = False,
) -> None:
    """Look for settings that do well on dev; run it again to resume what was interrupted.

    Writes trials.jsonl, heatmap.svg, sweep.json and winner.yaml, a preset for --knn-preset.
    """
    from knm.embedded.tuning_data import refuse_bench, refuse_test_split
    from knm.models import check_dtype, find_model
    from knm.packaged import find_corpus
    from knm.problems import load_problems, load_template, problems_path, sample_prompts

    # 1. Everything that can be wrong is, before anything is loaded.
    if (finals.finalists > 0) != (finals.problems is not None):
        raise UserError(
            "--finalists N and --problems SET go together: draw problems with `knm problems "
            "generate --split dev --out FILE`"
        )
    if not space.is_file():
        raise UserError(f"{space}: no such file; give one such as examples/sweep.yaml")
    check_dtype(model.dtype)
    template = load_template(choice.prompt)
    path = find_corpus(choice.corpus, "dev")
    files = tuple(choice.out / name for name in (JOURNAL, WINNER, SUMMARY, HEAT_MAP))
    asked_of = finals.problems and problems_path(finals.problems)
    inputs = (space, path, find_model(model.model), asked_of, file_named(choice.prompt))
    check_outputs([Output("--out", files)], inputs)
    whole = load_passed(path)
    records = whole[: choice.limit]
    refuse_test_split(records)
    from knm.metrics import SEARCHES, read_space

    choices = read_space(space, choice.datastore)
    check_outputs([Output("--out", files)], (file_named(choices.preset), *choices.datastores))
    proposals = SEARCHES[choice.search](choices, choice.trials, choice.seed)
    from knm.bench import ensure_datastore, prepare_engine
    from knm.journal import Journal
    from knm.jsonio import write_json
    from knm.judging.trials import TrialSettings
    from knm.metrics import (
        Finals,
        Objective,
        Sweep,
        SweepData,
        choose_axes,
        render_sweep,
        write_heat_map,
    )
    from knm.models import load_model
    from knm.retrieval import write_preset

    pair = choose_axes(choices, choice.axes)
    decoded = None
    if finals.problems is not None:
        problem_set = load_problems(finals.problems)
        refuse_bench(problem_set)
        settings = TrialSettings(prompt=choice.prompt, max_new_tokens=finals.max_new_tokens)
        decoded = Finals(problem_set, finals.finalists, finals.sandbox, settings)
    stores = {}
    for name in choices.datastores:
        options = EngineOptions(**asdict(model), knn=True, datastore=name)
        setup = prepare_engine(options, Path.cwd())
        ensure_datastore(setup, say)
        assert setup.datastore is not None
        stores[name] = setup.datastore

    # 2. Try, and decode the best.
    loaded = load_model(model.model, dtype=model.dtype, device=model.device)
    asked = sample_prompts(template, [(record.statement, record.language) for record in whole])
    data = SweepData(loaded, records, template, choice.batch_tokens, tuple(asked))
    with Journal(choice.out / JOURNAL, "a sweep") as journal:
        result = Sweep(choices, data, stores, journal).run(
            proposals, Objective(choice.objective, choice.loss_weight), decoded
        )

    # 3. Say what came of it.
    write_preset(choice.out / WINNER, result.preset("winner"))
    write_json(choice.out / SUMMARY, result.to_json())
    if pair is not None:
        write_heat_map(result, pair, choice.out / HEAT_MAP)
    print(dumps(result.to_json()) if json else render_sweep(result))
    if not json:
        print(f"\n{choice.out / WINNER}: over datastore {result.winner.point.datastore}")
