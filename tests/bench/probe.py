"""A pytest plugin for runs of the bench in tests: says what each process took, and turns the order.

`KNM_PROBE` names a directory for the figures; with `KNM_REVERSED` the last problem comes first.
`KNM_PROBE_FILE` names a file, and the figures tell how often it was opened.
"""

import json
import os
import sys
from pathlib import Path

import pytest

OPENED: list[str] = []


def watch_files(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and str(arguments[0]) == os.environ.get("KNM_PROBE_FILE"):
        OPENED.append(event)


sys.addaudithook(watch_files)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("KNM_REVERSED"):
        items.reverse()


def pytest_sessionfinish(session: pytest.Session) -> None:
    worker = getattr(session.config, "workerinput", {}).get("workerid", "controller")
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    figures = {
        "peak_mb": int(peak.split()[1]) / 1024,
        "opened": len(OPENED),
        "heavy": sorted({"torch", "transformers", "faiss"} & sys.modules.keys()),
    }
    Path(os.environ["KNM_PROBE"], f"{worker}.json").write_text(json.dumps(figures))
