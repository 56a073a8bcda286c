"""What is known of a run before its first result: its settings, and where it takes place."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from knm.codec import to_json
from knm.errors import UserError
from knm.report.schema import SCHEMA_VERSION, ProblemResult, check_version
from knm.report.summary import summarize

REQUIRED_HASHES: Final = ("problem_set", "prompt")
"""Without these nobody could say which runs may be compared."""

PACKAGES: Final = (
    "knm",
    "faiss-cpu",
    "gguf",
    "lupa",
    "numpy",
    "pytest",
    "pytest-json-report",
    "pytest-xdist",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
)
"""Distributions whose version can change what a run gives."""


@dataclass(frozen=True)
class RunHeader:
    """The settings of a run.

    `configuration` is the run's in full, with `language`, `limits` and `max_new_tokens` at its top;
    `hashes` has at least `problem_set` and `prompt`; `environment` is that of `environment_info`.
    `selected` is the number of problems that the run set out to do, None where that is not known;
    `created` is the time of its start, in seconds.
    """

    configuration: dict[str, Any]
    hashes: dict[str, Any]
    environment: dict[str, Any]
    selected: int | None
    created: float

    def __post_init__(self) -> None:
        missing = [name for name in REQUIRED_HASHES if not self.hashes.get(name)]
        assert not missing, f"a report needs the hashes {missing}"

    def section(self, results: Sequence[ProblemResult]) -> dict[str, Any]:
        """The top-level `knm` section of the run's report, plain JSON.

        Times are in `throughput` alone, so the rest is the same for identical runs on one machine.
        """
        totals = summarize(results)
        return {
            "schema_version": SCHEMA_VERSION,
            "configuration": self.configuration,
            "hashes": self.hashes,
            "selected": self.selected,
            "totals": totals.to_json(),
            "throughput": to_json(totals.throughput),
            "environment": self.environment,
        }

    def to_json(self) -> dict[str, Any]:
        """The first line of a stream."""
        return {"knm_stream": SCHEMA_VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any], where: str) -> "RunHeader":
        """Read the first line of a stream back; `where` names its place in errors.

        Raises:
            UserError: it is malformed, or of a newer version.
        """
        check_version(value.get("knm_stream"), "knm_stream", where)
        configuration, hashes = value.get("configuration"), value.get("hashes")
        environment, created = value.get("environment"), value.get("created")
        if (
            not isinstance(configuration, dict)
            or not isinstance(hashes, dict)
            or not isinstance(environment, dict)
            or not isinstance(created, int | float)
        ):
            raise UserError(f"{where}: a damaged header; run the bench again")
        check_hashes(hashes, where)
        return cls(configuration, hashes, environment, value.get("selected"), created)


def check_hashes(hashes: Mapping[str, Any], where: str) -> None:
    """Refuse hashes that would not say what was run.

    Raises:
        UserError: one that is needed is not there.
    """
    for name in REQUIRED_HASHES:
        if not hashes.get(name):
            raise UserError(f"{where}: `hashes` lacks `{name}`; run the bench again")


def environment_info(repository: Path | None) -> dict[str, Any]:
    """Plain JSON for a report's `environment`.

    `git` is None when `repository` is None or not a checkout with a commit, or git is not there;
    `dirty` is git's own notion: a tracked file differs from the commit.
    """
    return {
        "git": None if repository is None else _git(repository),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
    }


def _git(repository: Path) -> dict[str, Any] | None:
    try:
        commit = _run_git(repository, "rev-parse", "--verify", "HEAD")
        changes = _run_git(repository, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "dirty": bool(changes)}


def _run_git(repository: Path, *arguments: str) -> str:
    # Without optional locks, lest a report disturb a git command of the user's.
    return subprocess.run(
        ["git", "--no-optional-locks", "-C", str(repository), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=20,
    ).stdout.strip()


def _version(package: str) -> str | None:
    # Slow to load, and needed here alone.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None
