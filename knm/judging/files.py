"""Judging apart from generating: completions from a file, verdicts into a report. No model."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from knm.codec import from_json, to_json
from knm.errors import UserError, named
from knm.hashing import hash_file
from knm.jsonio import write_json
from knm.judging.candidates import CandidateFile, load_candidates
from knm.judging.failure_text import render_failure
from knm.judging.keeping import JudgementCache
from knm.judging.pool import JudgePool, open_judges
from knm.languages.language import own_hash
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

    A limit that is not given is the one that a report's completions were made with, and so are the
    selection and the language (`DEFAULT_LANGUAGE` of other completions). `workers` programs are
    judged at a time (default: by the number of cores). `keep_io` is as in `open_sandbox`. `kept` is
    the directory where verdicts of all runs are kept; None for none. `fresh` looks at nothing that
    was judged before.
    """

    completions: Path
    problems: str
    out: Path
    sandbox: str = "local"
    language: str | None = None
    time_limit: float | None = None
    memory_limit: int | None = None
    selection: Selection = ALL
    fresh: bool = False
    workers: int | None = None
    keep_io: bool = False
    kept: Path | None = None


@dataclass(frozen=True)
class Judged:
    """A report of judging, and the numbers of problems and completions that had no partner.

    `other_problems` says that the problems are not those that a report's completions are of,
    `from_before` how many verdicts had been kept before.
    """

    report: Report
    without_completion: int
    without_problem: int
    other_problems: bool
    from_before: int


def judge_file(options: JudgeOptions, notify: Callable[[str], None] = lambda _: None) -> Judged:
    """Judge a file of completions; what an earlier, interrupted call judged is kept.

    `notify` is told of kept verdicts that cannot be read or written: it goes on without.

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
            options.language and file_named(options.language),
            *options.selection.inputs,
        ),
    )
    candidates = load_candidates(options.completions, options.language)
    options = _as_the_run_had(options, candidates)
    problem_set = load_problems(options.problems, options.selection)
    selected = [problem for problem in problem_set if problem.question_id in candidates.by_problem]
    if not selected:
        raise UserError(
            f"{options.completions}: none of its {len(candidates.by_problem)} problems is in"
            f" {options.problems}; give the problem set that it was written for"
        )
    limits = _limits(options, candidates)
    with (
        _opened(options.kept, notify) as kept,
        open_judges(
            options.sandbox,
            candidates.language,
            limits,
            options.workers,
            keep_io=options.keep_io,
            kept=kept,
            fresh=options.fresh,
        ) as judges,
    ):
        header = _header(options, problem_set, candidates, limits, judges, len(selected))
        with ResultStream(stream, lambda: header, fresh=options.fresh) as written:
            done = set() if options.fresh else done_before(stream, header, _MEND)
            left = [problem for problem in selected if problem.question_id not in done]
            _judge(left, candidates, judges, written)
    document = finish_stream(stream)
    source = candidates.report
    # What was kept before may be the source's own verdicts, which are no second opinion of it.
    anew = not judges.from_before and (kept is None or not done)
    if (
        source is not None
        and candidates.judged
        and anew
        and not setting_differences(source, header)
    ):
        noise = noise_between(source.results, read_stream(stream).results)
        document["knm"]["noise"] = to_json(noise)
    write_json(options.out, document)
    return Judged(
        load_report(options.out),
        without_completion=len(problem_set) - len(selected),
        without_problem=len(candidates.by_problem) - len(selected),
        other_problems=candidates.hashes.get("problem_set", problem_set.content_hash)
        != problem_set.content_hash,
        from_before=judges.from_before,
    )


@contextmanager
def _opened(
    directory: Path | None, notify: Callable[[str], None]
) -> Iterator[JudgementCache | None]:
    if directory is None:
        yield None
        return
    with closing(JudgementCache(directory, notify)) as kept:
        yield kept


def _as_the_run_had(options: JudgeOptions, candidates: CandidateFile) -> JudgeOptions:
    """The options with the selection of the run that wrote a report; a list of ids is not in it."""
    told = candidates.configuration
    chosen = {"limit": told.get("limit"), **(told.get("subset") or {})}
    if candidates.report is None or not options.selection.is_all or "ids" in chosen:
        return options
    where = f"{options.completions}: configuration"
    return replace(options, selection=from_json(Selection, chosen, where))


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
    kept = candidates.configuration.get("limits") or {}
    known = [field.name for field in fields(Limits)]
    try:
        told = Limits(**{name: kept[name] for name in known if name in kept})
    except UserError as error:
        raise UserError(
            f"{options.completions}: configuration: {error}; the file is not as a run leaves it"
        ) from None
    return make_limits(options.time_limit, options.memory_limit, told)


def _header(
    options: JudgeOptions,
    problem_set: ProblemSet,
    candidates: CandidateFile,
    limits: Limits,
    judges: JudgePool,
    selected: int,
) -> RunHeader:
    """The settings of the run that wrote the completions, with those of the judge in their place.

    That a report was judged again is no setting: it is told in `environment`, and so is where its
    completions were decoded.
    """
    judge: dict[str, Any] = {
        "problems": problem_set.name,
        **options.selection.settings(),
        "language": candidates.language,
        "sandbox": options.sandbox,
        "limits": asdict(limits),
    }
    kept = _without(candidates.hashes, "language")
    read = {"problem_set": problem_set.content_hash, **own_hash(candidates.language)}
    source = candidates.report
    return RunHeader(
        configuration={**_without(candidates.configuration, "subset"), **judge},
        hashes={**kept, **read},
        environment={
            **environment_info(Path.cwd()),
            "sandbox": judges.describe(),
            **({} if source is None else _where_decoded(source)),
            "judged": options.completions.name,
            "judged_hash": hash_file(options.completions),
        },
        # What a run that was cut short did not come to is missing still.
        selected=selected + (0 if source is None else source.missing),
        created=time.time(),
    )


def _where_decoded(source: Report) -> dict[str, Any]:
    """Where the completions of a report were written, and by which engines."""
    there = source.section.get("environment") or {}
    decoded = there.get("decoded") or {
        name: there[name] for name in environment_info(None) if name in there
    }
    return {"engines": there.get("engines", []), "decoded": decoded}


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
        "what was judged": environment.get("judged_hash"),
    }
