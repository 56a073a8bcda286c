"""How fast are programs judged? Ways of running them side by side, on the embedded references.

    python -m benchmarks.sandbox [--workers 1 2] [--rounds 5] [--programs 24] [--json]

Every way judges the same programs on all of their tests, in every round; the rounds of all ways are
interleaved, so that a machine that slows down slows all of them. A worker is a process; what can be
opened beforehand (a sandbox, a container to execute in) is, so that no start is counted that is not
paid for each program. Ways whose tools are missing are left out, with a line that says why.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from knm.errors import UserError
from knm.jsonio import dumps
from knm.problems import load_problems
from knm.progress import progress_bar
from knm.sandbox import Limits, open_sandbox
from knm.sandbox.grading import matches
from knm.sandbox.protocol import write_request
from knm.testcases import TestCase

SHORTEST_SECONDS = 1.0  # of a round: the programs are judged again until it has passed
RATIOS = (
    ("local", "luajit", 1.0),
    ("local", "luajit, lean", 1.0),
    ("docker", "docker run", 20.0),
)


@dataclass(frozen=True)
class Program:
    """A reference and its tests."""

    source: str
    tests: tuple[TestCase, ...]


Judge = Callable[[Program], bool]


@contextmanager
def in_sandbox(spec: str) -> Iterator[Judge]:
    """One of our sandboxes."""
    with open_sandbox(spec) as sandbox:
        yield lambda program: sandbox.judge(program.source, program.tests).verdict == "accepted"


@contextmanager
def by_process(run: Callable[[list[str], TestCase], bool]) -> Iterator[Judge]:
    """A process of `luajit` for each test. Nothing is isolated."""
    luajit = tool("luajit")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "main.lua"

        def judge(program: Program) -> bool:
            file.write_text(program.source)
            return all(run([luajit, str(file)], test) for test in program.tests)

        yield judge


def run_by_subprocess(command: list[str], test: TestCase) -> bool:
    """By Python's usual means."""
    done = subprocess.run(command, input=test.input.encode(), capture_output=True)
    return done.returncode == 0 and matches(done.stdout, test.output)


def run_by_spawn(command: list[str], test: TestCase) -> bool:
    """As lean as Python can: posix_spawn, and memory files for the streams."""
    given, written = os.memfd_create("stdin"), os.memfd_create("stdout")
    try:
        os.write(given, test.input.encode())
        os.lseek(given, 0, os.SEEK_SET)
        actions = [(os.POSIX_SPAWN_DUP2, given, 0), (os.POSIX_SPAWN_DUP2, written, 1)]
        child = os.posix_spawn(command[0], command, {}, file_actions=actions)
        _, status = os.waitpid(child, 0)
        output = os.pread(written, os.fstat(written).st_size, 0)
    finally:
        os.close(given)
        os.close(written)
    return status == 0 and matches(output, test.output)


@contextmanager
def by_docker_run(image: str) -> Iterator[Judge]:
    """A container for each program, whose verifier is asked once."""
    entrypoint(image)
    command = [tool("docker"), "run", "--rm", "--interactive", "--network", "none", image]
    yield lambda program: ask(command, program)


@contextmanager
def by_docker_exec(image: str) -> Iterator[Judge]:
    """A verifier for each program, in a container that runs already."""
    command = entrypoint(image)
    idle = ["run", "--rm", "--detach", "--network", "none", "--entrypoint", "sleep"]
    container = docker(*idle, image, "infinity").strip()
    try:
        execute = [tool("docker"), "exec", "--interactive", container, *command]
        yield lambda program: ask(execute, program)
    finally:
        docker("rm", "--force", container)


def ask(command: list[str], program: Program) -> bool:
    """Put one request to a verifier that is started for it."""
    request = dumps(write_request(program.source, program.tests, Limits()))
    done = subprocess.run(command, input=f"{request}\n".encode(), capture_output=True)
    return done.returncode == 0 and json.loads(done.stdout)["result"] == "success"


def entrypoint(image: str) -> list[str]:
    """The command that an image runs."""
    form = "{{json .Config.Entrypoint}} {{json .Config.Cmd}}"
    first, _, rest = docker("image", "inspect", "--format", form, image).strip().partition("] ")
    return [*json.loads(f"{first}]"), *(json.loads(rest) or [])]


