"""Mining trials: each becomes an entry whose key is the state before the token that was tried."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from knm.datastore.arrays import PROVENANCE_DTYPE, VALUE_DTYPE, decode_keys, encode_keys
from knm.datastore.domain import domain_of
from knm.datastore.examples import ListedExamples
from knm.datastore.manifest import MANIFEST_NAME, Manifest, TrialsInfo
from knm.datastore.mining import fresh_manifest, mined_batches
from knm.datastore.mining_options import MiningOptions
from knm.datastore.project import principal_axes
from knm.datastore.projection import WHITENING, Projection
from knm.datastore.store import Array, Datastore
from knm.datastore.trial_calibration import calibrate_trials
from knm.datastore.trials import ExploredProblem, TrialOptions, load_trials
from knm.datastore.writer import Rows, check_resumable, open_writer
from knm.errors import UserError, named
from knm.hashing import hash_file
from knm.models import EncodedExample, LoadedModel, ModelIdentity, parse_key_kind
from knm.models.words import token_words


def mine_trials(
    loaded: LoadedModel,
    path: Path,
    directory: Path,
    options: MiningOptions,
    trial_options: TrialOptions,
) -> Datastore:
    """Fill the datastore in `directory` with the trials in the file `path`, and calibrate it.

    Keys are whitened to at most `dim` dimensions, as many as they vary in, and have length 1. What
    was interrupted goes on; a finished datastore is left alone. All positions are read, whatever
    `options` say of them.

    Raises:
        UserError: the file is malformed or of another model, `directory` holds what was made from
            something else, or the model gives states that are not finite.
    """
    # 1. The trials, and what is there of their datastore.
    options = replace(options, positions="all", capacity=None, preset=None)
    header, problems = load_trials(path)
    _check_model(path, header.model, loaded)
    problems = [problem for problem in problems if problem.trials]
    _check_tokens(path, problems, loaded)
    source = ListedExamples([_example(problem) for problem in problems], hash_file(path))
    about = {
        "trials": {"prompt": header.prompt, "settings": header.settings, **asdict(trial_options)}
    }
    manifest = fresh_manifest(loaded, source, options)
    manifest = replace(
        manifest,
        mining={**manifest.mining, **about},
        capacity=sum(len(problem.completion_ids) for problem in problems),
        trials=TrialsInfo(len(problems), 0, 0, 0, 0, None),
        likely=False,  # what is written in the LM's place is decided by outcomes
    )
    begun = _begun(directory, manifest)
    if begun is not None and begun.finished:
        return Datastore.open(directory, expect=loaded.identity)

    # 2. The states before the tokens that were tried, one forward pass for each problem.
    states = _read_states(loaded, source, options, problems)
    # What is on disk may be projected already, and a GPU need not give the same states again.
    projection = (
        _whitening(states.keys, trial_options.dim)
        if begun is None or begun.projection is None
        else Projection.load(directory, begun.projection)
    )
    manifest = replace(manifest, projection=projection.info, dim=projection.info.dim)

    # 3. An entry for each trial.
    with open_writer(directory, manifest, source.origins(), projection=projection) as writer:
        if writer is not None:
            if not writer.examples_done:
                keys = encode_keys(projection.apply(states.keys), options.key_dtype)
                writer.commit(_rows(loaded, problems, states, keys), len(problems))
            measure = partial(calibrate_trials, device=loaded.device)
            writer.finish(measure, domain_of(source, loaded.tokenizer))
    return Datastore.open(directory, expect=loaded.identity)


def _check_model(path: Path, explored: ModelIdentity, loaded: LoadedModel) -> None:
    for what, theirs, ours in explored.differences(loaded.identity):
        raise UserError(
            f"{path}: explored with another model: its {what} {theirs!r} ({explored.name}), the "
            f"model's {ours!r} ({loaded.identity.name}): give {named('model')} the one it was "
            "explored with"
        )


def _check_tokens(path: Path, problems: Sequence[ExploredProblem], loaded: LoadedModel) -> None:
    size = loaded.identity.vocab_size
    for problem in problems:
        tokens = (
            *problem.prompt_ids,
            *problem.completion_ids,
            *(trial.token for trial in problem.trials),
        )
        if max(tokens) >= size:
            raise UserError(
                f"{path}: problem {problem.id!r}: token {max(tokens)}, and the model has {size}: "
                "the file is of another model, or damaged"
            )


def _example(problem: ExploredProblem) -> EncodedExample:
    """A problem's prompt and the LM's own program, up to the last token that was tried at."""
    last = max(trial.position for trial in problem.trials)
    return EncodedExample(
        problem.id,
        problem.prompt_ids + problem.completion_ids[: last + 1],
        len(problem.prompt_ids),
        group=problem.of_problem or problem.id,
    )


def _begun(directory: Path, fresh: Manifest) -> Manifest | None:
    """The manifest of what is there, which must have been made from the same; None for nothing."""
    if not (directory / MANIFEST_NAME).exists():
        return None
    begun = Manifest.load(directory)
    check_resumable(directory, begun, replace(fresh, projection=begun.projection, dim=begun.dim))
    return begun


@dataclass(frozen=True)
class _States:
    """What the LM was at the n positions with trials, each in `places` as (problem, position).

    `keys` (n, H) float32, `probability` (n,) float32 of its likeliest token.
    """

    places: Mapping[tuple[int, int], int]
    keys: Array
    probability: Array


def _read_states(
    loaded: LoadedModel,
    source: ListedExamples,
    options: MiningOptions,
    problems: Sequence[ExploredProblem],
) -> _States:
    tried = sorted(
        {
            (number, trial.position)
            for number, problem in enumerate(problems)
            for trial in problem.trials
        }
    )
    places = {place: row for row, place in enumerate(tried)}
    starts = np.array([len(problem.prompt_ids) for problem in problems])
    width = parse_key_kind(options.key_kind).width(loaded.identity.hidden_size)
    keys = np.empty((len(places), width), np.float32)
    probability = np.empty(len(places), np.float32)
    with mined_batches(loaded, source, options) as batches:
        for _, mined in batches:
            mined.wait()
            where = mined.rows.provenance
            position = where["offset"] - starts[where["record"]]
            found = [
                places.get(place, -1)
                for place in zip(where["record"].tolist(), position.tolist(), strict=True)
            ]
            rows = np.flatnonzero(np.array(found) >= 0)
            into = np.array(found)[rows]
            keys[into] = decode_keys(mined.rows.keys[rows])
            probability[into] = where["probability"][rows]
    return _States(places, keys, probability)


def _whitening(keys: Array, dim: int) -> Projection:
    """To at most `dim` dimensions, in which keys (n, H) have variance 1 before they are scaled.

    Raises:
        UserError: all keys are the same.
    """
    axes = principal_axes(lambda: iter([keys.astype(np.float64)]))
    dim = min(dim, axes.real)
    if not dim:
        raise UserError("trials at one position only tell nothing: explore more problems")
    return axes.projection(WHITENING, dim, whiten=True)


def _rows(
    loaded: LoadedModel, problems: Sequence[ExploredProblem], states: _States, keys: Array
) -> Rows:
    """The entries, problem by problem and from front to back, of a position the likeliest first.

    `keys` (n, d) as stored, of the positions.
    """
    trials = [
        (number, trial)
        for number, problem in enumerate(problems)
        for trial in sorted(problem.trials, key=lambda each: (each.position, -each.probability))
    ]
    words = token_words(loaded.tokenizer, loaded.identity.vocab_size)
    provenance = np.zeros(len(trials), PROVENANCE_DTYPE)
    places = np.empty(len(trials), np.int64)
    for row, (number, trial) in enumerate(trials):
        problem = problems[number]
        before = problem.prompt_ids + problem.completion_ids[: trial.position]
        places[row] = states.places[number, trial.position]
        provenance[row] = (
            number,
            len(before),
            problem.completion_ids[trial.position],
            states.probability[places[row]],
            bool((words[list(before)] == words[trial.token]).any()),
            problem.outcome(trial),
            problem.crash(trial),
        )
    values = np.array([trial.token for _, trial in trials], VALUE_DTYPE)
    return Rows(keys[places], values, provenance)
