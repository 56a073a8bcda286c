"""Reports against their JSON Schema, `report.schema.json` beside this module.

The schema states what a report of the current version holds; the loader is more patient (it reads
older versions, and checks only what it needs).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from knm.jsonio import read_json

SCHEMA_FILE: Final = Path(__file__).with_name("report.schema.json")


def validate_document(document: Any) -> Iterator[str]:
    """What is wrong with a report of the current version, each with its place; nothing if valid."""
    from jsonschema import Draft202012Validator  # slow to load, and needed here alone

    validator = Draft202012Validator(read_json(SCHEMA_FILE))
    for error in sorted(validator.iter_errors(document), key=lambda error: error.json_path):
        yield f"{error.json_path}: {error.message:.200}"
