import json
import platform
import subprocess
from pathlib import Path

import pytest

import knm
from knm.report import environment_info


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.delenv("GIT_DIR", raising=False)
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "-c", "user.name=n", "-c", "user.email=e@x.y", "commit", "-q", "-m", "first")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", folder, *arguments], check=True)


def test_the_environment_names_versions_and_machine():
    info = environment_info(None)

    assert json.loads(json.dumps(info)) == info
    assert info["git"] is None
    assert info["python"] == platform.python_version()
    assert info["packages"]["knm"] == knm.__version__
    assert {"torch", "transformers"} <= info["packages"].keys()
    assert info["cpu_count"] >= 1


def test_a_clean_checkout_is_its_commit_and_a_change_makes_it_dirty(repository):
    clean = environment_info(repository)["git"]
    (repository / "untracked").write_text("note")
    with_note = environment_info(repository)["git"]
    (repository / "file").write_text("two")
    changed = environment_info(repository)["git"]

    assert len(clean["commit"]) == 40
    assert not clean["dirty"]
    assert with_note == clean
    assert changed == {"commit": clean["commit"], "dirty": True}


def test_without_a_checkout_or_without_git_there_is_no_commit(tmp_path, repository, monkeypatch):
    assert environment_info(tmp_path / "nowhere")["git"] is None
    monkeypatch.setenv("PATH", "")
    assert environment_info(repository)["git"] is None
