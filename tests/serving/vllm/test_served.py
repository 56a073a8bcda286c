"""vLLM itself, on the CPU, with the datastore behind its head: `tox run -e vllm`."""

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from benchmarks.vllm_plugin import (
    RANKS_VARIABLE,
    Agreement,
    Written,
    bench_prompts,
    compare,
    end_ids,
    run_child,
)
from knm.packaged import EMBEDDED_MODEL
from knm.serving.process import listen

pytestmark = pytest.mark.skipif(
    find_spec("vllm") is None, reason="needs vLLM: tox run -e vllm, or an environment that has it"
)
PROBLEMS = 6
LENGTH = 200
PRESET = "extends: dense\ncheck_copies: true\nsupport: 0.05\n"  # reads the text so far
STARTED = 300.0  # seconds


class Bench:
    """What engines write for a few problems of the bench, each in a process of its own."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings
        self.prompts = bench_prompts(PROBLEMS)
        self.ends = end_ids()
        self._written: dict[str, Written] = {}

    def write(self, engine: str, **changes: str | None) -> Written:
        """`changes` are of the settings; None leaves one out."""
        key = json.dumps([engine, changes])
        if key not in self._written:
            settings = {**self.settings, **changes}
            environment = {name: text for name, text in settings.items() if text is not None}
            self._written[key] = run_child(
                engine, self.prompts, self.ends, environment, length=LENGTH
            )
        return self._written[key]

    def compare(self, one: Written, other: Written) -> Agreement:
        """Count equal completions, and those that part where the corrected vLLM has a tie."""
        return compare(one, other, self.settings, self.prompts, self.ends, length=LENGTH)


@pytest.fixture(scope="module")
def bench(small_store, tmp_path_factory) -> Bench:
    preset = tmp_path_factory.mktemp("presets") / "reading.yaml"
    preset.write_text(PRESET)
    return Bench({"KNM_DATASTORE": str(small_store.path), "KNM_PRESET": str(preset)})


def test_weight_0_is_plain_vllm(bench):
    plain = bench.write("vllm", KNM_DATASTORE=None, KNM_PRESET=None)
    assert bench.write("vllm", KNM_KNN_LAMBDA="0").tokens == plain.tokens


def test_corrected_completions_are_those_of_our_engine(bench):
    corrected, ours = bench.write("vllm"), bench.write("ours")
    agreement = bench.compare(ours, corrected)
    assert agreement.equal + agreement.ties == PROBLEMS
    assert agreement.equal >= PROBLEMS - 2
    plain = bench.write("vllm", KNM_DATASTORE=None, KNM_PRESET=None)
    assert compare(plain, corrected, None).equal < PROBLEMS


def test_two_ranks_that_share_a_model_write_the_same(bench):
    corrected, divided = bench.write("vllm"), bench.write("vllm", **{RANKS_VARIABLE: "2"})
    agreement = compare(
        corrected, divided, bench.settings, bench.prompts, bench.ends, length=LENGTH
    )
    assert agreement.equal + agreement.ties == PROBLEMS


def test_vllm_serve_is_a_corrected_server(bench, tmp_path):
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(serve("--port", str(port)), **output(log, bench.settings))
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server, tmp_path / "log")
            asked = {
                "model": str(EMBEDDED_MODEL),
                "prompt": bench.prompts[:2],
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
    assert written == bench.write("vllm").tokens[:2]


def test_a_datastore_of_another_model_is_refused_before_anything_is_loaded(bench, tmp_path):
    other = tmp_path / "model"
    other.mkdir()
    for file in EMBEDDED_MODEL.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 1e-3}))
    log = tmp_path / "log"
    with log.open("w") as stream:
        server = subprocess.Popen(serve(model=other), **output(stream, bench.settings))
        assert server.wait(STARTED) != 0
    assert "config.json" in log.read_text()
    assert "UserError" in log.read_text()


def serve(*more: str, model: Path = EMBEDDED_MODEL) -> list[str]:
    """The command, with what makes it small."""
    small = ["--dtype=float32", "--max-model-len=2048", "--enforce-eager", "--max-num-seqs=4"]
    command = [sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", str(model)]
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
