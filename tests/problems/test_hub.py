import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from knm.errors import UserError
from knm.problems import TestCase, encode_private_tests, load_problems
from knm.problems.hub import fetch_test_split
from tests.hub_server import serve_dataset
from tests.problems.test_loading import record, write_parquet

REPO = "own/problems"
# Nothing listens on the discard port of this machine.
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests talk to a server of their own, whatever the environment says of the real hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_the_test_split_is_fetched_and_nothing_else(tmp_path):
    files = {
        "README.md": b"read me",
        "data/train-00000-of-00001.parquet": b"train",
        "data/test-00001-of-00002.parquet": b"second",
        "data/test-00000-of-00002.parquet": b"first",
    }
    with serve_dataset(REPO, files) as endpoint:
        paths = fetch_test_split(REPO, endpoint=endpoint, cache_dir=tmp_path)
    assert [path.read_bytes() for path in paths] == [b"first", b"second"]
    assert names(paths) == ["test-00000-of-00002.parquet", "test-00001-of-00002.parquet"]
    assert not list(tmp_path.rglob("train*"))


@pytest.mark.parametrize("name", ["test.jsonl", "test-extra.parquet", "data/test.jsonl"])
def test_other_usual_places_of_a_split_are_known(name, tmp_path):
    with serve_dataset(REPO, {name: b"content"}) as endpoint:
        (path,) = fetch_test_split(REPO, endpoint=endpoint, cache_dir=tmp_path)
    assert path.read_bytes() == b"content"


def test_an_earlier_download_serves_without_a_connection(tmp_path):
    with serve_dataset(REPO, {"test.jsonl": b"content"}) as endpoint:
        before = fetch_test_split(REPO, endpoint=endpoint, cache_dir=tmp_path)
    assert fetch_test_split(REPO, endpoint=NOBODY, cache_dir=tmp_path) == before


def test_without_a_connection_the_error_names_hub_and_mend(tmp_path):
    with pytest.raises(UserError) as raised:
        fetch_test_split(REPO, endpoint=NOBODY, cache_dir=tmp_path)
    message = str(raised.value)
    assert f"{REPO}: no such file or directory here, and the hub at {NOBODY}" in message
    assert "HF_ENDPOINT" in message


def test_an_unknown_data_set_is_an_error_that_names_it(tmp_path):
    with (
        serve_dataset(REPO, {}) as endpoint,
        pytest.raises(UserError, match=r"own/other: .* no such data set on the hub"),
    ):
        fetch_test_split("own/other", endpoint=endpoint, cache_dir=tmp_path)


def test_a_revision_is_named_behind_the_id(tmp_path):
    with serve_dataset(REPO, {"test.jsonl": b"content"}, branch="v1") as endpoint:
        (path,) = fetch_test_split(f"{REPO}@v1", endpoint=endpoint, cache_dir=tmp_path)
        assert path.read_bytes() == b"content"
        with pytest.raises(UserError, match="own/problems@v2: .* no revision 'v2' on the hub"):
            fetch_test_split(f"{REPO}@v2", endpoint=endpoint, cache_dir=tmp_path)


def test_a_gated_data_set_is_an_error_that_says_how_to_get_in(tmp_path):
    with (
        serve_dataset(REPO, {}) as endpoint,
        pytest.raises(UserError, match=r"own/gated: gated .* accept its terms .* HF_TOKEN"),
    ):
        fetch_test_split("own/gated", endpoint=endpoint, cache_dir=tmp_path)


def test_a_data_set_without_a_test_split_is_an_error(tmp_path):
    with (
        serve_dataset(REPO, {"data/train-00000-of-00001.parquet": b"train"}) as endpoint,
        pytest.raises(UserError, match="own/problems: the data set has no test split"),
    ):
        fetch_test_split(REPO, endpoint=endpoint, cache_dir=tmp_path)


def test_what_exists_here_is_not_looked_for_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = tmp_path / "own" / "problems"
    here.mkdir(parents=True)
    (here / "a.jsonl").write_text(json.dumps(record(0)))
    assert len(load_problems(REPO)) == 1


def test_a_hub_id_loads_from_the_endpoint_of_the_environment(tmp_path):
    path = write_parquet(tmp_path / "shard", [record(index) for index in range(3)])
    program = (
        "from knm.problems import load_problems\n"
        f"problems = load_problems({REPO!r})\n"
        "print(problems.name, len(problems), problems.by_id('abc2_a').tests.load())\n"
    )
    with serve_dataset(REPO, {"data/test-00000-of-00001.parquet": path.read_bytes()}) as endpoint:
        environment = os.environ | {
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(tmp_path / "home"),
            "HF_HUB_OFFLINE": "0",
            "TRANSFORMERS_OFFLINE": "0",
        }
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
    expected = (TestCase("2\n", "4\n"), TestCase("0\n", "0\n"))
    assert done.stdout == f"{REPO} 3 {expected}\n", done.stderr
    assert encode_private_tests(expected) == record(2)["private_test_cases"]


def test_a_part_of_a_data_set_is_a_folder_of_it(tmp_path):
    files = {
        "humaneval-lua/test-00000-of-00001.parquet": b"lua",
        "humaneval-r/test-00000-of-00001.parquet": b"r",
    }
    with serve_dataset(REPO, files) as endpoint:
        paths = fetch_test_split(REPO, "humaneval-lua", endpoint=endpoint, cache_dir=tmp_path)
        with pytest.raises(UserError, match=r"no test split \(none of mbpp-lua/data/test-"):
            fetch_test_split(REPO, "mbpp-lua", endpoint=endpoint, cache_dir=tmp_path)
    assert [path.read_bytes() for path in paths] == [b"lua"]
    assert not list(tmp_path.rglob("humaneval-r"))
