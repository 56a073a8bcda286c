"""From the reports of sampled runs to a corpus: each program that was written, and its outcome.

What execution found out goes along as the record's outcome, so that a datastore can speak for and
against; the accepted programs alone are a corpus as any other.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from knm.corpora import CorpusRecord, Outcome, save_corpus
from knm.errors import UserError, named
from knm.hashing import hash_bytes
from knm.jsonio import find_surrogate, read_jsonl
from knm.languages.descriptions import language_title
from knm.languages.language import DEFAULT_LANGUAGE, noted_language
from knm.outputs import Input, Output, check_outputs
from knm.problems import ProblemSet, load_problems, problems_path
from knm.report import ProblemResult, RunHeader, load_report, stream_path, stream_results
from knm.sandbox import Judgement, Verdict

SAMPLING: Final = ("model", "prompt", "max_new_tokens", "sampling", "knn")
"""Settings of a run that say how its programs were drawn."""

_MOST_DIGITS: Final = 7


@dataclass(frozen=True)
class CollectOptions:
    """Which reports or streams are read, of which problems, and what is kept.

    At most `most` programs of a problem that pass are kept, and as many that do not, those first
    that were written most often. `accepted` keeps those alone that pass, without outcomes;
    `completions` keeps the text around each program too.
    """

    reports: tuple[Path, ...]
    problems: str
    out: Path
    accepted: bool = False
    most: int | None = None
    completions: bool = False


@dataclass(frozen=True)
class Collected:
    """What was found: `verdicts` and `error_classes` count distinct programs, before `--most`.

    `solved` problems have a program that passes, `unsolved` have programs, of which none does;
    `without_program` were sampled, and hold none at all; `faults` are samples lost to engine,
    sandbox or problem, `unknown` the problems of reports that the problem set lacks.
    """

    records: int
    problems: int
    samples: int
    programs: int
    solved: int
    unsolved: int
    without_program: int
    not_sampled: int
    faults: int
    unknown: int
    verdicts: dict[str, int]
    error_classes: dict[str, int]


@dataclass
class _Program:
    """A program as it was first written, and how it fared."""

    text: str
    completion: str
    outcome: Outcome
    language: str
    sampling: Mapping[str, Any]


@dataclass
class _Findings:
    """What reports held, problem by problem, in the order of the first result of each."""

    programs: dict[str, dict[str, _Program]] = field(default_factory=dict)
    samples: int = 0
    faults: int = 0
    unknown: set[str] = field(default_factory=set)


def collect(options: CollectOptions) -> Collected:
    """Write the corpus of some runs' programs; run it again when there are more results.

    Streams are read a line at a time, so that runs which are not over can be collected too. The
    same program counts once, whatever its spaces, unless it passes with some and fails with others.
    What results say stays the same however often they are read: the file is replaced as a whole.

    Raises:
        UserError: a report cannot be read, nothing in it is of the problem set, or `out` is a
            report, or holds something else than what was collected before.
    """
    check_target(options.out, (*options.reports, problems_path(options.problems)), "sampling")
    records, found = gather(options, load_problems(options.problems))
    save_corpus(options.out, records)
    return found


def gather(
    options: CollectOptions, problem_set: ProblemSet
) -> tuple[list[CorpusRecord], Collected]:
    """The records of a corpus of some runs' programs; `options.out` is not written.

    Raises:
        UserError: as `collect`, but for `out`.
    """
    known = {problem.question_id for problem in problem_set}
    findings = _Findings()
    for path in _once_each(options.reports):
        for settings, result in run_results(path):
            if result.question_id not in known:
                findings.unknown.add(result.question_id)
                continue
            _take(findings, result, settings, keep_completion=options.completions)
    if not findings.programs:
        raise UserError(
            f"{', '.join(map(str, options.reports))}: no results of problems in "
            f"{options.problems}; give the problem set that the run was of"
        )
    records = list(_records(findings, problem_set, options))
    if not records:
        what = "passed" if options.accepted else "holds a program"
        raise UserError(f"nothing to collect: none of {findings.samples} samples {what}")
    return records, _summary(findings, len(known), len(records))


def check_target(
    out: Path, inputs: Iterable[Input], mark: str, *, beside: Sequence[Path] = ()
) -> None:
    """Refuse to write a corpus over what is read, or over records without the field `mark`.

    `beside` are files that are written with it.

    Raises:
        UserError: so it would be, the file cannot be written, or its name is not that of a corpus.
    """
    if out.suffix not in (".jsonl", ".gz"):
        raise UserError(f"{named('out')} {out}: a corpus is a .jsonl or .jsonl.gz file")
    check_outputs([Output(named("out"), (out, *beside))], inputs)
    if not out.exists():
        return
    _, first = next(read_jsonl(out), (0, {}))
    if first and mark not in first:
        raise UserError(
            f"{named('out')} {out}: holds something else ({mark!r} is missing); give another"
        )


def run_results(
    path: Path, *, unjudged: bool = False
) -> Iterator[tuple[Mapping[str, Any], ProblemResult]]:
    """The results of a report or stream, each with the settings of its run.

    With `unjudged` the run may have only decoded: for those who need no verdict.

    Raises:
        UserError: the file cannot be read, or is neither.
    """
    if path.suffix != ".jsonl":
        report = load_report(path, unjudged=unjudged)
        for result in report.results:
            yield report.configuration, result
        return
    settings: Mapping[str, Any] | None = None
    # A run that went on where it had stopped may hold a problem twice: the last result counts.
    last = {
        found.question_id: place
        for place, found in enumerate(stream_results(path, unjudged=unjudged))
        if isinstance(found, ProblemResult)
    }
    for place, found in enumerate(stream_results(path, unjudged=unjudged)):
        if isinstance(found, RunHeader):
            settings = found.configuration
        elif settings is None:
            raise UserError(
                f"{path}: no header line, so nothing says how its programs were drawn: it is no "
                "stream of a run, or of an older knm"
            )
        elif last.get(found.question_id) == place:
            yield settings, found


def run_language(settings: Mapping[str, Any]) -> str:
    """The language that a run with these settings was in.

    Of one by its file that is the name: records open no file.
    """
    return language_title(str(settings.get("language", DEFAULT_LANGUAGE)))


def _once_each(paths: Sequence[Path]) -> list[Path]:
    """The files without those named twice, and without the stream of a report that is named too."""
    found = {path.resolve(): path for path in paths}
    streams = {stream_path(path) for path in found if path.suffix != ".jsonl"}
    return [path for resolved, path in found.items() if resolved not in streams]


def _take(
    findings: _Findings,
    result: ProblemResult,
    settings: Mapping[str, Any],
    *,
    keep_completion: bool,
) -> None:
    language = run_language(settings)
    held = findings.programs.setdefault(result.question_id, {})
    for sample in result.samples:
        findings.samples += 1
        program, judgement = sample.program, sample.judgement
        if judgement.verdict.is_infrastructure:
            findings.faults += 1
            continue
        if program is None or find_surrogate(program):  # which no file can hold
            continue
        key = " ".join(program.split())
        passed = judgement.verdict is Verdict.ACCEPTED
        if key in held and held[key].outcome.passed is not passed:
            key = f"\n{program}"  # spaces matter here, as indentation does in Python
        if key in held:
            outcome = held[key].outcome
            held[key].outcome = replace(outcome, written=outcome.written + 1)
            continue
        held[key] = _Program(
            program,
            _clean(sample.text or "") if keep_completion else "",
            outcome_of(judgement, program, language),
            language,
            {name: settings.get(name) for name in SAMPLING},
        )


def outcome_of(judgement: Judgement, program: str, language: str) -> Outcome:
    """What a corpus keeps of how a program was judged."""
    return Outcome(
        judgement.verdict.value,
        judgement.error_class,
        _clean(judgement.message),
        error_line(judgement.message, program, language),
        judgement.tests_passed,
        judgement.tests_total,
    )


def _clean(text: str) -> str:
    return text.encode(errors="replace").decode()


def error_line(message: str, program: str, language: str) -> int | None:
    """The line of the program, from 1, that an error message begins with; None if it has none."""
    naming = _naming(language)
    found = None if naming is None else naming.search(message)
    line = int(found[1]) if found else 0
    return line if 1 <= line <= program.count("\n") + 1 else None


@cache
def _naming(language: str) -> re.Pattern[str] | None:
    """What a message begins with that names a line; None where the language is unknown here."""
    known = noted_language(language)
    if known is None:
        return None
    filename = re.escape(known.execution.filename)
    return re.compile(rf"(?:\A|: ){filename}:(\d{{1,{_MOST_DIGITS}}}): ")


def _records(
    findings: _Findings, problem_set: ProblemSet, options: CollectOptions
) -> Iterator[CorpusRecord]:
    """The records in the order of the problem set, those of a problem that pass first."""
    for problem in problem_set:
        programs = findings.programs.get(problem.question_id, {})
        for key, program in _chosen(programs, options):
            model = _short(program.sampling.get("model"))
            extras: dict[str, Any] = {"sampling": {**program.sampling, "model": model}}
            if program.outcome.passed:
                extras["verified"] = True
            extras |= problem.origin
            if options.completions:
                extras["completion"] = program.completion
            yield CorpusRecord(
                id=f"{problem.question_id}-{hash_bytes(key.encode())[:10]}",
                statement=problem.question_content,
                program=program.text,
                language=program.language,
                source=f"samples of {model}",
                extras=extras,
                problem=problem.question_id,
                outcome=None if options.accepted else program.outcome,
            )


def _chosen(
    programs: Mapping[str, _Program], options: CollectOptions
) -> Sequence[tuple[str, _Program]]:
    """Of one problem's programs those that are kept."""
    ordered = sorted(programs.items(), key=lambda item: -item[1].outcome.written)
    passing = [item for item in ordered if item[1].outcome.passed][: options.most]
    if options.accepted:
        return passing
    return passing + [item for item in ordered if not item[1].outcome.passed][: options.most]


def _short(model: Any) -> str:
    """A model's name without the folders of this machine."""
    return str(model or "unknown").rstrip("/").rpartition("/")[2]


def _summary(findings: _Findings, problems: int, records: int) -> Collected:
    outcomes = [
        [program.outcome for program in programs.values()]
        for programs in findings.programs.values()
    ]
    solved = sum(any(outcome.passed for outcome in held) for held in outcomes)
    empty = sum(not held for held in outcomes)
    everything = [outcome for held in outcomes for outcome in held]
    return Collected(
        records=records,
        problems=problems,
        samples=findings.samples,
        programs=len(everything),
        solved=solved,
        unsolved=len(outcomes) - solved - empty,
        without_program=empty,
        not_sampled=problems - len(outcomes),
        faults=findings.faults,
        unknown=len(findings.unknown),
        verdicts=_counted(outcome.verdict for outcome in everything),
        error_classes=_counted(outcome.error_class for outcome in everything),
    )


def _counted(names: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(name for name in names if name is not None).most_common())
