"""Reports of what other programs evaluated: `eval_results_*.json` and the like.

Accepted is JSON that holds one record for each problem: a list of them, an object of them by id, or
an object with either under `results`, `details`, `problems`, `samples` or `per_problem`. A record
names things by any of the names of `NAMES`: the problem's id; whether it passed, or how it failed;
the program, what the model wrote, and what the interpreter complained of. Nothing that such a file
does not tell is made up: a failure without a reason is of class `not-told`, and a problem counts as
one test.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError
from knm.hashing import hash_file
from knm.jsonio import read_json
from knm.languages.execution import Execution
from knm.languages.language import load_language
from knm.problems import ProblemSet, extract_program
from knm.records import Completion
from knm.report.document import build_document, judged_test
from knm.report.header import RunHeader, environment_info
from knm.report.schema import ProblemResult, Sample
from knm.sandbox import Judgement, Verdict
from knm.sandbox.protocol import foreign_judgement
from knm.sandbox.types import EXCERPT_CHARACTERS

NOT_TOLD: Final = "not-told"
"""Error class of a failure whose reason the file does not tell."""

UNKNOWN: Final = "unknown"

LISTS: Final = ("results", "details", "problems", "samples", "per_problem")
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("question_id", "task_id", "problem_id", "id"),
    "passed": ("passed", "success", "correct", "is_correct", "pass"),
    "outcome": ("verdict", "result", "status", "error_type", "outcome"),
    "program": ("program", "solution", "generated_code", "code"),
    "text": ("completion", "response", "generation", "raw_output", "reasoning"),
    "complaint": ("stderr", "error_message", "error", "message"),
}
OUTCOMES: Final[Mapping[str, Verdict]] = {
    **{verdict.value: verdict for verdict in Verdict},
    "success": Verdict.ACCEPTED,
    "passed": Verdict.ACCEPTED,
    "pass": Verdict.ACCEPTED,
    "correct": Verdict.ACCEPTED,
    "output-error": Verdict.WRONG_OUTPUT,
    "wrong-answer": Verdict.WRONG_OUTPUT,
    "compile-error": Verdict.SYNTAX_ERROR,
    "error": Verdict.RUNTIME_ERROR,
    "time-limit-exceeded": Verdict.TIMEOUT,
    "other": Verdict.NO_CODE,
    "other-error": Verdict.NO_CODE,
}
"""What outcomes are called, in small letters with hyphens and without a `fail:` before them."""

_TRACEBACK: Final = "\nstack traceback:\n\t[C]: in ?\n"
_FAILED: Final = ("fail", "failed", "failure", "incorrect", "false", "none", "")


@dataclass(frozen=True)
class Origin:
    """What the file does not tell of the run. `problems` are those that it was of, if known."""

    model: str = UNKNOWN
    prompt: str = UNKNOWN
    language: str = "lua"
    preset: str | None = None
    max_new_tokens: int | None = None
    problems: ProblemSet | None = None


def import_results(path: Path, origin: Origin) -> dict[str, Any]:
    """The report's content, made of another program's file.

    Raises:
        UserError: it is not of the accepted shape, names a problem twice or one that `problems`
            does not have, or calls an outcome by a name that nobody knows.
    """
    language = load_language(origin.language).execution
    results: dict[str, ProblemResult] = {}
    for where, record in _records(read_json(path), str(path)):
        result = _result(record, where, origin, language)
        if result.question_id in results:
            raise UserError(
                f"{where}: a second result of {result.question_id!r}; a report has one of each "
                "problem"
            )
        results[result.question_id] = result
    if not results:
        raise UserError(f"{path}: no results in it")
    header = _header(path, origin, len(results))
    tests = [
        judged_test(result, "" if result.accepted else result.judgement.label)
        for result in results.values()
    ]
    return build_document(header, tests, duration=0.0)


def _records(document: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each record with its place; the id stands in it."""
    if isinstance(document, dict):
        held = [name for name in LISTS if isinstance(document.get(name), list | dict)]
        if held:
            yield from _records(document[held[0]], f"{where}: {held[0]}")
            return
        if not document or not all(isinstance(value, dict) for value in document.values()):
            there = ", ".join(map(repr, list(document)[:8])) or "nothing"
            raise UserError(
                f"{where}: no results: expected a list or an object of them, or one under "
                f"{', '.join(LISTS)}; there is {there}"
            )
        for name, value in document.items():
            yield f"{where}: {name}", {NAMES["id"][0]: name, **value}
        return
    if not isinstance(document, list):
        raise UserError(f"{where}: a JSON {type(document).__name__}, not a list of results")
    for number, value in enumerate(document):
        if not isinstance(value, dict):
            raise UserError(f"{where}[{number}]: a JSON {type(value).__name__}, not a result")
        yield f"{where}[{number}]", value


