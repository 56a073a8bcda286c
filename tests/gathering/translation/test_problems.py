"""Programs as problems: what a run in one language wrote, to be written in another."""

import datetime
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from knm.cli import app
from knm.corpora import CorpusRecord, Outcome, save_corpus, translation_request
from knm.errors import UserError
from knm.gathering.translation import (
    ToTranslate,
    ToTranslateOptions,
    make_problems_to_translate,
)
from knm.jsonio import read_jsonl, write_json, write_jsonl
from knm.problems import (
    ProblemSet,
    TestCase,
    encode_private_tests,
    extract_program,
    load_problems,
)
from knm.report import ResultStream, judged_test, load_report
from knm.sandbox import Verdict
from tests.problems.function_problems import DOUBLE
from tests.problems.problem_files import grammar_records, without_tests, write_problems
from tests.report.builders import document, header, of_samples, result, write_report

pytest_plugins = ["pytester", "tests.bench.here"]

PYTHON = {"language": "python"}
FIRST, SECOND, THIRD = (record["question_id"] for record in grammar_records(3))
RIGHT = """\
n = int(input())
a = list(map(int, input().split()))[::-1]
a += a[::-1]
print(bin(sorted(a)[(len(a) - 1) // 2] if a else 0).count("1"))"""
WRONG = "print(1)"


@pytest.fixture
def problems(tmp_path) -> Path:
    return write_problems(tmp_path / "test.jsonl", grammar_records(3))


def made(problems: Path, *sources: Path, **options) -> tuple[ToTranslate, ProblemSet]:
    out = problems.with_name("made.jsonl")
    given = ToTranslateOptions(sources, str(problems), out, overwrite=True, **options)
    return make_problems_to_translate(given), load_problems(out)


Written = str | tuple[str | None, Verdict]


def run_of(path: Path, *programs: tuple[str, *tuple[Written, ...]], **configuration: Any) -> Path:
    """A report of a run in Python: problems with their programs, some with a verdict."""
    results = []
    for name, *written in programs:
        samples = [
            (each, Verdict.WRONG_OUTPUT) if isinstance(each, str) else each for each in written
        ]
        results.append(
            of_samples(*(result(name, verdict, program=text) for text, verdict in samples))
        )
    return write_report(path, results, configuration=PYTHON | configuration).path


def judged(problems: Path, completions: list[tuple[str, str]], *arguments: str) -> Path:
    """The report of judging programs, by the command."""
    path = problems.with_name(f"{problems.stem}-judged.json")
    rows = [{"question_id": name, "solution": text} for name, text in completions]
    write_jsonl(path.with_name("completions.jsonl"), rows)
    words = ["--completions", str(path.with_name("completions.jsonl")), "--problems", str(problems)]
    told = CliRunner().invoke(
        app,
        ["judge", *words, "--out", str(path), "--workers", "1", "--fresh", *arguments],
        catch_exceptions=False,
    )
    assert told.exit_code == 0, told.output
    return path


@pytest.mark.usefixtures("sandbox")
def test_programs_of_a_run_are_problems_that_judge_as_those_they_are_of(
    problems, tmp_path, bench_here
):
    python = judged(
        problems,
        [(FIRST, each) for each in (RIGHT, WRONG)],
        *("--language", "python"),
    )
    (of_first,) = load_report(python).results
    assert of_first.passed_samples == (1, 2), of_first.samples
    out = tmp_path / "made.jsonl"
    words = ["problems", "to-translate", str(python), "--problems", str(problems)]
    told = CliRunner().invoke(app, [*words, "--out", str(out)], catch_exceptions=False)
    assert told.exit_code == 0
    asked = load_problems(out)
    assert asked.ids == (f"{FIRST}-1", f"{FIRST}-2")
    assert [extract_program(each.question_content, "python") for each in asked] == [RIGHT, WRONG]

    reference = grammar_records(1)[0]["reference"]
    for lua in (reference, "print(-1)", "print("):
        before, after = (
            [
                replace(entry.judgement, cpu_seconds=0, wall_seconds=0, peak_memory_bytes=0)
                for entry in load_report(judged(where, [(name, lua) for name in ids])).results
            ]
            for where, ids in ((problems, [FIRST]), (out, asked.ids))
        )
        assert after == before * 2
        assert (before[0].verdict is Verdict.ACCEPTED) is (lua == reference)

    shown = bench_here("--problems", out, "-k", FIRST, "--collect-only", "-q").outlines
    assert [line for line in shown if "::" in line] == [
        f"bench/test_problems.py::test_problem[{name}]" for name in asked.ids
    ]


