"""A model by hub id, from a local server that speaks the hub's protocol."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from knm.models import find_model, identify_model
from knm.packaged import EMBEDDED
from tests.hub_server import serve_model

# The hub client reads its endpoint from the environment when it is imported, so each case is
# a process of its own.
SCRIPT = """
from knm.errors import UserError
from knm.models import identify_model
try:
    print(identify_model("someone/small", "float32").tokenizer_hash)
except UserError as error:
    print(error)
"""


def identify(endpoint: str, cache: Path, name: str = "someone/small") -> str:
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(cache)}
    command = [sys.executable, "-c", SCRIPT.replace("someone/small", name)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def files() -> dict[str, bytes]:
    directory = find_model(EMBEDDED)
    names = ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
    return {
        **{name: (directory / name).read_bytes() for name in names},
        "model.safetensors": b"not weights",
        "pytorch_model.bin": b"a pickle that nobody asks for",
    }


def test_a_hub_model_is_downloaded_without_pickles_and_kept(files, tmp_path):
    with serve_model("someone/small", files) as endpoint:
        first = identify(endpoint, tmp_path)
    assert first == identify_model(EMBEDDED, "float32").tokenizer_hash
    kept = {path.name for path in tmp_path.rglob("snapshots/*/*")}
    assert kept == set(files) - {"pytorch_model.bin"}
    assert identify(endpoint, tmp_path) == first  # from the cache: the server is gone


def test_a_revision_is_named_behind_the_id(files, tmp_path):
    with serve_model("someone/small", files, branch="v1") as endpoint:
        found = identify(endpoint, tmp_path, "someone/small@v1")
        missing = identify(endpoint, tmp_path, "someone/small@v2")
    assert found == identify_model(EMBEDDED, "float32").tokenizer_hash
    assert missing.startswith("model someone/small@v2: ")


def test_an_unknown_hub_model_is_named(files, tmp_path):
    with serve_model("someone/else", files) as endpoint:
        message = identify(endpoint, tmp_path)
    assert message.startswith("model someone/small")


def test_a_hub_that_does_not_answer_is_named(tmp_path):
    assert "check the name, the network" in identify("http://127.0.0.1:9", tmp_path)
