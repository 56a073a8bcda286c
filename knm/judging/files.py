"""Judging apart from generating: completions from a file, verdicts into a report. No model."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from knm.codec import to_json
from knm.errors import UserError, named
from knm.jsonio import write_json
from knm.judging.candidates import CandidateFile, load_candidates
from knm.judging.failure_text import render_failure
from knm.judging.pool import JudgePool, open_judges
from knm.languages.language import file_hash
from knm.outputs import Output, check_outputs, file_named
from knm.problems import ALL, Problem, ProblemSet, Selection, load_problems, problems_path
from knm.progress import progress_bar
from knm.report import (
    Report,
    ResultStream,
    RunHeader,
    RunningTotals,
    environment_info,
    finish_stream,
    judged_test,
    load_report,
    noise_between,
    read_stream,
    setting_differences,
    stream_path,
)
from knm.sandbox import Limits, make_limits

_MEND: Final = f"give another {named('out')}, or {named('fresh')} to replace it"


@dataclass(frozen=True)
class JudgeOptions:
    """What is judged, how, and where the report goes.

    The limits of a report's completions are those that it was made with, unless one is given.
    `workers` programs are judged at a time. `keep_io` is as in `open_sandbox`.
    """

    completions: Path
    problems: str
    out: Path
    sandbox: str = "local"
    language: str = "lua"
    time_limit: float | None = None
    memory_limit: int | None = None
    selection: Selection = ALL
    fresh: bool = False
    workers: int = 1
    keep_io: bool = False


@dataclass(frozen=True)
class Judged:
    """A report of judging, and the numbers of problems and completions that had no partner."""

    report: Report
    without_completion: int
    without_problem: int


def judge_file(options: JudgeOptions) -> Judged:
    """Judge a file of completions; what an earlier, interrupted call judged is kept.

    Raises:
        UserError: a file is missing, malformed or does not fit, or the stream beside `out` is of
            something else.
    """
    stream = stream_path(options.out)
    check_outputs(
        [Output(named("out"), (options.out, stream))],
        (
            options.completions,
            problems_path(options.problems),
            file_named(options.language),
            *options.selection.inputs,
        ),
    )
    problem_set = load_problems(options.problems, options.selection)
    candidates = load_candidates(options.completions, options.language)
    selected = [problem for problem in problem_set if problem.question_id in candidates.by_problem]
    if not selected:
        raise UserError(
            f"{options.completions}: none of its {len(candidates.by_problem)} problems is in"
            f" {options.problems}; give the problem set that it was written for"
        )
    limits = _limits(options, candidates)
    with open_judges(
        options.sandbox, options.language, limits, options.workers, keep_io=options.keep_io
    ) as judges:
        header = _header(options, problem_set, candidates, limits, judges, len(selected))
        with ResultStream(stream, lambda: header, fresh=options.fresh) as written:
            done = set() if options.fresh else done_before(stream, header, _MEND)
            left = [problem for problem in selected if problem.question_id not in done]
            _judge(left, candidates, judges, written)
    document = finish_stream(stream)
    source = candidates.report
    if source is not None and not setting_differences(source, header):
        noise = noise_between(source.results, read_stream(stream).results)
        document["knm"]["noise"] = to_json(noise)
    write_json(options.out, document)
    return Judged(
        load_report(options.out),
        without_completion=len(problem_set) - len(selected),
        without_problem=len(candidates.by_problem) - len(selected),
    )


def _judge(
    problems: Sequence[Problem],
    candidates: CandidateFile,
    judges: JudgePool,
    written: ResultStream,
) -> None:
    """Judge problems in their order, as many at a time as there are sandboxes."""
    running = RunningTotals(len(problems))
    with progress_bar(label="judging", total=len(problems), unit="problem") as bar:
        pending = [
            judges.judge(
                problem,
                candidates.by_problem[problem.question_id],
                candidates.asked.get(problem.question_id),
            )
            for problem in problems
        ]
        for judged in pending:
            result = judged.result()
            text = "" if result.accepted else render_failure(result)
            written.write(judged_test(result, text))
            running.add(result)
            bar.set_postfix_str(running.line(), refresh=False)
            bar.update()


def _limits(options: JudgeOptions, candidates: CandidateFile) -> Limits:
    default = Limits()
    kept = candidates.configuration.get("limits")
    if options.time_limit is None and options.memory_limit is None and isinstance(kept, dict):
        known = {name: kept[name] for name in asdict(default) if name in kept}
        return Limits(**known)
    return make_limits(
        default.cpu_seconds if options.time_limit is None else options.time_limit,
        (default.memory_bytes >> 20) if options.memory_limit is None else options.memory_limit,
    )


def _header(
    options: JudgeOptions,
    problem_set: ProblemSet,
    candidates: CandidateFile,
    limits: Limits,
    judges: JudgePool,
    selected: int,
) -> RunHeader:
    """The settings of the run that wrote the completions, with those of the judge in their place.

    That a report was judged again is no setting: it is told in `environment`.
    """
    judge: dict[str, Any] = {
        "problems": problem_set.name,
        **options.selection.settings(),
        "language": options.language,
        "sandbox": options.sandbox,
        "limits": asdict(limits),
    }
    kept = _without(candidates.hashes, "language")
    read = {"problem_set": problem_set.content_hash, **file_hash(options.language)}
    return RunHeader(
        configuration={**_without(candidates.configuration, "subset"), **judge},
        hashes={**kept, **read},
        environment={
            **environment_info(Path.cwd()),
            "sandbox": judges.describe(),
            "judged": options.completions.name,
        },
        selected=selected,
        created=time.time(),
    )


def _without(settings: Mapping[str, Any], left_out: str) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != left_out}


def done_before(path: Path, header: RunHeader, mend: str) -> set[str]:
    """Problems that an interrupted call has judged into the stream at `path`.

    Those lost to infrastructure are done anew, and are not among them.

    Raises:
        UserError: the stream is of something else than `header`; `mend` says what to do about it.
    """
    if not path.exists():
        return set()
    stream = read_stream(path)
    before = stream.header
    if before is None and not stream.results:
        return set()
    here, there = _identity(header), {} if before is None else _identity(before)
    if here != there:
        differing = [name for name in here if here[name] != there.get(name)]
        raise UserError(
            f"{path}: of another run, with other settings or completions "
            f"({', '.join(differing) or 'more of them'}); {mend}"
        )
    return {result.question_id for result in stream.results if not result.verdict.is_infrastructure}


def _identity(header: RunHeader) -> dict[str, Any]:
    """What must agree for two calls to continue each other."""
    environment = header.environment
    return {
        **header.configuration,
        **{f"hash of {name}": value for name, value in header.hashes.items()},
        "selected": header.selected,
        "version of the sandbox": environment.get("sandbox"),
        "judged": environment.get("judged"),
    }
