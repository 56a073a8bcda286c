"""Completions in files: a report of ours, or the JSONL of the reference harness.

A line of the latter is `{"question_id", "solution", "reasoning"}`: the program (null where there is
none) and what was written around it. Several lines of one problem are its samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError
from knm.hashing import hash_file
from knm.jsonio import read_jsonl, write_jsonl
from knm.judging.attempts import Candidate
from knm.problems import fence_program
from knm.records import Completion
from knm.report import Report, load_report

UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class CandidateFile:
    """Completions by problem, one for each sample, and what is known of how they were made.

    `report` is what the file is, None if it is JSONL. `asked` are hashes of prompts, by problem, as
    far as they are known.
    """

    report: Report | None
    configuration: dict[str, Any]
    hashes: dict[str, Any]
    by_problem: dict[str, tuple[Candidate, ...]]
    asked: dict[str, str | None]


def load_candidates(path: Path, language: str) -> CandidateFile:
    """Read completions; programs are taken out of those of a report anew.

    Raises:
        UserError: the file is missing, malformed, or holds no completion.
    """
    found = _of_report(path, language) if path.suffix == ".json" else _of_jsonl(path, language)
    if not found.by_problem:
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


def _of_report(path: Path, language: str) -> CandidateFile:
    report = load_report(path)
    return CandidateFile(
        report,
        report.configuration,
        report.hashes,
        {
            result.question_id: tuple(Candidate.of(each, language) for each in result.completions)
            for result in report.results
            # The engine did its part; the judge's faults are what judging again may mend.
            if len(result.completions) == len(result.samples)
        },
        {result.question_id: result.prompt_hash for result in report.results},
    )


def _of_jsonl(path: Path, language: str) -> CandidateFile:
    by_problem: dict[str, tuple[Candidate, ...]] = {}
    for number, row in read_jsonl(path):
        question_id, candidate = _read_row(row, f"{path}:{number}", language)
        by_problem[question_id] = (*by_problem.get(question_id, ()), candidate)
    samples = max(map(len, by_problem.values()), default=1)
    return CandidateFile(
        None,
        {"model": UNKNOWN, "prompt": UNKNOWN, "max_new_tokens": None, "samples": samples},
        {"prompt": UNKNOWN, "completions": hash_file(path)},
        by_problem,
        {},
    )


def _read_row(row: Mapping[str, Any], where: str, language: str) -> tuple[str, Candidate]:
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
