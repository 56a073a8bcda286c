"""`knm calibrate --problems`: how a datastore of tokens is best used, measured on whole programs.

Training problems are decoded and judged by the LM alone and by each setting, over the datastore
without what is of these very problems. The choice is counted on problems that did not make it
(`knm.datastore.choosing`), nor were made of one that did. What was decoded stands in a journal and
is not decoded again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from knm.codec import to_json
from knm.corpora import decontaminate_stream, stream_corpus
from knm.datastore import Datastore, Manifest
from knm.datastore.choosing import Firings, best_choice, measured_on_others
from knm.datastore.edit import select_rows
from knm.datastore.manifest import ProgramCalibration
from knm.engine.devices import freeing_engines
from knm.errors import UserError, named
from knm.hashing import hash_bytes, hash_json
from knm.journal import Journal
from knm.judging.trials import TrialSettings, judge_in_parts
from knm.metrics.space import Point, Space
from knm.metrics.subject import determinants
from knm.models import LoadedModel
from knm.problems import ProblemSet
from knm.report import ProblemResult
from knm.retrieval import Preset, Retriever

DEFAULT_SPACE: Final[Mapping[str, Any]] = {
    "preset": "residual",
    "space": {"fusion_options.eta": [3.0, 6.0, 12.0], "temperature_scale": [0.3, 1.0]},
}
_TOGETHER: Final = 128  # problems: what a killed run loses at most


@dataclass(frozen=True)
class Programs:
    """What problems are decoded by: model, datastore without them, and how they are judged."""

    loaded: LoadedModel
    store: Datastore
    problems: ProblemSet
    settings: TrialSettings
    sandbox: str
    workers: int | None = None


@dataclass(frozen=True)
class ProgramChoice:
    """The outcome: what the manifest keeps, the preset it stands for, and what each setting did.

    `tried` holds gained and lost of all problems by setting. `faults` problems had no verdict.
    """

    calibration: ProgramCalibration
    preset: Preset
    tried: tuple[tuple[Mapping[str, Any], Firings], ...]
    faults: int


def without_problems(
    store: Datastore,
    problems: ProblemSet,
    out: Path,
    *,
    corpus: Path | None = None,
    device: str = "cpu",
) -> Datastore:
    """The datastore without the records of some problems, in a directory of its own in `out`.

    A record is a problem's by what the datastore knows of its `marks`: id, and problem or
    composition; with the `corpus` by all of them, and by its statement and program, as
    `decontaminate` tells. Where there is no such record it is the datastore itself.

    Raises:
        UserError: it holds trials, its records are not marked and no corpus is given, the corpus is
            another's, or nothing would be left.
    """
    store.expect_tokens(
        "knm calibrate --problems",
        "these are measured on whole programs when knm mine --trials ends, so leave the option out",
    )
    marks = frozenset[str]().union(*(problem.marks for problem in problems))
    origins, known = store.records, marks
    if corpus is None:
        unmarked = sum(origin.group is None for origin in origins)
        if unmarked:
            raise UserError(
                f"{store.path}: {unmarked} of {len(origins)} records do not say which problem they "
                f"are of: give {named('corpus')}, what it was mined from, to tell by statement and "
                "program"
            )
    else:
        marked = {record.id: not marks.isdisjoint(record.marks) for record in stream_corpus(corpus)}
        missing = set(store.record_ids) - marked.keys()
        if missing:
            raise UserError(
                f"{named('corpus')} {corpus}: lacks record {min(missing)!r} of {store.path}: give "
                "the corpus that it was mined from"
            )
        known |= decontaminate_stream(stream_corpus(corpus), problems).left_out
        known |= {name for name, same in marked.items() if same}
    theirs = np.array(
        [origin.group in marks or origin.id in known for origin in origins], dtype=bool
    )
    keep = ~theirs[store.provenance["record"]]
    if keep.all():
        return store
    if not keep.any():
        raise UserError(
            f"{store.path}: every record is of one of the {len(problems)} problems, so that "
            "nothing is left to correct by: mine programs of other problems too, or give a problem "
            f"file with fewer of them ({named('sample')} draws from it, 10 at least)"
        )
    arguments = {"problems": problems.content_hash, "records": int(theirs.sum())}
    told = hash_json([store.content_hash, np.flatnonzero(theirs).tolist(), arguments])
    return select_rows(
        store, keep, "calibrate", arguments, out / f"without-{told[:12]}", device=device
    )


def choose_by_programs(
    programs: Programs, space: Space, journal: Journal, price: float
) -> ProgramChoice:
    """Decode and judge the LM alone and every point of a space, and choose among them.

    Raises:
        UserError: the datastore is not for these problems or the model, a point is impossible, or
            no problem got a verdict.
    """
    points = sorted(map(space.point, space.grid()), key=lambda point: point.preset.lmbda)
    alone = _decode(programs, None, journal, "LM alone")
    decoded = [
        _decode(programs, point, journal, f"setting {number} of {len(points)}")
        for number, point in enumerate(points, start=1)
    ]
    verdicts = (alone, *decoded)
    judged = [
        problem
        for problem in programs.problems
        if all(problem.question_id in found for found in verdicts)
    ]
    if not judged:
        raise UserError(
            f"none of the {len(programs.problems)} problems got a verdict: all were lost to the "
            "sandbox, the engine or the problem itself: run knm sandbox check"
        )
    names = [problem.question_id for problem in judged]
    roots = [problem.root_problem for problem in judged]
    numbers = {root: number for number, root in enumerate(dict.fromkeys(roots))}
    groups = np.array([numbers[root] for root in roots])
    choices = {
        number: compare([alone[name] for name in names], [other[name] for name in names])
        for number, other in enumerate(decoded)
    }
    measured = measured_on_others(choices, groups, price)
    best = best_choice(choices, price) if measured.worth(price) > 0 else None
    preset = replace(space.base, lmbda=0.0) if best is None else points[best].preset
    calibration = ProgramCalibration(
        preset=space.preset,
        settings={} if best is None else points[best].settings,
        weight=preset.lmbda,
        problems=len(judged),
        fired=len(measured.problems),
        gained=measured.gained,
        lost=measured.lost,
        p_value=measured.p_value_by(groups),
        price=price,
        problems_hash=programs.problems.content_hash,
    )
    tried = tuple((point.settings, choices[number]) for number, point in enumerate(points))
    return ProgramChoice(calibration, preset, tried, len(programs.problems) - len(judged))


def keep_choice(store: Datastore, calibration: ProgramCalibration) -> None:
    """Write it into the datastore's manifest, as that is by now.

    Raises:
        UserError: the datastore was made anew meanwhile.
    """
    manifest = Manifest.load(store.path)
    if manifest.content_hash != store.content_hash:
        raise UserError(f"{store.path}: was made anew meanwhile: run knm calibrate again")
    replace(manifest, programs=calibration).save(store.path)


@dataclass(frozen=True)
class Written:
    """A hash of what the LM wrote for a problem, and whether that was accepted."""

    text: str
    accepted: bool


def compare(alone: Sequence[Written], other: Sequence[Written]) -> Firings:
    """The problems whose completion is another. The same one has one verdict, however judged."""
    changed = [
        (number, int(theirs.accepted) - int(ours.accepted))
        for number, (ours, theirs) in enumerate(zip(alone, other, strict=True))
        if ours.text != theirs.text
    ]
    return Firings(
        np.array([number for number, _ in changed], dtype=np.int64),
        np.array([outcome for _, outcome in changed], dtype=np.int8),
    )


def _decode(
    programs: Programs, point: Point | None, journal: Journal, label: str
) -> dict[str, Written]:
    """What was written for each problem that has a verdict, by id; from the journal if it is there.

    An infrastructure fault is not kept: the next run tries again.
    """
    base = _key(programs, point)
    keys = {name: hash_json([base, name]) for name in programs.problems.ids}
    missing = [
        problem for problem in programs.problems if journal.get(keys[problem.question_id]) is None
    ]
    if missing:
        retriever = None if point is None else _retriever(programs, point.preset)
        with freeing_engines(programs.loaded.device):
            for problem, result in judge_in_parts(
                missing,
                programs.loaded,
                retriever,
                programs.sandbox,
                programs.settings,
                _TOGETHER,
                workers=programs.workers,
                label=label,
            ):
                name = problem.question_id
                if not result.verdict.is_infrastructure:
                    journal.put(keys[name], {"problem": name, **to_json(_written(result))})
    found = {name: journal.get(key) for name, key in keys.items()}
    return {
        name: Written(entry["text"], entry["accepted"])
        for name, entry in found.items()
        if entry is not None
    }


def _written(result: ProblemResult) -> Written:
    completion = result.samples[0].completion
    text = "" if completion is None else completion.text
    return Written(hash_bytes(text.encode())[:16], result.accepted)


def _retriever(programs: Programs, preset: Preset) -> Retriever:
    retriever = Retriever(programs.store, preset, device=programs.loaded.device)
    objection = retriever.withhold_from(programs.settings.sample_prompts(programs.problems))
    if objection is not None:
        raise UserError(
            f"{programs.store.path}: corrects nothing in these problems ({objection}): give "
            f"{named('problems')} such as its corpus solves, and the {named('prompt')} that it was "
            "mined with"
        )
    return retriever


def _key(programs: Programs, point: Point | None) -> str:
    """Everything that a completion and its verdict depend on, but for the problem's id."""
    return hash_json(
        {
            **determinants(
                programs.loaded, None if point is None else point.preset, programs.store
            ),
            "problems": programs.problems.content_hash,
            "prompt": programs.settings.template.content_hash,
            "settings": to_json(programs.settings),
            "sandbox": programs.sandbox,
        }
    )
