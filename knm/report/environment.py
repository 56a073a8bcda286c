"""Where a run took place: code, packages, machine."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

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
    try:
        return version(package)
    except PackageNotFoundError:
        return None
