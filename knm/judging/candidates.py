"""Completions in files: a report of ours, or the JSONL of the reference harness.

A line of the latter is `{"question_id", "solution", "reasoning"}`: the program (null where there is
none) and what was written around it. Several lines of one problem are its samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError, named
from knm.hashing import hash_file
from knm.jsonio import read_jsonl, write_jsonl
from knm.judging.attempts import Attempt, Candidate, KeptFault
from knm.languages.descriptions import check_noted
from knm.languages.language import DEFAULT_LANGUAGE, load_language
from knm.problems import fence_program
from knm.records import Completion
from knm.report import Report, Sample, load_report
from knm.report.stream import HEADER_KEY

UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class CandidateFile:
    """Completions by problem, one for each sample, and what is known of how they were made.

    `report` is what the file is, judged or only decoded, and None if it is JSONL. `language` is
    that of the programs. `asked` are hashes of prompts, by problem, as far as they are known.
    """

    report: Report | None
    configuration: dict[str, Any]
    hashes: dict[str, Any]
    language: str
    by_problem: dict[str, tuple[Attempt, ...]]
    asked: dict[str, str | None]

    @property
    def judged(self) -> bool:
        """Whether it holds verdicts already."""
        return self.report is not None and all(each.judged for each in self.report.results)


def load_candidates(path: Path, language: str | None = None) -> CandidateFile:
    """Read completions; programs are taken out of those of a report anew.

    Their `language` is by default what the report says, and else `DEFAULT_LANGUAGE`.

    Raises:
        UserError: the file is missing, malformed, or holds no completion, or a report's language is
            a file.
    """
    found = (
        _of_report(path, language)
        if path.suffix == ".json"
        else _of_jsonl(path, language or DEFAULT_LANGUAGE)
    )
    attempts = chain.from_iterable(found.by_problem.values())
    if not any(isinstance(attempt, Candidate) for attempt in attempts):
        raise UserError(f"{path}: no completions in it")
    return found


def export_candidates(report: Report, path: Path) -> int:
    """Write a report's completions as JSONL of the reference harness; returns how many lines."""
    rows = [
        {
            "question_id": result.question_id,
            "solution": sample.program,
            "reasoning": sample.text or "",
        }
        for result in report.results
        for sample in result.samples
    ]
    write_jsonl(path, rows)
    return len(rows)


def _of_report(path: Path, language: str | None) -> CandidateFile:
    report = load_report(path, unjudged=True)
    language = language or _told_language(report)
    return CandidateFile(
        report,
        report.configuration,
        report.hashes,
        language,
        {
            result.question_id: tuple(_attempt(each, language) for each in result.samples)
            for result in report.results
        },
        {result.question_id: result.prompt_hash for result in report.results},
    )


def _told_language(report: Report) -> str:
    """The language that a report says its programs are in; another machine may lack it."""
    told = str(report.configuration.get("language", DEFAULT_LANGUAGE))
    check_noted(told, str(report.path), f"give it by {named('language')}")
    try:
        load_language(told)
    except UserError as error:
        raise UserError(
            f"{report.path}: the language of its programs: {error}; say where it is here with "
            f"{named('language')}"
        ) from None
    return told


def _attempt(sample: Sample, language: str) -> Attempt:
    """What is to be judged; a fault of the engine is one still, all others judging may mend."""
    if sample.completion is None:
        return KeptFault(sample.judgement)
    return Candidate.of(sample.completion, language)


def _of_jsonl(path: Path, language: str) -> CandidateFile:
    by_problem: dict[str, tuple[Attempt, ...]] = {}
    for number, row in read_jsonl(path):
        question_id, candidate = _read_row(row, f"{path}:{number}", language)
        by_problem[question_id] = (*by_problem.get(question_id, ()), candidate)
    samples = max(map(len, by_problem.values()), default=1)
    return CandidateFile(
        None,
        {"model": UNKNOWN, "prompt": UNKNOWN, "max_new_tokens": None, "samples": samples},
        {"prompt": UNKNOWN, "completions": hash_file(path)},
        language,
        by_problem,
        {},
    )


def _read_row(row: Mapping[str, Any], where: str, language: str) -> tuple[str, Candidate]:
    if HEADER_KEY in row:
        path = where.rpartition(":")[0]
        raise UserError(
            f"{where}: a run's stream, not its completions; make the report of it with `knm report "
            f"finish {path}`, and give that"
        )
    question_id, program = row.get("question_id"), row.get("solution")
    reasoning = row.get("reasoning") or ""
    if not isinstance(question_id, str):
        raise UserError(f"{where}: `question_id` is not a string; give each line its problem's id")
    if "solution" not in row or not isinstance(program, str | None):
        raise UserError(f"{where}: `solution` is neither a program nor null")
    if not isinstance(reasoning, str):
        raise UserError(f"{where}: `reasoning` is not a string")
    if program is not None and not program.strip():
        program = None
    written = reasoning
    if program is not None and program not in reasoning:
        written = "\n\n".join(filter(None, (reasoning, fence_program(program, language))))
    return question_id, Candidate(_unknown(question_id, written), program, language)


def candidate_of(name: str, program: str, language: str) -> Candidate:
    """A program that nobody was asked for, to be judged as a completion that is nothing else."""
    return Candidate(_unknown(name, fence_program(program, language)), program, language)


def _unknown(question_id: str, text: str) -> Completion:
    """A completion of which nothing else is known."""
    return Completion(
        id=question_id,
        text=text,
        finish_reason=None,
        prompt_tokens=0,
        completion_tokens=0,
        seconds=0.0,
        interventions=None,
    )
