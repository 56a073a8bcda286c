"""A verifier of others: it knows the fields that the Agnostics protocol promises, and no more.

Runs Python programs. What a program begins with may ask it to misbehave.
"""

import json
import pathlib
import subprocess
import sys
import time


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def run(request):
    unknown = request.keys() - {"code", "timeout_s", "test_cases"}
    if unknown:
        raise SystemExit(f"what is {unknown}?")
    pathlib.Path("/tmp/program.py").write_text(request["code"])
    for case in request["test_cases"]:
        try:
            ended = subprocess.run(
                [sys.executable, "/tmp/program.py"],
                input=case["input"].encode(),
                capture_output=True,
                timeout=request["timeout_s"],
            )
        except subprocess.TimeoutExpired:
            return {"result": "fail:timeout"}
        told = {
            "exit_code": ended.returncode,
            "stdout": ended.stdout.decode(),
            "stderr": ended.stderr.decode(),
        }
        if ended.returncode:
            return {"result": "fail:error"} | told
        if ended.stdout.decode().rstrip() != case["output"].rstrip():
            wrong = {"expected": case["output"], "got": ended.stdout.decode()}
            return {"result": "fail:wrong-output"} | wrong | told
    return {"result": "success"}


for line in sys.stdin:
    request = json.loads(line)
    match request["code"].split(maxsplit=1)[:1]:
        case ["#garbage"]:
            say("Traceback: this is no JSON\n")
        case ["#other"]:
            say('{"result": "fail:other"}\n')
        case ["#list"]:
            say("[1]\n")
        case ["#silence"]:
            time.sleep(3600)
        case ["#exit"]:
            raise SystemExit("out of order")
        case ["#twice"]:
            say('{"result": "success"}\n{"result": "success"}\n')
        case ["#pieces"]:
            for character in json.dumps({"result": "success", "stdout": "é"}) + "\n":
                say(character)
                time.sleep(0.002)
        case ["#huge"]:
            while True:
                say("x" * (1 << 20))
        case _:
            say(json.dumps(run(request)) + "\n")
