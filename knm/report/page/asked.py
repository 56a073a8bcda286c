"""What was asked, for a page: statements and prompts, from the problem set that a run was of.

Reports do not hold them (see `ProblemResult`), so they come from where the problems are, and stand
on a page only if they are what the run was asked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from knm.errors import UserError, named
from knm.hashing import hash_bytes
from knm.languages.descriptions import check_noted
from knm.packaged import EMBEDDED
from knm.problems import Problem, ProblemSet, PromptTemplate, load_problems, load_template
from knm.report.document import Report
from knm.report.schema import ProblemResult


@dataclass(frozen=True)
class Asked:
    """A problem's statement, and what stands before and after it in the prompt.

    `around` is None where the prompt is not known.
    """

    statement: str
    around: tuple[str, str] | None


def find_asked(
    reports: Sequence[Report], problems: str | None = None, prompt: str | None = None
) -> dict[str, Asked]:
    """Statements and prompts by problem.

    Args:
        reports: the first that has a problem says what it was asked.
        problems: the problem set; None for the packaged one, if the reports are of that.
        prompt: the template, where the report's own name for it does not find it.

    Raises:
        UserError: the problem set or the template cannot be read, or it is not what was asked.
    """
    problem_set = load_problems(problems or EMBEDDED)
    known = {problem.question_id: problem for problem in problem_set}
    asked: dict[str, Asked] = {}
    for report in reports:
        template = _template(report, prompt)
        same_set = report.hashes["problem_set"] == problem_set.content_hash
        for result, problem in _both(report, known):
            if problem.question_id not in asked:
                found = _asked(result, problem, template, report, same_set)
                asked |= {} if found is None else {problem.question_id: found}
    if problems is not None and not asked:
        raise _other(problems, problem_set, reports[0])
    return asked


def _both(report: Report, known: dict[str, Problem]) -> Iterator[tuple[ProblemResult, Problem]]:
    for result in report.results:
        if result.question_id in known:
            yield result, known[result.question_id]


def _template(report: Report, prompt: str | None) -> PromptTemplate | None:
    if prompt is not None:
        return load_template(prompt)
    name = report.configuration.get("prompt")
    try:
        found = load_template(name) if isinstance(name, str) else None
    except UserError:  # it was a file's, which lies elsewhere
        return None
    return found if found and found.content_hash == report.hashes["prompt"] else None


def _asked(
    result: ProblemResult,
    problem: Problem,
    template: PromptTemplate | None,
    report: Report,
    same_set: bool,
) -> Asked | None:
    """What a problem's model was asked, if that is certain."""
    statement = problem.question_content
    text = None
    if template is not None:
        try:
            language = check_noted(str(report.configuration.get("language")), str(report.path))
            text = template.render(statement, language)
        except UserError:  # a language that is unknown here, or was a file
            text = None
    if text is not None and result.prompt_hash is not None:
        if hash_bytes(text.encode()) != result.prompt_hash:
            return None
    elif not same_set:
        return None
    before, found, after = (text or "").partition(statement)
    return Asked(statement, (before, after) if found and text else None)


def _other(problems: str, problem_set: ProblemSet, report: Report) -> UserError:
    ids = {result.question_id for result in report.results}
    common = sum(problem.question_id in ids for problem in problem_set)
    return UserError(
        f"{named('problems')} {problems}: "
        + (
            f"its statements of the {common} problems that {report.path} has are not what the run "
            f"was asked; give the set of that run, and {named('prompt')} if its template was a file"
            if common
            else f"has none of the problems of {report.path}; give the set of that run"
        )
    )