def test_the_verdict_is_not_looked_at_and_the_first_program_comes_first(problems, tmp_path):
    report = run_of(
        tmp_path / "python.json",
        (FIRST, "print(2)", ("print(1)", Verdict.ACCEPTED), ("print(3)", Verdict.SANDBOX_FAULT)),
        (SECOND, (None, Verdict.NO_CODE), "print(4)", "print(4) "),
    )
    found, asked = made(problems, report)
    assert [extract_program(each.question_content, "python") for each in asked] == [
        "print(2)",
        "print(1)",
        "print(3)",
        "print(4)",
    ]
    assert (found.problems, found.with_program, found.languages) == (4, 2, {"python": 4})
    assert found.without_program == [THIRD]
    found, asked = made(problems, report, most=1)
    assert asked.ids == (f"{FIRST}-1", f"{SECOND}-1")
    assert extract_program(asked.problems[0].question_content, "python") == "print(2)"
    assert (found.problems, found.left_out) == (2, 2)


@pytest.mark.parametrize("name", ["python.json", "python.jsonl"])
def test_a_run_that_only_decoded_is_a_source(problems, tmp_path, name):
    decoded = result(FIRST, Verdict.NOT_JUDGED, program="print(1)")
    if name.endswith(".jsonl"):
        with ResultStream(tmp_path / name, lambda: header(PYTHON)) as stream:
            stream.write(judged_test(decoded, ""))
    else:
        write_json(tmp_path / name, document([decoded], configuration=PYTHON))
    _, asked = made(problems, tmp_path / name)
    assert asked.ids == (f"{FIRST}-1",)


def test_one_program_counts_once_and_its_indentation_counts(problems, tmp_path):
    loop = "for i in range(3):\n    print(i)\n    print(0)"
    once = loop.replace("    print(0)", "print(0)")
    report = run_of(tmp_path / "python.json", (FIRST, loop, once, loop + " \n"))
    corpus = tmp_path / "python.jsonl"
    save_corpus(corpus, [CorpusRecord("a", "s", once, "python", "x", problem=FIRST)])
    found, asked = made(problems, report, report, corpus)
    assert [extract_program(each.question_content, "python") for each in asked] == [loop, once]
    assert found.left_out == 0


def test_a_stream_is_a_source_and_a_report_beside_it_adds_what_is_new(problems, tmp_path):
    with ResultStream(tmp_path / "python.jsonl", lambda: header(PYTHON)) as stream:
        stream.write(judged_test(result(FIRST, program="print(1)"), ""))
    _, asked = made(problems, tmp_path / "python.jsonl")
    assert asked.ids == (f"{FIRST}-1",)
    report = run_of(tmp_path / "python.json", (FIRST, "print(1)", "print(2)"))
    _, asked = made(problems, tmp_path / "python.jsonl", report)
    assert [extract_program(each.question_content, "python") for each in asked] == [
        "print(1)",
        "print(2)",
    ]


def test_records_of_any_outcome_count_where_they_name_a_problem(problems, tmp_path):
    corpus = tmp_path / "python.jsonl"
    wrong = Outcome("runtime-error", "name", "NameError")
    save_corpus(
        corpus,
        [
            CorpusRecord("a", "Own words.", "x", "python", "y", problem=FIRST, outcome=wrong),
            CorpusRecord("b", "Print.", "print(1)", "lua", "y", problem=FIRST),
            CorpusRecord("c", "Print.", "print(1)", "python", "y", problem="elsewhere"),
            CorpusRecord("d", "Print.", "print(1)", "python", "y"),
        ],
    )
    found, asked = made(problems, corpus)
    statement = load_problems(problems).by_id(FIRST).question_content
    assert [each.question_content for each in asked] == [
        translation_request(CorpusRecord("", statement, "x", "python", ""))
    ]
    assert (found.already, found.unknown, found.unmarked) == (1, 1, 1)


