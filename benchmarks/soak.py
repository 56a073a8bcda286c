"""Many judgements in a row on one sandbox: does anything grow, does any verdict vary?

    python -m benchmarks.soak --sandbox docker --count 10000

Prints, before and after, the resident memory, descriptors and processes of this process and of the
verifier's, and the number of containers; exits with 1 if a verdict varied or processes, descriptors
or containers grew. Figures of a container's processes need an engine on this host.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from knm.jsonio import dumps
from knm.progress import progress_bar
from knm.sandbox import Limits, Sandbox, open_sandbox
from knm.testcases import TestCase

TESTS = tuple(TestCase(f"{a} {b}\n", f"{a + b}\n") for a, b in ((1, 2), (10, -4), (0, 0)))
SUM = 'local a, b = io.read("*n", "*n") print(a + b)'
PROGRAMS = (
    SUM,
    "print(1)",
    "x = = 1",
    "local x print(x.y)",
    "error({})",
    "os.exit(3)",
    "os.execute('id') io.popen('id') " + SUM,
    "io.open('/tmp/left', 'w') " + SUM,
    "io.stderr:write(('x'):rep(2 ^ 18)) " + SUM,
    "io.write(('x'):rep(2 ^ 18))",
    "while true do print(1) end",
    "local t = {} while true do t[#t + 1] = ('x'):rep(2 ^ 20) .. #t end",
    "require('ffi').cast('int *', 0)[0] = 1",
    "io.write('\\255\\0')",
)
# Costs its whole limit, so it comes once in so many judgements.
ENDLESS, SELDOM = "while true do end", 50
LIMITS = Limits(cpu_seconds=0.2, wall_seconds=20, memory_bytes=64 << 20, output_bytes=1 << 20)
WARM_UP = 200
SETTLING_SECONDS = 5.0


@dataclass(frozen=True)
class Figures:
    """What is in use. Sizes in KiB."""

    own_memory: int
    own_descriptors: int
    verifier_processes: int
    verifier_memory: int
    verifier_descriptors: int
    containers: int

    def grown(self, later: "Figures") -> list[str]:
        """What later figures have more of, memory aside."""
        return [
            name
            for name, value in asdict(later).items()
            if not name.endswith("memory") and value > getattr(self, name)
        ]


def measure(sandbox: Sandbox) -> Figures:
    """The figures of now."""
    containers = contained(sandbox)
    verifiers = [pid for pids in containers for pid in pids] or list(descendants(os.getpid()))
    return Figures(
        own_memory=memory(os.getpid()),
        own_descriptors=descriptors(os.getpid()),
        verifier_processes=len(verifiers),
        verifier_memory=sum(map(memory, verifiers)),
        verifier_descriptors=sum(map(descriptors, verifiers)),
        containers=len(containers),
    )


def contained(sandbox: Sandbox) -> list[list[int]]:
    """The processes of each container of a Docker sandbox."""
    from knm.sandbox.docker.backend import DockerSandbox
    from knm.sandbox.docker.ownership import RUN

    if not isinstance(sandbox, DockerSandbox):
        return []
    engine = sandbox.engine
    names = engine.containers(f"{RUN}={sandbox.labels[RUN]}")
    tables = [engine.api.top(name) for name in names]
    return [
        [int(row[table["Titles"].index("PID")]) for row in table["Processes"]] for table in tables
    ]


def descendants(ancestor: int) -> Iterator[int]:
    """All processes below one."""
    children = Path(f"/proc/{ancestor}/task/{ancestor}/children").read_text().split()
    for child in map(int, children):
        yield child
        yield from descendants(child)


def memory(process: int) -> int:
    """Resident memory."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def descriptors(process: int) -> int:
    """Open descriptors; 0 if they may not be counted."""
    try:
        return len(list(Path(f"/proc/{process}/fd").iterdir()))
    except PermissionError:
        return 0


def programs(count: int) -> Iterator[str]:
    """Programs in turn."""
    for index in range(count):
        yield ENDLESS if index % SELDOM == SELDOM - 1 else PROGRAMS[index % len(PROGRAMS)]


def main() -> None:
    """Judge, measure, report."""
    parser = argparse.ArgumentParser(description="Judge many programs on one sandbox.")
    parser.add_argument("--sandbox", default="local")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    verdicts: dict[str, Counter[str]] = {}
    with open_sandbox(options.sandbox, limits=LIMITS) as sandbox:
        for program in programs(WARM_UP):
            sandbox.judge(program, TESTS)
        before, started = measure(sandbox), time.monotonic()
        for program in progress_bar(
            programs(options.count), label="judgements", total=options.count
        ):
            judgement = sandbox.judge(program, TESTS)
            told = " ".join(filter(None, (judgement.verdict, judgement.error_class)))
            verdicts.setdefault(program, Counter())[told] += 1
        seconds, after = time.monotonic() - started, measure(sandbox)
        # The verifier answers before it has closed the streams of the last program.
        settled = time.monotonic() + SETTLING_SECONDS
        while before.grown(after) and time.monotonic() < settled:
            time.sleep(0.1)
            after = measure(sandbox)
    varied = {program: dict(told) for program, told in verdicts.items() if len(told) > 1}
    grown = before.grown(after)
    result = {
        "sandbox": options.sandbox,
        "judgements": options.count,
        "judgements_per_second": round(options.count / seconds, 1),
        "before": asdict(before),
        "after": asdict(after),
        "grown": grown,
        "verdicts": dict(sum(verdicts.values(), Counter())),
        "varied": varied,
    }
    print(dumps(result, pretty=not options.json))
    sys.exit(1 if varied or grown else 0)


if __name__ == "__main__":
    main()
