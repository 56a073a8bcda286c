"""Building the image: what goes into it, and what is said where it cannot be built."""

import ast
import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from knm import cli
from knm.errors import UserError
from knm.languages.execution import read_execution
from knm.languages.language import load_language, runnable_names
from knm.sandbox.docker.image import (
    CONTEXT_LABEL,
    ENTRYPOINT,
    PACKAGE,
    context_files,
    context_hash,
    open_rootfs,
)


def build(*arguments):
    command = [sys.executable, "-m", "knm.cli", "sandbox", "build", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent)


def test_context_holds_no_module_beyond_the_standard_library():
    files = context_files()
    for name, content in files.items():
        if not name.endswith(".py"):
            continue
        tree = ast.parse(content)
        for statement in tree.body:  # what is imported later, is imported where it is needed
            modules = []
            if isinstance(statement, ast.Import):
                modules = [alias.name for alias in statement.names]
            elif isinstance(statement, ast.ImportFrom) and not statement.level:
                modules = [statement.module or ""]
            for module in modules:
                package, *rest = module.split(".")
                if package == "knm":
                    path = "/".join(["verifier/knm", *rest])
                    assert f"{path}.py" in files or f"{path}/__init__.py" in files, (name, module)
                else:
                    assert package in sys.stdlib_module_names, (name, module)


def test_context_holds_every_language_complete():
    files = context_files()
    for name in runnable_names():
        description = json.loads(files[f"verifier/languages/{name}.json"])
        assert read_execution(name, description) == load_language(name).execution


def test_context_is_known_by_its_content(monkeypatch):
    before = context_hash()
    assert context_hash() == before
    monkeypatch.setattr("knm.sandbox.docker.image.MAIN", b"changed")
    assert context_hash() != before


def test_image_is_what_the_dockerfile_says(engine, own_image):
    image = engine.image(own_image)
    assert list(image.entrypoint) == ENTRYPOINT
    assert image.labels[CONTEXT_LABEL] == context_hash()
    assert image.labels["org.opencontainers.image.version"]
    assert engine.api.inspect_image(own_image)["Config"]["User"] == "65534:65534"


def test_build_reports_what_it_made(engine, own_image):
    tag = "knm-sandbox-test:built"
    built = build("--base", own_image, "--tag", tag, "--json")
    try:
        facts = json.loads(built.stdout)
        assert (facts["image"], facts["id"]) == (tag, engine.image(tag).id)
        assert "Step 1" in built.stderr
    finally:
        engine.api.remove_image(tag)


def test_absent_base_is_named_with_the_mend(engine):
    failed = build("--base", "no-such-base.invalid/image", "--tag", "never")
    assert failed.returncode == 2
    assert "knm: the base image no-such-base.invalid/image cannot be had" in failed.stderr
    assert "--rootfs" in failed.stderr


def test_absent_engine_is_named_with_the_mend(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    failed = build()
    assert failed.returncode == 2
    assert "/nowhere/docker.sock" in failed.stderr
    assert "DOCKER_HOST" in failed.stderr


def test_base_and_root_exclude_each_other():
    result = CliRunner().invoke(cli.app, ["sandbox", "build", "--base", "a", "--rootfs", "b"])
    assert isinstance(result.exception, UserError)


@pytest.mark.parametrize("name", ["nothing", "."])
def test_root_that_is_none_is_refused(tmp_path, name):
    with (
        pytest.raises(UserError, match="neither the root of a system nor a tar file"),
        open_rootfs(tmp_path / name),
    ):
        pass


def test_root_is_read_from_a_directory_or_a_file(tmp_path):
    (tmp_path / "root" / "bin").mkdir(parents=True)
    with open_rootfs(tmp_path / "root") as archive:
        data = archive.read()
    (tmp_path / "root.tar").write_bytes(data)
    with open_rootfs(tmp_path / "root.tar") as archive:
        assert archive.read() == data
    listed = subprocess.run(["tar", "-t"], input=data, stdout=subprocess.PIPE, check=True)
    assert listed.stdout.split() == [b"./", b"./bin/"]
