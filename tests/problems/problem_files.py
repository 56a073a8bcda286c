"""Problem files for runs of the bench in tests."""

import json
from pathlib import Path
from typing import Any

from knm.packaged import EMBEDDED_PROBLEMS

ROOT = Path(__file__).parents[2]


def grammar_records(count: int) -> list[dict[str, Any]]:
    """The first records of the embedded grammar problems."""
    lines = (EMBEDDED_PROBLEMS / "grammar.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines[:count]]


def short_records(count: int) -> list[dict[str, Any]]:
    """Those of the embedded grammar problems that are solved in the fewest tokens: soon decoded."""
    return sorted(grammar_records(60), key=lambda record: len(record["reference"]))[:count]


def write_problems(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def without_tests(question_id: str) -> dict[str, Any]:
    """A record that no program can be judged on."""
    return {
        "question_id": question_id,
        "question_content": "Read one integer. Print the result.",
        "private_test_cases": "[]",
    }