def docker(*arguments: str) -> str:
    """What a `docker` command prints.

    Raises:
        UserError: it failed.
    """
    done = subprocess.run([tool("docker"), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise UserError(done.stderr.strip().splitlines()[-1])
    return done.stdout


def tool(name: str) -> str:
    """The path of a command.

    Raises:
        UserError: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise UserError(f"{name} is not installed")
    return found


WAYS: dict[str, Callable[[str], AbstractContextManager[Judge]]] = {
    "docker run": by_docker_run,
    "docker exec": by_docker_exec,
    "luajit": lambda _: by_process(run_by_subprocess),
    "luajit, lean": lambda _: by_process(run_by_spawn),
    "local": lambda _: in_sandbox("local"),
    "docker": lambda _: in_sandbox("docker"),
}


def work(way: str, image: str, programs: Sequence[Program], line: Connection) -> None:
    """A worker: opens its way of judging, says so, then judges all programs when told to.

    Says why it cannot, or at the end of each round how many programs it judged in a second.
    """
    try:
        with WAYS[way](image) as judge:
            for program in programs:  # once before it counts, and to see that it can
                if not judge(program):
                    raise UserError("a reference was not accepted")
            line.send(None)
            while line.recv():
                started, passes = time.perf_counter(), 0
                while passes == 0 or time.perf_counter() - started < SHORTEST_SECONDS:
                    assert all(map(judge, programs)), "a reference was not accepted"
                    passes += 1
                line.send(passes * len(programs) / (time.perf_counter() - started))
    except UserError as error:
        line.send(str(error))


class Team:
    """Workers that judge in one way at the same time.

    Raises:
        UserError: they cannot.
    """

    def __init__(self, way: str, image: str, programs: Sequence[Program], size: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.way = way
        self.size = size
        self.lines = []
        self.processes = []
        for _ in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(way, image, programs, theirs))
            process.start()
            self.lines.append(ours)
            self.processes.append(process)
        reasons = [line.recv() for line in self.lines]
        if any(reasons):
            self.close()
            raise UserError(next(filter(None, reasons)))

    def rate(self) -> float:
        """Programs a second, of all workers together."""
        for line in self.lines:
            line.send(True)
        return float(sum(line.recv() for line in self.lines))

    def close(self) -> None:
        """Let the workers leave."""
        for line, process in zip(self.lines, self.processes, strict=True):
            with contextlib.suppress(BrokenPipeError):
                line.send(False)
            process.join()


@dataclass(frozen=True)
class Rates:
    """Of one way with some workers: the rates of all rounds."""

    way: str
    workers: int
    programs_per_second: tuple[float, ...]
    tests_per_program: float

    def row(self) -> str:
        """A line of the table: medians, and the least and the most."""
        rates = self.programs_per_second
        middle = statistics.median(rates)
        return (
            f"| {self.way} | {self.workers} | {middle:.1f} | {min(rates):.1f}-{max(rates):.1f} "
            f"| {middle * self.tests_per_program:.0f} |"
        )


def measure(
    image: str, programs: Sequence[Program], sizes: Sequence[int], rounds: int
) -> tuple[list[Rates], dict[str, str]]:
    """The rates of all ways, and why others were left out."""
    tests_per_program = sum(len(program.tests) for program in programs) / len(programs)
    found, left_out = [], {}
    for size in sizes:
        with ExitStack() as stack:
            teams = []
            for way in WAYS:
                if way in left_out:
                    continue
                try:
                    teams.append(stack.enter_context(closing(Team(way, image, programs, size))))
                except UserError as error:
                    left_out[way] = str(error)
            turns = progress_bar(range(rounds), label=f"{size} workers")
            rates = [[team.rate() for team in teams] for _ in turns]
        for team, column in zip(teams, zip(*rates, strict=True), strict=True):
            found.append(Rates(team.way, size, column, tests_per_program))
    return found, left_out


def ratios(found: Sequence[Rates]) -> Iterator[dict[str, str | int | float]]:
    """How our backends compare with the rest, as medians over rounds of the ratios within each."""
    by_name = {(rates.way, rates.workers): rates for rates in found}
    for (way, size), rates in by_name.items():
        for ours, theirs, aim in RATIOS:
            if way == ours and (other := by_name.get((theirs, size))):
                pairs = zip(rates.programs_per_second, other.programs_per_second, strict=True)
                ratio = statistics.median(mine / yours for mine, yours in pairs)
                yield {"of": ours, "to": theirs, "workers": size, "ratio": ratio, "aim": aim}


def sample(count: int) -> list[Program]:
    """References of the embedded set, spread evenly over it."""
    problems = [problem for problem in load_problems("embedded") if "reference" in problem.extras]
    step = max(1, len(problems) // count)
    chosen = problems[::step][:count]
    return [Program(problem.extras["reference"], problem.tests.load()) for problem in chosen]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--programs", type=int, default=24)
    parser.add_argument("--image", default="knm-sandbox", help="of the docker commands")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    programs = sample(options.programs)
    found, left_out = measure(options.image, programs, options.workers, options.rounds)
    compared = list(ratios(found))
    if options.json:
        tables = {"rates": [asdict(rates) for rates in found], "ratios": compared}
        machine = {"cores": os.cpu_count(), "kernel": platform.release()}
        print(dumps({"machine": machine, **tables, "left_out": left_out}, pretty=True))
        return
    tests = sum(len(program.tests) for program in programs)
    print(f"{len(programs)} programs, {tests} tests, {options.rounds} rounds\n")
    print("| way | workers | programs/s | least-most | tests/s |\n|---|---|---|---|---|")
    for rates in found:
        print(rates.row())
    print()
    for ratio in compared:
        print("{of} / {to}, {workers} workers: {ratio:.2f} (at least {aim:g})".format_map(ratio))
    for way, reason in left_out.items():
        print(f"{way}: left out: {reason}")


if __name__ == "__main__":
    main()
