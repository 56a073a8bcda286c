"""Imports from sources to corpora, with the sandbox and the code that cleans corpora."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from knm.corpora import load_corpus
from knm.errors import UserError
from knm.gathering.importing import ImportOptions, Origin, import_corpus
from knm.gathering.importing.submissions import is_address
from knm.journal import journal_path
from knm.jsonio import read_jsonl
from knm.judging.pool import JudgePool
from knm.sandbox import Judgement, Verdict, open_sandbox
from tests.corpora.corpora import LOOP, OTHER, RENAMED_LOOP
from tests.gathering.importing.codeforces_server import CodeforcesServer, serving
from tests.gathering.importing.importers import submission, write_answer, write_files
from tests.problems.problem_files import without_tests, write_problems

pytestmark = pytest.mark.usefixtures("sandbox")

ADD = 'print(io.read("*n") + io.read("*n"))'


def problem(name, statement, *tests):
    cases = [{"input": given, "output": out, "testtype": "stdin"} for given, out in tests]
    return {
        "question_id": name,
        "question_content": statement,
        "private_test_cases": json.dumps(cases),
    }


_OF_ORIGIN = ("sources", "handles", "language")


def options(tmp_path, kind, *places, **settings):
    of_origin = {name: settings.pop(name) for name in _OF_ORIGIN if name in settings}
    origin = Origin(tuple(map(str, places)), pause=0, **of_origin)
    settings = {"held_out": (), "out": tmp_path / "out.jsonl", **settings}
    return ImportOptions(kind=kind, origin=origin, **settings)


def skipped(path):
    return {entry["name"]: entry["reason"] for _, entry in read_jsonl(path)}


@pytest.fixture
def tasks(tmp_path):
    return write_files(
        tmp_path / "rosetta",
        {
            "Task/Add/00-TASK.txt": "Add two numbers.",
            "Task/Add/Lua/add-1.lua": ADD,
            "Task/Add/Lua/add-2.lua": "local a, b = io.read('*n', '*n')\nprint(a - b)",
            "Task/Add/Lua/add-3.lua": "print(7 // 2)",
            "Task/Even/Lua/even.lua": LOOP,
            "Task/Even/Lua/even-2.lua": LOOP.replace("\n", "\r\n"),
            "Task/Sort/00-TASK.txt": "Sort words.",
            "Task/Sort/Lua/sort.lua": OTHER,
            "Task/Sort/Lua/blank.lua": " \n",
            "Task/Sort/Lua/long.lua": "x = 1\n" * 200,
        },
    )


def test_a_corpus_is_checked_cleaned_and_described(tmp_path, tasks):
    report = tmp_path / "skipped.jsonl"
    found = import_corpus(options(tmp_path, "rosetta", tasks, longest=500, skipped=report))
    records = load_corpus(tmp_path / "out.jsonl")
    assert [record.id.rpartition("/")[2] for record in records] == [
        "add-1.lua",
        "add-2.lua",
        "even-2.lua",
        "sort.lua",
    ]
    assert skipped(report) == {
        "rosetta/Add/Lua/add-3.lua": "does not compile",
        "rosetta/Even/Lua/even.lua": "duplicate",
        "rosetta/Sort/Lua/blank.lua": "empty",
        "rosetta/Sort/Lua/long.lua": "too long",
    }
    assert (found.found, found.records, found.described, found.verified) == (6, 4, 3, 0)
    spread = found.sources["rosetta"]
    lengths = [len(record.program) for record in records]
    assert (spread.count, spread.least, spread.most) == (4, min(lengths), max(lengths))
    assert spread.mean == pytest.approx(sum(lengths) / 4)
    assert not journal_path(tmp_path / "out.jsonl").exists()


def test_programs_are_judged_by_the_tests_of_their_problem(tmp_path, tasks):
    problems = write_problems(
        tmp_path / "problems.jsonl",
        [problem("add", "Print a sum.", ("1 2", "3"), ("2 2", "4")), without_tests("rosetta_sort")],
    )
    report = tmp_path / "skipped.jsonl"
    settings = {"problems": str(problems), "skipped": report}
    found = import_corpus(options(tmp_path, "rosetta", tasks, **settings))
    records = {record.extras["path"]: record for record in load_corpus(tmp_path / "out.jsonl")}
    right = records["Task/Add/Lua/add-1.lua"]
    assert (right.extras["verified"], right.problem, right.statement) == (
        True,
        "add",
        "Print a sum.",
    )
    assert "verified" not in records["Task/Sort/Lua/sort.lua"].extras  # of no tests, not of a pass
    assert skipped(report)["rosetta/Add/Lua/add-2.lua"] == "fails its tests: wrong-output"
    assert (found.verified, found.faults) == (1, 0)
    import_corpus(options(tmp_path, "rosetta", tasks, **settings, failing=True, overwrite=True))
    kept = {record.extras["path"]: record for record in load_corpus(tmp_path / "out.jsonl")}
    wrong = kept["Task/Add/Lua/add-2.lua"]
    assert (wrong.passed, wrong.extras["verified"]) == (False, False)
    assert wrong.outcome is not None
    assert (wrong.outcome.verdict, wrong.outcome.tests_total) == ("wrong-output", 2)


def test_functions_are_judged_by_tests_that_call_them(tmp_path):
    solutions = {
        "1-sum/solution.lua": "local function sum(a, b) return a + b end\nreturn sum",
        "1-sum/other.lua": "function sum(a, b)\n  return b + a\nend",
        "1-sum/wrong.lua": "function sum(a, b)\n  local c = a * b\n  return c\nend",
    }
    folder = write_files(tmp_path / "leetcode", solutions)
    row = {
        "name": "LeetCode_1",
        "prompt": "-- Adds.\nlocal function sum(a, b)\n",
        "tests": "lu = require('luaunit')\n"
        "function test_sum() lu.assertEquals(sum(2, 3), 5) end\nos.exit(lu.LuaUnit.run())",
        "stop_tokens": ["\nlocal"],
    }
    problems = write_problems(tmp_path / "p.jsonl", [row])
    found = import_corpus(options(tmp_path, "leetcode", folder, problems=str(problems)))
    (record,) = load_corpus(tmp_path / "out.jsonl")
    assert (record.extras["path"], record.problem) == ("1-sum/other.lua", "LeetCode_1")
    assert found.skipped == {
        "fails its tests: syntax-error": 1,  # nothing may stand behind its `return`
        "fails its tests: wrong-output": 1,
    }


def test_what_the_sandbox_loses_is_neither_verified_nor_left_out(tmp_path, tasks, monkeypatch):
    problems = write_problems(tmp_path / "p.jsonl", [problem("add", "Add.", ("1 2", "3"))])
    asked = options(tmp_path, "rosetta", tasks, problems=str(problems), distinct=False)

    @contextmanager
    def lost(*_):
        with open_sandbox() as sandbox, ThreadPoolExecutor(1) as threads:
            gone = Judgement(Verdict.SANDBOX_FAULT, message="gone")
            patch.setattr(sandbox, "judge", lambda *_: gone)
            yield JudgePool([sandbox], threads)

    with monkeypatch.context() as patch:
        patch.setattr("knm.gathering.importing.verifying.open_judges", lost)
        found = import_corpus(asked)
    assert (found.verified, found.faults) == (0, found.found)
    assert not [record for record in load_corpus(asked.out) if "verified" in record.extras]
    again = import_corpus(replace(asked, overwrite=True))
    assert (again.verified, again.faults) == (1, 0)


def test_held_out_problems_and_duplicates_are_kept_clear_of(tmp_path, tasks):
    held_out = {**problem("x", "Sort   words", ("1", "1")), "reference": RENAMED_LOOP}
    problems = write_problems(tmp_path / "held.jsonl", [held_out])
    settings = {"held_out": (str(problems),), "distinct": False}
    found = import_corpus(options(tmp_path, "rosetta", tasks, **settings))
    paths = [record.extras["path"] for record in load_corpus(tmp_path / "out.jsonl")]
    assert not [path for path in paths if "Sort/Lua/sort" in path or "Even" in path]
    assert found.skipped["like a held-out problem"] >= 3


def test_only_what_has_a_statement_is_kept_where_that_is_wanted(tmp_path, tasks):
    found = import_corpus(options(tmp_path, "rosetta", tasks, described=True))
    assert found.described == found.records
    assert found.skipped["no statement"] == 2


def test_nothing_that_is_read_is_written_over(tmp_path, tasks):
    inside = {"out": tasks / "Task" / "Add" / "out.jsonl"}
    with pytest.raises(UserError, match="which is read"):
        import_corpus(options(tmp_path, "rosetta", tasks, **inside))
    answer = write_answer(tmp_path / "answer.jsonl", [submission(1)])
    before = answer.read_bytes()
    sources = write_files(tmp_path / "sources", {"1.lua": "print(1)"})
    with pytest.raises(UserError, match="would be written over"):
        import_corpus(
            options(tmp_path, "codeforces", answer, sources=sources, out=answer, overwrite=True)
        )
    assert answer.read_bytes() == before
    (tmp_path / "out.jsonl").write_text("mine")
    with pytest.raises(UserError, match="exists; give another name"):
        import_corpus(options(tmp_path, "rosetta", tasks))
    assert (tmp_path / "out.jsonl").read_text() == "mine"


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("svn", {}, "choose from codeforces, github"),
        ("github", {"handles": ("x",)}, "is of submissions, not of github"),
        ("github", {"out": "x.json"}, "is a .jsonl or .jsonl.gz file"),
        ("github", {"threshold": 0.0}, "threshold"),
        ("rosetta", {"language": "own.yaml"}, "language 'own.yaml' is a file, which data"),
    ],
)
def test_what_cannot_be_is_refused_first(tmp_path, tasks, kind, changes, message):
    if "out" in changes:
        changes = {"out": tmp_path / changes["out"]}
    with pytest.raises(UserError, match=message):
        import_corpus(options(tmp_path, kind, tasks, **changes))


def test_nothing_found_is_no_empty_corpus(tmp_path):
    folder = write_files(tmp_path / "empty", {"a.lua": "return 1"})
    with pytest.raises(UserError, match="nothing to import: 0 programs found; left out: no func"):
        import_corpus(options(tmp_path, "github", folder))
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_killed_import_goes_on_where_it_was(tmp_path, monkeypatch):
    sources = write_files(tmp_path / "sources", {"1.lua": ADD, "2.lua": LOOP, "3.lua": OTHER})
    problems = write_problems(tmp_path / "p.jsonl", [problem("4A", "Add.", ("1 2", "3"))])
    out = tmp_path / "out.jsonl"
    told = [submission(number, "A" if number == 1 else "B") for number in (1, 2, 3)]
    with serving(CodeforcesServer(told, page=1)) as server:
        settings = {"sources": sources, "handles": ("someone",), "problems": str(problems)}
        asked = options(tmp_path, "codeforces", server.address, **settings)
        assert is_address(server.address)
        with monkeypatch.context() as patch:
            patch.setattr("knm.gathering.importing.running.save_corpus", _killed)
            with pytest.raises(KeyboardInterrupt):
                import_corpus(asked)
        assert len(server.asked) == 4
        assert not out.exists()
        with monkeypatch.context() as patch:  # all that was judged is known
            patch.setattr("knm.gathering.importing.verifying.open_judges", _killed)
            found = import_corpus(asked)
        assert len(server.asked) == 4
    assert (found.records, found.verified) == (3, 1)
    assert [record.id for record in load_corpus(out)] == [f"codeforces-{n}" for n in (3, 2, 1)]
    assert not journal_path(out).exists()


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_names_that_are_no_text_are_passed_over(tmp_path):
    folder = write_files(tmp_path / "odd", {"a.lua": "function f() return 1 + 1 end"})
    (folder / "b\udce9.lua").write_text("function g() return 'g' end")
    report = tmp_path / "skipped.jsonl"
    found = import_corpus(options(tmp_path, "github", folder, skipped=report))
    assert (found.records, found.skipped) == (1, {"bad encoding": 1})
    assert list(skipped(report).values()) == ["bad encoding"]
