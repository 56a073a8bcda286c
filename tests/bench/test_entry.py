"""The bench in a project that is not ours: pytest finds it by the entry point, on demand."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from knm.bench.asking import NOT_NAMED
from knm.engine import describe_setup
from knm.report import load_report
from tests.bench.processes import WITHOUT, clean_environment
from tests.bench.test_engines import EMBEDDED
from tests.problems.problem_files import ROOT, short_records, write_problems
from tests.serving import scripted
from tests.serving.test_process import wait_for_end

EXAMPLE = ROOT / "examples" / "own_bench"
TEST = (EXAMPLE / "evals" / "test_bench.py").read_text()
PLAIN = "def test_one():\n    pass\n"
SAY_MODULES = """
import sys
def pytest_sessionfinish():
    print("loaded:", *sorted(name for name in sys.modules if name.split(".")[0] == "knm"))
    print("heavy:", *sorted({"torch", "msgspec", "numpy", "transformers"} & sys.modules.keys()))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """What an installer writes of the package's entry points, whatever is installed here."""
    site: Path = tmp_path_factory.mktemp("site")
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    info = site / "knm_here-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: knm-here\nVersion: 0\n")
    lines = [f"{name} = {value}" for name, value in points["pytest11"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines]) + "\n")
    return site


@pytest.fixture
def foreign(site, tmp_path):
    """Run pytest in a directory of its own: `files` by name, with their text."""

    def start(*arguments: object, files: dict[str, str] | None = None):
        for name, text in (files or {}).items():
            path = tmp_path / "project" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return subprocess.run(
            [sys.executable, "-m", "pytest", *WITHOUT, *map(str, arguments)],
            cwd=tmp_path / "project",
            env=clean_environment() | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, site)))},
            capture_output=True,
            text=True,
            timeout=300,
        )

    (tmp_path / "project").mkdir()
    return start


@pytest.fixture(scope="module")
def engine():
    """Arguments for an engine that writes no program, in no time."""
    with scripted.serving(scripted.ScriptedEngine(), configuration=describe_setup(EMBEDDED)) as url:
        bound = EMBEDDED.generation.max_new_tokens
        yield "--knm-engine", url, "--knm-max-new-tokens", bound


def ids_of(report: Path) -> list[str]:
    return [result.question_id for result in load_report(report).results]


def test_a_project_that_asks_for_no_bench_has_no_options_and_no_imports(foreign):
    project = {"tests/test_one.py": PLAIN, "conftest.py": SAY_MODULES}
    process = foreign("tests", "-s", files=project)
    assert "1 passed" in process.stdout
    assert "loaded: knm knm.bench knm.bench.asking knm.bench.entry knm.ondemand\n" in process.stdout
    assert "heavy:\n" in process.stdout
    shown = foreign("tests", "--help").stdout
    assert "--knm-" not in shown
    assert foreign("tests", "--knn").returncode == pytest.ExitCode.USAGE_ERROR


SAY_CHILDREN = """
import os
from pathlib import Path
print("children:", Path(f"/proc/self/task/{os.getpid()}/children").read_text())
"""


def test_the_engine_starts_before_the_project_is_read_where_it_will_be_needed(foreign):
    project = {"quality/test_bench.py": TEST, "conftest.py": SAY_CHILDREN}
    process = foreign("quality", "-s", "--no-such-option", files=project)
    assert process.returncode == pytest.ExitCode.USAGE_ERROR
    (started,) = re.findall(r"children: (\d+)", process.stdout)
    wait_for_end(int(started))
    for arguments in ("quality --collect-only", "quality --knm-engine=http://127.0.0.1:9", "."):
        process = foreign(*arguments.split(), "-s", "--no-such-option")
        assert "children: \n" in process.stdout, arguments


def test_a_bench_in_a_folder_of_any_name_runs_on_problems_of_its_own(foreign, engine, tmp_path):
    records = short_records(3)
    write_problems(tmp_path / "my.jsonl", records)
    report = tmp_path / "r.json"
    process = foreign(
        *("quality", "--knm-problems", tmp_path / "my.jsonl", *engine, "--results", report),
        files={"quality/test_bench.py": TEST, "quality/test_other.py": PLAIN},
    )
    assert ids_of(report) == sorted(record["question_id"] for record in records)
    assert "knm: 3 of 3 · Pass@1 0.0 % (0)" in process.stdout
    assert process.returncode == pytest.ExitCode.TESTS_FAILED


def test_the_bench_of_the_package_needs_no_file(foreign, engine, tmp_path):
    write_problems(tmp_path / "my.jsonl", short_records(2))
    process = foreign("--knm-problems", tmp_path / "my.jsonl", "--pyargs", "knm.bench", *engine)
    (report,) = (tmp_path / "project" / "results").glob("*.json")
    assert len(ids_of(report)) == 2
    tests = json.loads(report.read_text())["tests"]
    assert all(test["nodeid"].startswith("bench/test_problems.py::") for test in tests)
    assert f"results/{report.name}\n" in process.stdout
    assert process.stdout.splitlines()[-1].endswith("--knn")
    assert (tmp_path / "project" / ".knm-cache").is_dir()


def test_the_example_runs_as_it_says(foreign, engine, tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "project", dirs_exist_ok=True)
    process = foreign("evals", "--knm-problems", "my.jsonl", "-k", "largest or double", *engine)
    (report,) = (tmp_path / "project" / "results").glob("*.json")
    assert ids_of(report) == ["double", "largest"], process.stdout


def test_options_that_others_have_keep_their_meaning(foreign, engine):
    conftest = "def pytest_addoption(parser):\n    parser.addoption('--seed', type=int)\n"
    check = "def test_seed(pytestconfig):\n    assert pytestconfig.getoption('seed') == 3\n"
    files = {"evals/test_bench.py": TEST, "evals/test_seed.py": check, "conftest.py": conftest}
    process = foreign("evals", "--seed", "3", "--limit", "1", "-k", "seed", *engine, files=files)
    assert "1 passed" in process.stdout, process.stdout
    process = foreign("evals", "--knm-seed", "3", *engine)
    assert process.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--knm-seed has no effect without --temperature" in process.stderr


@pytest.mark.parametrize(
    ("arguments", "files", "said"),
    [
        (("--knm-limit", "1"), {"tests/test_one.py": PLAIN}, "there is no bench in"),
        ((), {"deep/evals/test_bench.py": TEST}, NOT_NAMED),
        (
            ("evals", "--knm-limit", "1"),
            {"evals/test_bench.py": TEST + TEST.replace("test_problem", "test_again")},
            "are tests of one problem",
        ),
    ],
)
def test_what_is_no_run_says_why(foreign, engine, arguments, files, said):
    process = foreign(*arguments, *(engine if arguments else ()), files=files)
    assert process.returncode != 0
    assert said in process.stdout + process.stderr
    assert "INTERNALERROR" not in process.stdout + process.stderr


def test_with_an_option_of_ours_a_bench_is_found_below_the_folder(foreign, engine, tmp_path):
    files = {"evals/lua/test_mine.py": TEST}
    process = foreign("evals", "--knm-limit", "1", *engine, "-n", "1", files=files)
    (report,) = (tmp_path / "project" / "results").glob("*.json")
    assert len(ids_of(report)) == 1, process.stdout
