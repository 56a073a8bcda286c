"""Builds the packaged `contest.jsonl` from the problem modules of this folder."""

from importlib import import_module
from pathlib import Path
from typing import Any

from bench.authoring.authored import Authored, record
from knm.jsonio import write_jsonl
from knm.packaged import EMBEDDED_PROBLEMS

FOLDER = Path(__file__).parent
CONTEST_FILE = EMBEDDED_PROBLEMS / "contest.jsonl"
MODULE_PATTERNS = ("beginner_*.py", "abc_*.py", "codeforces_*.py")


def authored_problems() -> list[Authored]:
    """All problems of the folder's modules, ordered by id.

    Raises:
        ValueError: two problems have the same id.
    """
    paths = sorted(path for pattern in MODULE_PATTERNS for path in FOLDER.glob(pattern))
    by_id: dict[str, Authored] = {}
    for path in paths:
        for problem in import_module(f"{__package__}.{path.stem}").PROBLEMS:
            if problem.question_id in by_id:
                raise ValueError(f"{path.name}: {problem.question_id} exists already")
            by_id[problem.question_id] = problem
    return [by_id[question_id] for question_id in sorted(by_id)]


def contest_records() -> list[dict[str, Any]]:
    """The records of all authored problems, ordered by id."""
    return [record(problem) for problem in authored_problems()]


def main() -> None:
    """Write the contest file."""
    records = contest_records()
    write_jsonl(CONTEST_FILE, records)
    print(f"{CONTEST_FILE}: {len(records)} problems")


if __name__ == "__main__":
    main()
