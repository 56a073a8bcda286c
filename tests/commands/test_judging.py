"""`knm judge` as a process: what Ctrl-C leaves."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest

from knm.report import read_stream, stream_path
from tests.bench.processes import clean_environment
from tests.problems.problem_files import ROOT, grammar_records, write_problems


@pytest.mark.usefixtures("sandbox")
def test_an_interrupted_call_says_how_many_are_judged(tmp_path):
    records = grammar_records(40)
    problems = write_problems(tmp_path / "set.jsonl", records)
    completions, out = tmp_path / "completions.jsonl", tmp_path / "judged.json"
    endless = "local t = os.clock() while os.clock() - t < 0.2 do end"
    completions.write_text(
        "".join(
            json.dumps({"question_id": record["question_id"], "solution": endless}) + "\n"
            for record in records
        )
    )
    command = [*(sys.executable, "-m", "knm.cli", "judge", "--out", out)]
    command += ["--completions", completions, "--problems", problems]
    environment = clean_environment() | {"KNM_CACHE_DIR": str(tmp_path / "kept")}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        give_up = time.monotonic() + 30
        while not (stream_path(out).exists() and read_stream(stream_path(out)).results):
            assert time.monotonic() < give_up
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    judged = len(read_stream(stream_path(out)).results)
    assert 0 < judged < 40
    assert re.search(rf"^knm: interrupted: {judged} of 40 problems are judged", said, re.MULTILINE)
    assert "Traceback" not in said