IDS = st.lists(
    st.one_of(
        st.sampled_from(["a", "a-1", "a-1-1", "a-", "-1", "abc305", "abc305-1", "a-01"]),
        st.text("ab1-_ ", min_size=1, max_size=5).filter(str.strip),
    ),
    min_size=1,
    max_size=5,
    unique=True,
)
EXTRAS = st.dictionaries(
    st.sampled_from(["title", "tags", "date", "errata"]),
    st.one_of(st.text(max_size=5), st.lists(st.integers(), max_size=2), st.none(), st.booleans()),
)
TESTS = st.sampled_from(
    [
        "[]",
        "broken",
        encode_private_tests([TestCase("1", "2")]),
        '[ {"input": "", "output":"é","testtype":"stdin"}]',
    ]
)


@settings(max_examples=40)
@given(IDS, st.data())
def test_ids_never_meet_and_all_else_is_carried_over(tmp_path_factory, ids, data):
    folder = tmp_path_factory.mktemp("made")
    counts = data.draw(
        st.lists(st.integers(0, 3), min_size=len(ids), max_size=len(ids)).filter(any)
    )
    rows = [
        {
            "question_id": name,
            "question_content": f"Do {name}.",
            "private_test_cases": data.draw(TESTS),
            **data.draw(EXTRAS),
        }
        for name in ids
    ]
    problems = write_problems(folder / "set.jsonl", rows)
    records = [
        CorpusRecord(f"{place}.{number}", "", f"print({number})", "python", "x", problem=name)
        for place, (name, count) in enumerate(zip(ids, counts, strict=True))
        for number in range(count)
    ]
    save_corpus(folder / "python.jsonl", records)
    found, asked = made(problems, folder / "python.jsonl")
    # The set could be loaded: no id is there twice.
    expected = [
        (row, number)
        for row, count in zip(rows, counts, strict=True)
        for number in range(1, count + 1)
    ]
    assert found.problems == len(asked) == len(expected)
    assert found.without_program == [
        name for name, count in zip(ids, counts, strict=True) if not count
    ]
    for (_, written), (row, number) in zip(
        read_jsonl(folder / "made.jsonl"), expected, strict=True
    ):
        assert written.pop("of_problem") == row["question_id"]
        assert row["question_id"] in written["question_id"]  # so that -k finds it
        assert written["question_content"].startswith(row["question_content"] + "\n")
        program = extract_program(written["question_content"], "python")
        assert program == f"print({number - 1})"
        changed = {"question_id", "question_content"}
        assert {name: written[name] for name in written.keys() - changed} == {
            name: row[name] for name in row.keys() - changed
        }