def _find(record: Mapping[str, Any], what: str) -> Any:
    """The value of the first of a thing's names that has one."""
    return next((record[name] for name in NAMES[what] if record.get(name) is not None), None)


def _result(
    record: Mapping[str, Any], where: str, origin: Origin, language: Execution
) -> ProblemResult:
    question_id = _find(record, "id")
    if not isinstance(question_id, str | int) or isinstance(question_id, bool):
        raise UserError(
            f"{where}: no id of a problem: expected one of {', '.join(NAMES['id'])}, there are "
            f"{', '.join(sorted(record)[:12])}"
        )
    texts = {}
    for what in ("program", "text", "complaint"):
        value = _find(record, what)
        texts[what] = value if isinstance(value, str) else ""
    written = texts["text"] or texts["program"]
    program = texts["program"] or extract_program(written, origin.language)
    judgement = _judgement(record, where, program or "", texts["complaint"], language)
    completion = Completion(str(question_id), written, None, 0, 0, 0.0, None) if written else None
    sample = Sample(completion, program, judgement)
    if origin.problems is None:
        return ProblemResult(str(question_id), (sample,))
    problem = origin.problems.by_id(str(question_id))
    return ProblemResult(
        str(question_id),
        (sample,),
        problem.errata,
        title=problem.title,
        fields=problem.fields,
    )


def _judgement(
    record: Mapping[str, Any], where: str, program: str, complaint: str, language: Execution
) -> Judgement:
    passed, verdict = _outcome(record, where)
    if passed:
        return Judgement(Verdict.ACCEPTED, tests_passed=1, tests_total=1, lenient_accepted=True)
    if complaint and verdict in (None, Verdict.RUNTIME_ERROR, Verdict.SYNTAX_ERROR):
        # Files keep the complaint and often not the traceback, by which it is one at run time.
        for text in (complaint, complaint + _TRACEBACK):
            read = foreign_judgement(
                {"result": "fail:error", "stderr": text}, language, program, EXCERPT_CHARACTERS
            )
            vague = (read.error_class or "other").startswith("other")
            if read.verdict is verdict or (verdict is None and not vague):
                return replace(read, stderr=complaint[-2000:], tests_total=1)
    return Judgement(
        verdict or Verdict.WRONG_OUTPUT,
        error_class=None if verdict else NOT_TOLD,
        message=complaint[:200] or "the file does not say more",
        stderr=complaint[-2000:],
        tests_total=1,
    )


def _outcome(record: Mapping[str, Any], where: str) -> tuple[bool, Verdict | None]:
    """Whether the problem passed, and how it failed if that is told."""
    passed, told = _find(record, "passed"), _find(record, "outcome")
    if passed is None and told is None:
        raise UserError(
            f"{where}: nothing says whether it passed: expected one of "
            f"{', '.join((*NAMES['passed'], *NAMES['outcome']))}"
        )
    if passed not in (None, True, False):
        raise UserError(f"{where}: {passed!r:.40} does not say whether it passed: true or false")
    name = told if isinstance(told, str) else ""
    name = name.strip().lower().removeprefix("fail:").replace(" ", "-").replace("_", "-")
    if name not in OUTCOMES and name not in _FAILED:
        raise UserError(
            f"{where}: the outcome {told!r:.60} is not known; it may be {', '.join(OUTCOMES)}"
        )
    verdict = OUTCOMES.get(name)
    if passed is None:
        passed = verdict is Verdict.ACCEPTED
    elif verdict is Verdict.ACCEPTED and not passed:
        raise UserError(f"{where}: {told!r} and not passed: one of the two is wrong")
    return bool(passed), verdict


def _header(path: Path, origin: Origin, selected: int) -> RunHeader:
    problems = origin.problems
    return RunHeader(
        configuration={
            "model": origin.model,
            "problems": UNKNOWN if problems is None else problems.name,
            "prompt": origin.prompt,
            "language": origin.language,
            "max_new_tokens": origin.max_new_tokens,
            "samples": 1,
            "limits": {},
            "knn": None
            if origin.preset is None
            else {"datastore": UNKNOWN, "preset": {"name": origin.preset}},
        },
        hashes={
            "problem_set": UNKNOWN if problems is None else problems.content_hash,
            "prompt": origin.prompt,
            "imported": hash_file(path),
        },
        environment={**environment_info(None), "imported": path.name},
        selected=selected,
        created=time.time(),
    )


def missing_problems(document: Mapping[str, Any], origin: Origin) -> int:
    """How many problems of the set the imported file says nothing of."""
    return 0 if origin.problems is None else len(origin.problems) - len(document["tests"])
