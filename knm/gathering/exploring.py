"""What would have become of a LM's greedy programs, had it written another of its likely tokens.

At a position of a greedy program the second or third likeliest token is written instead, decoding
goes on greedily, and the program that comes of it is executed. `knm.datastore.trials` describes the
file of what was found.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import knm
from knm.corpora import CorpusRecord, decontaminate
from knm.datastore.trials import HEADER_KEY, ExploredProblem, TrialsHeader
from knm.errors import UserError, named
from knm.gathering.token_trials import ExploreOptions, Explorer
from knm.journal import Journal
from knm.judging.pool import open_judges
from knm.outputs import Output, check_outputs, file_named
from knm.problems import (
    ProblemSet,
    load_problems,
    load_template,
    problems_path,
)
from knm.progress import progress_bar

if TYPE_CHECKING:
    from knm.models import LoadedModel
    from knm.problems import PromptTemplate


@dataclass(frozen=True)
class Explored:
    """What the file holds now, and what this call did.

    `skipped` problems have prompts that fill the model's context; `faults` were lost to engine,
    sandbox or the problem itself, and are tried again by the next call. `tokens` were decoded in
    `seconds` by this call.
    """

    problems: int
    solved: int
    trials: int
    gained: int
    lost: int
    mended: int
    broken: int
    left_out: int
    skipped: int
    faults: int
    tokens: int
    seconds: float


def check_explore(options: ExploreOptions) -> tuple[ProblemSet, "PromptTemplate", int]:
    """The problems that may be explored, the template, and how many problems are left out.

    Loads no model.

    Raises:
        UserError: a file is missing or malformed, `out` is one that is read or holds something
            else, or no problem is left.
    """
    template = load_template(options.prompt)
    template.check_chat()  # trials stand behind the text of a chat
    template.render("", options.language)
    read = [problems_path(name) for name in (options.problems, *options.held_out)]
    read += options.selection.inputs
    check_outputs([Output(named("out"), (options.out,))], (*read, file_named(options.prompt)))
    whole = load_problems(options.problems, options.selection)
    problems = whole.problems
    records = [
        CorpusRecord(
            problem.question_id,
            problem.question_content,
            str(problem.extras.get("reference") or ""),
            options.language,
            "problems",
            problem.extras,
        )
        for problem in problems
    ]
    for name in options.held_out:
        records = list(decontaminate(records, load_problems(name)).kept)
    kept = {record.id for record in records}
    if not kept:
        raise UserError(
            f"{named('problems')} {options.problems}: all {len(problems)} problems are like "
            "held-out ones: what is tried on these would be tuned on what it is judged by; give "
            "other problems"
        )
    left = tuple(problem for problem in problems if problem.question_id in kept)
    return replace(whole, problems=left), template, len(problems) - len(left)


def explore(options: ExploreOptions, loaded: "LoadedModel") -> Explored:
    """Write trials of all problems to `options.out`; run it again to resume what was interrupted.

    Raises:
        UserError: as `check_explore`, or the file is of other settings or another model.
    """
    import torch
    import transformers

    problem_set, template, left_out = check_explore(options)
    header = TrialsHeader(
        loaded.identity,
        {"name": template.name, "hash": template.content_hash},
        options.settings(),
        {
            "knm": knm.__version__,
            "torch": str(torch.__version__),
            "transformers": transformers.__version__,
        },
    )
    started = time.perf_counter()
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(options.out, "an exploration"))
        _begin(journal, header, options.out)
        pending = [problem for problem in problem_set if journal.get(problem.question_id) is None]
        explorer = None
        if pending:
            judges = stack.enter_context(
                open_judges(options.sandbox, options.language, options.limits, options.workers)
            )
            explorer = Explorer(options, loaded, template, judges)
            bar = stack.enter_context(
                progress_bar(label="exploring", total=len(problem_set), unit="problem")
            )
            bar.update(len(problem_set) - len(pending))
            for start in range(0, len(pending), options.batch_size):
                part = pending[start : start + options.batch_size]
                for found in explorer.explore(part):
                    journal.put(found.id, found.to_json())
                bar.update(len(part))
        lines = [journal.get(problem.question_id) for problem in problem_set]
        held = [
            ExploredProblem.from_json(line, str(options.out)) for line in lines if line is not None
        ]
    return _summary(held, explorer, left_out, time.perf_counter() - started)


def _begin(journal: Journal, header: TrialsHeader, path: Path) -> None:
    """Write the header, or see that what is there was explored in the same way."""
    line = journal.get(HEADER_KEY)
    if line is None:
        if len(journal):
            raise UserError(f"{named('out')} {path}: holds something else; give another file")
        journal.put(HEADER_KEY, header.to_json())
        return
    begun = TrialsHeader.from_json(line, str(path))
    for what, theirs, ours in (
        *begun.model.differences(header.model),
        ("model dtype", begun.model.dtype, header.model.dtype),
        ("prompt", begun.prompt, header.prompt),
        ("settings", begun.settings, header.settings),
    ):
        if theirs != ours:
            raise UserError(
                f"{named('out')} {path}: was explored with other {what}: {theirs} there, {ours} "
                "now: give the same, or another file"
            )


def _summary(
    held: Sequence[ExploredProblem], explorer: Explorer | None, left_out: int, seconds: float
) -> Explored:
    outcomes = [problem.outcome(trial) for problem in held for trial in problem.trials]
    crashes = [problem.crash(trial) for problem in held for trial in problem.trials]
    return Explored(
        problems=len(held),
        solved=sum(problem.verdict == "accepted" for problem in held),
        trials=len(outcomes),
        gained=outcomes.count(1),
        lost=outcomes.count(-1),
        mended=crashes.count(-1),
        broken=crashes.count(1),
        left_out=left_out,
        skipped=0 if explorer is None else explorer.skipped,
        faults=0 if explorer is None else explorer.faults,
        tokens=0 if explorer is None else explorer.tokens,
        seconds=seconds,
    )
