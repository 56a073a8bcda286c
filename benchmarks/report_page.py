"""Time and size of `knm report` on two runs of 499 problems, and how fast the page opens.

    python -m benchmarks.report_page [--samples N] [--repeats N]

The runs are made from the committed reference reports: as many problems as LiveCodeBench's, with
programs of about 2,000 tokens, a failing test, and in the second run 64 recorded changes of 4
neighbours each.
"""

import argparse
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, cycle, islice
from pathlib import Path
from statistics import median

from knm.jsonio import write_json
from knm.records import Neighbour, TokenChange
from knm.report import SCHEMA_VERSION, ProblemResult, Sample, judged_test, load_report
from tests.report.page.chromium import open_chromium

ROOT = Path(__file__).parent.parent

PROBLEMS = 499
PROGRAM_CHARACTERS = 6000
CHANGES = 64
NEIGHBOURS = 4
OUTPUT_NUMBERS = 40

FIRST_PAINT = """
new Promise((done) =>
  new PerformanceObserver((list) => {
    const [paint] = list.getEntriesByName("first-contentful-paint");
    if (paint) done(paint.startTime);
  }).observe({ type: "paint", buffered: true }))
"""


def synthetic_report(source: Path, target: Path, samples: int, seed: int = 0) -> None:
    """Blow a report up to the size of a run of the reference setting."""
    report = load_report(source)
    draw = random.Random(seed)
    programs = [result.program or "" for result in report.results]
    tests = []
    for number, result in enumerate(islice(cycle(report.results), PROBLEMS)):
        name = f"lcb_{number:03d}_{result.question_id}"
        made = tuple(_sample(result, name, programs, number, draw) for _ in range(samples))
        grown = replace(result, question_id=name, samples=made, fields={"difficulty": number % 3})
        tests.append(judged_test(grown, ""))
    section = {**report.section, "schema_version": SCHEMA_VERSION}
    write_json(target, {"tests": tests, "knm": section})


def _sample(
    result: ProblemResult, name: str, programs: Sequence[str], number: int, draw: random.Random
) -> Sample:
    program = _long_program(programs, number, draw)
    text = f"```lua\n{program}\n```"
    completion = result.sample.completion
    assert completion is not None
    done = completion.interventions
    grown = replace(
        completion,
        id=name,
        text=text,
        completion_tokens=len(_tokens(text)),
        interventions=done and replace(done, changes=_changes(text, draw)),
    )
    output = " ".join(str(draw.randrange(10**6)) for _ in range(OUTPUT_NUMBERS))
    judgement = replace(result.judgement, failing_input=output, expected=output, got=output[7:])
    return Sample(grown, program, judgement)


def _long_program(programs: Sequence[str], first: int, draw: random.Random) -> str:
    text, number = "", first
    while len(text) < PROGRAM_CHARACTERS:
        text += programs[number % len(programs)] + f"\n-- part {number} {draw.random():.12f}\n"
        number = draw.randrange(len(programs))
    return text.rstrip("\n")


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s*\w+|\s*[^\w\s]|\s+", text)


def _changes(text: str, draw: random.Random) -> tuple[TokenChange, ...]:
    tokens = _tokens(text)
    places = sorted(draw.sample(range(len(tokens)), CHANGES))
    starts = list(accumulate(map(len, tokens), initial=0))
    return tuple(
        TokenChange(
            position=place,
            start=starts[place],
            lm_token=draw.choice(tokens),
            token=tokens[place],
            neighbours=tuple(
                Neighbour(
                    token=draw.choice((tokens[place], draw.choice(tokens))),
                    distance=draw.uniform(1, 300),
                    record=f"train-{draw.randrange(1228):05d}",
                    offset=draw.randrange(400),
                )
                for _ in range(NEIGHBOURS)
            ),
        )
        for place in places
    )


def _first_paint(page: Path, repeats: int) -> tuple[float, float]:
    """Milliseconds to the first contentful paint, and from a click to the first program."""
    with open_chromium() as browser:
        paints, opens = [], []
        for _ in range(repeats):
            tab = browser.new_page()
            tab.goto(page.as_uri())
            paints.append(float(tab.evaluate(FIRST_PAINT)))
            start = time.perf_counter()
            tab.keyboard.press("j")
            tab.wait_for_selector(".program >> nth=0")
            opens.append(1000 * (time.perf_counter() - start))
            tab.close()
    return median(paints), median(opens)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        reports = [folder / "baseline.json", folder / "knn.json"]
        for report in reports:
            synthetic_report(ROOT / "results" / report.name, report, options.samples)
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
        for _ in range(options.repeats):
            start = time.perf_counter()
            subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
            seconds.append(time.perf_counter() - start)
        sizes = ", ".join(f"{report.stat().st_size / 1e6:.1f} MB" for report in reports)
        print(f"reports           {sizes}")
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = (spent.ru_utime + spent.ru_stime) / options.repeats
        print(
            f"knm report        {median(seconds):.2f} s (limit 5 s), {processor:.2f} s of processor"
        )
        print(f"page              {page.stat().st_size / 1e6:.2f} MB (limit 8 MB)")
        paint, opened = _first_paint(page, options.repeats)
        print(f"first paint       {paint:.0f} ms (limit 1000 ms)")
        print(f"problem opened in {opened:.0f} ms")


if __name__ == "__main__":
    main()