def test_tests_go_along_in_whichever_form_and_file_they_are(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    packed = encode_private_tests([TestCase("1\n", "2\n")])
    pq.write_table(
        pa.Table.from_pylist(
            [
                {
                    "question_id": "p",
                    "question_content": "Add.",
                    "private_test_cases": packed,
                    "contest_date": datetime.date(2024, 6, 1),
                    "public": [{"input": "é", "hidden": None}],
                }
            ]
        ),
        folder / "a.parquet",
    )
    write_problems(folder / "b.jsonl", [without_tests("empty"), *grammar_records(1)])
    report = run_of(tmp_path / "python.json", *((name, "print(1)") for name in ("p", "empty")))
    out = tmp_path / "made.jsonl"
    make_problems_to_translate(ToTranslateOptions((report,), str(folder), out))
    first, second = (row for _, row in read_jsonl(out))
    assert first["private_test_cases"] == packed
    assert first["contest_date"] == "2024-06-01"
    assert first["public"] == [{"input": "é", "hidden": None}]
    assert second["private_test_cases"] == "[]"
    assert load_problems(out).by_id("p-1").tests.load() == (TestCase("1\n", "2\n"),)


def test_the_tests_of_all_problems_are_never_in_memory_together(tmp_path):
    size, count = 1_000_000, 12
    tests = json.dumps([{"input": "x" * size, "output": "", "testtype": "stdin"}])
    rows = [{**without_tests(f"p{n}"), "private_test_cases": tests} for n in range(count)]
    problems = write_problems(tmp_path / "set.jsonl", rows)
    report = run_of(tmp_path / "python.json", *((f"p{n}", "print(1)") for n in range(count)))
    tracemalloc.start()
    try:
        found, asked = made(problems, report)
        assert tracemalloc.get_traced_memory()[1] < size * count * 0.75
    finally:
        tracemalloc.stop()
    assert (found.problems, len(asked)) == (count, count)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"score": float("nan")}, r"set\.jsonl:1: field 'score' has no form in JSON"),
        ({"of_problem": "q"}, r"set\.jsonl:1: has a field 'of_problem' already"),
        (DOUBLE | {"name": "p"}, r"set\.jsonl:1: asks for a function, and only whole programs"),
    ],
)
def test_problems_that_cannot_be_made_anew_are_refused_and_nothing_is_left(tmp_path, row, message):
    rows = [row if "prompt" in row else {**without_tests("p"), **row}]
    problems = write_problems(tmp_path / "set.jsonl", rows)
    report = run_of(tmp_path / "python.json", ("p", "print(1)"))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UserError, match=message):
        made(problems, report)
    assert sorted(tmp_path.iterdir()) == before


def test_a_set_without_a_program_is_refused_with_what_there_is(problems, tmp_path):
    lua = run_of(tmp_path / "lua.json", (FIRST, "print(1)"), (SECOND, "x"), language="lua")
    with pytest.raises(UserError, match=r"nothing to translate to lua: 2 programs are in it"):
        made(problems, lua)
    other = run_of(tmp_path / "other.json", ("elsewhere", "print(1)"))
    with pytest.raises(UserError, match=r"1 problems with programs are none of .*test\.jsonl"):
        made(problems, other)
    assert not (tmp_path / "made.jsonl").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"out": "test.jsonl"}, "would be written over"),
        ({"out": "python.jsonl"}, "would be written over"),
        ({"out": "there.jsonl"}, "exists; give another name"),
        ({"out": "made.json"}, r"made\.json: a problem set is a \.jsonl file"),
        ({"language": "klingon"}, "unknown language 'klingon'"),
        ({"language": "own.yaml"}, "language 'own.yaml' is a file"),
    ],
)
def test_what_is_in_the_way_is_named_before_anything_is_read(problems, tmp_path, changes, message):
    sources = tmp_path / "python.jsonl"
    sources.write_text("no corpus")
    (tmp_path / "there.jsonl").touch()
    out = tmp_path / changes.pop("out", "made.jsonl")
    options = ToTranslateOptions((sources,), str(problems), out, overwrite=False, **changes)
    if out in (problems, sources):
        options = replace(options, overwrite=True)
    with pytest.raises(UserError, match=message):
        make_problems_to_translate(options)
    assert sources.read_text() == "no corpus"


def test_the_command_names_problems_without_a_program_and_warns_of_several(problems, tmp_path):
    report = run_of(tmp_path / "python.json", (FIRST, "print(1)", "print(2)"), (THIRD, "print(3)"))
    out = tmp_path / "made.jsonl"
    words = ["problems", "to-translate", str(report), "--problems", str(problems)]

    def tell(*more: str) -> tuple[str, str]:
        told = CliRunner().invoke(app, [*words, "--out", str(out), *more], catch_exceptions=False)
        assert told.exit_code == 0
        return told.stdout, told.stderr

    shown, warned = tell()
    assert "programs    3: python 3" in shown
    assert "of          2 of 3 problems" in shown
    assert f"no program  1 problems: {SECOND}\n" in shown
    assert "3 problems are programs for 2" in warned
    shown, warned = tell("--most", "1", "--overwrite", "--json")
    told = json.loads(shown)
    assert (told["problems"], told["left_out"], told["without_program"]) == (2, 1, [SECOND])
    assert told["path"] == str(out)
    assert warned == ""
