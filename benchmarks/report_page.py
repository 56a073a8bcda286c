"""Time and size of `knm report` on two runs of 499 problems, and how fast the page opens.

The runs are made from the committed reference reports: as many problems as LiveCodeBench's, with
programs of about 2,000 tokens, and in the second run 64 recorded changes of 4 neighbours each.
"""

import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

from tests.report.page.chromium import open_chromium

ROOT = Path(__file__).parent.parent

PROBLEMS = 499
PROGRAM_CHARACTERS = 6000
CHANGES = 64
NEIGHBOURS = 4
REPEATS = 5

FIRST_PAINT = """
new Promise((done) =>
  new PerformanceObserver((list) => {
    const [paint] = list.getEntriesByName("first-contentful-paint");
    if (paint) done(paint.startTime);
  }).observe({ type: "paint", buffered: true }))
"""


def synthetic_report(source: Path, target: Path, seed: int = 0) -> None:
    """Blow a report up to the size of a run of the reference setting."""
    document = json.loads(source.read_text())
    draw = random.Random(seed)
    programs = [test["metadata"]["knm"]["program"] or "" for test in document["tests"]]
    tests = []
    for number, test in enumerate(islice(cycle(document["tests"]), PROBLEMS)):
        name = f"lcb_{number:03d}_{test['metadata']['knm']['question_id']}"
        known = {**test["metadata"]["knm"], "question_id": name}
        known["program"] = _long_program(programs, number, draw)
        known["completion"] = f"```lua\n{known['program']}\n```"
        known["completion_tokens"] = len(_tokens(known["completion"]))
        if known["knn"]:
            known["knn"] = {**known["knn"], "changes": _changes(known["completion"], draw)}
        tests.append({**test, "nodeid": f"bench::{name}", "metadata": {"knm": known}})
    target.write_text(json.dumps({**document, "tests": tests}))


def _long_program(programs: Sequence[str], first: int, draw: random.Random) -> str:
    text, number = "", first
    while len(text) < PROGRAM_CHARACTERS:
        text += programs[number % len(programs)] + f"\n-- part {number} {draw.random():.12f}\n"
        number = draw.randrange(len(programs))
    return text.rstrip("\n")


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s*\w+|\s*[^\w\s]|\s+", text)


def _changes(text: str, draw: random.Random) -> list[dict[str, Any]]:
    tokens = _tokens(text)
    places = sorted(draw.sample(range(len(tokens)), CHANGES))
    return [
        {
            "position": place,
            "lm_token": draw.choice(tokens),
            "token": tokens[place],
            "neighbours": [
                {
                    "token": draw.choice((tokens[place], draw.choice(tokens))),
                    "distance": draw.uniform(1, 300),
                    "record": f"train-{draw.randrange(1228):05d}",
                    "offset": draw.randrange(400),
                }
                for _ in range(NEIGHBOURS)
            ],
        }
        for place in places
    ]


def _first_paint(page: Path) -> tuple[float, float]:
    """Milliseconds to the first contentful paint, and from a click to the first program."""
    with open_chromium() as browser:
        paints, opens = [], []
        for _ in range(REPEATS):
            tab = browser.new_page()
            tab.goto(page.as_uri())
            paints.append(float(tab.evaluate(FIRST_PAINT)))
            start = time.perf_counter()
            tab.keyboard.press("j")
            tab.wait_for_selector(".program")
            opens.append(1000 * (time.perf_counter() - start))
            tab.close()
    return median(paints), median(opens)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        reports = [folder / "baseline.json", folder / "knn.json"]
        for report in reports:
            synthetic_report(ROOT / "results" / report.name, report)
        page = folder / "report.html"
        command = [
            sys.executable,
            "-m",
            "knm.cli",
            "report",
            *map(str, reports),
            "--out",
            str(page),
        ]
        seconds = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
            seconds.append(time.perf_counter() - start)
        sizes = ", ".join(f"{report.stat().st_size / 1e6:.1f} MB" for report in reports)
        print(f"reports           {sizes}")
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = (spent.ru_utime + spent.ru_stime) / REPEATS
        print(
            f"knm report        {median(seconds):.2f} s (limit 5 s), {processor:.2f} s of processor"
        )
        print(f"page              {page.stat().st_size / 1e6:.2f} MB (limit 5 MB)")
        paint, opened = _first_paint(page)
        print(f"first paint       {paint:.0f} ms (limit 1000 ms)")
        print(f"problem opened in {opened:.0f} ms")


if __name__ == "__main__":
    main()
