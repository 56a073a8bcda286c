"""What importers find, for tests: without a corpus, a sandbox or a command around them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from knm.gathering.importing import IMPORTERS, Found, Origin, Skips
from knm.journal import Journal


def write_files(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files by their paths below `root`."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def find(kind: str, *places: object, **options: Any) -> tuple[list[Found], Skips]:
    """What an importer finds in places, and what it passes over."""
    skips = Skips()
    origin = Origin(tuple(map(str, places)), **options)
    with Journal(Path(options.get("sources", places[0])).parent / "j.jsonl", "a test") as journal:
        return list(IMPORTERS[kind](origin).find(skips, journal)), skips


def reasons(skips: Skips) -> dict[str, str]:
    """Why each thing was passed over."""
    return {entry.name: entry.reason for entry in skips.entries}


def submission(number: object, index: str = "A", **changes: Any) -> dict[str, Any]:
    """A submission as the API tells it, accepted and of Lua."""
    return {
        "id": number,
        "contestId": 4,
        "creationTimeSeconds": 1_700_000_000,
        "problem": {
            "contestId": 4,
            "index": index,
            "name": "Watermelon",
            "type": "PROGRAMMING",
            "rating": 800,
            "tags": ["math"],
        },
        "author": {"contestId": 4, "members": [{"handle": "someone"}]},
        "programmingLanguage": "Lua",
        "verdict": "OK",
        "testset": "TESTS",
        "passedTestCount": 20,
        **changes,
    }


def write_answer(path: Path, submissions: list[dict[str, Any]]) -> Path:
    """A file with an answer of the API."""
    path.write_text(json.dumps({"status": "OK", "result": submissions}))
    return path
