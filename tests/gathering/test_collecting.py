from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.corpora import CorpusRecord, Outcome, load_corpus, save_corpus
from knm.errors import UserError
from knm.gathering.collecting import Collected, CollectOptions, collect, error_line
from knm.report import ResultStream, judged_test
from knm.sandbox import Verdict
from knm.testcases import TestCase
from tests.corpora.corpora import record
from tests.problems.problem_files import grammar_records, write_problems
from tests.report.builders import header, of_samples, result, write_report

SETTINGS = {
    "model": "models/small",
    "prompt": "contest",
    "samples": 3,
    "sampling": {"temperature": 0.8, "top_p": 0.95, "seed": 1},
}
BAD = "local n = 1\nlocal s = io.read('*s')\nprint(s)"
MESSAGE = "main.lua:2: bad argument #1 to 'read' (invalid format)"


def sampled(question_id: str, *samples, **changes):
    """A result of several samples, each (program, verdict, further fields)."""
    made = [
        result(question_id, verdict, program=program, **{"message": "", **fields})
        for program, verdict, fields in ((*sample, {})[:3] for sample in samples)
    ]
    return replace(of_samples(*made), **changes)


FIRST, SECOND, THIRD, FOURTH = (entry["question_id"] for entry in grammar_records(4))
CRASH = {"error_class": "bad-argument", "message": MESSAGE, "tests_passed": 0}
RESULTS = [
    sampled(FIRST, ("print(1)", Verdict.ACCEPTED), (BAD, Verdict.RUNTIME_ERROR, CRASH)),
    sampled(
        SECOND,
        ("print(2)", Verdict.WRONG_OUTPUT),
        ("print(3)", Verdict.WRONG_OUTPUT),
        ("print(3) ", Verdict.WRONG_OUTPUT),
        ("print(4)", Verdict.SANDBOX_FAULT),
    ),
    sampled(THIRD, (None, Verdict.NO_CODE), (None, Verdict.TRUNCATED)),
]


@pytest.fixture
def problems(tmp_path) -> Path:
    return write_problems(tmp_path / "train.jsonl", grammar_records(4))


@pytest.fixture
def report(tmp_path) -> Path:
    return write_report(tmp_path / "run.json", RESULTS, configuration=SETTINGS).path


def write_stream(path: Path, results) -> Path:
    with ResultStream(path, lambda: header(SETTINGS)) as stream:
        for entry in results:
            stream.write(judged_test(entry, ""))
    return path


def collected(
    problems: Path, *reports: Path, **options
) -> tuple[Collected, tuple[CorpusRecord, ...]]:
    out = problems.with_name("collected.jsonl")
    found = collect(CollectOptions(reports, str(problems), out, **options))
    return found, load_corpus(out)


def test_each_distinct_program_stands_with_its_outcome(problems, report):
    _, records = collected(problems, report)
    assert [(entry.problem, entry.program) for entry in records] == [
        (FIRST, "print(1)"),
        (FIRST, BAD),
        (SECOND, "print(3)"),  # written twice, but for a space
        (SECOND, "print(2)"),
    ]
    assert records[1].outcome == Outcome(
        "runtime-error", "bad-argument", MESSAGE, line=2, tests_passed=0, tests_total=4
    )
    assert records[2].outcome is not None
    assert records[2].outcome.written == 2
    assert [entry.passed for entry in records] == [True, False, False, False]
    assert {entry.group for entry in records} == {FIRST, SECOND}
    assert records[0].statement == grammar_records(1)[0]["question_content"]
    assert records[0].extras["sampling"]["sampling"] == SETTINGS["sampling"]
    assert records[0].source == "samples of small"
    assert records[0].extras["sampling"]["model"] == "small"  # no folder of this machine
    assert len({entry.id for entry in records}) == 4


def test_a_record_tells_what_its_problem_was_made_of(tmp_path):
    made, plain = grammar_records(2)
    problems = write_problems(tmp_path / "made.jsonl", [{**made, "of_problem": "p"}, plain])
    report = write_report(tmp_path / "run.json", RESULTS, configuration=SETTINGS).path
    _, records = collected(problems, report)
    told = {entry.problem: entry.extras.get("of_problem") for entry in records}
    assert told == {FIRST: "p", SECOND: None}


def test_a_program_that_passes_is_not_lost_to_one_of_other_spaces_that_fails(problems, tmp_path):
    fails, passes = "if a:\n    b()\n    c()", "if a:\n    b()\nc()"
    alike = [(fails, Verdict.WRONG_OUTPUT), (passes, Verdict.ACCEPTED)] * 2
    report = write_report(
        tmp_path / "run.json", [sampled(FIRST, *alike)], configuration=SETTINGS
    ).path
    _, records = collected(problems, report)
    assert [(entry.program, entry.passed) for entry in records] == [(passes, True), (fails, False)]
    assert [entry.outcome and entry.outcome.written for entry in records] == [2, 2]
    assert len({entry.id for entry in records}) == 2


def test_a_run_in_a_language_by_its_file_gives_records_its_name(problems, tmp_path):
    (tmp_path / "own.yaml").write_text("filename: [of no use")
    settings = SETTINGS | {"language": str(tmp_path / "own.yaml")}
    report = write_report(tmp_path / "run.json", RESULTS, configuration=settings).path
    _, records = collected(problems, report)
    assert {record.language for record in records} == {"own"}
    assert records[1].outcome is not None
    assert records[1].outcome.line is None  # nobody knows how its messages begin


def test_the_summary_says_how_many_problems_have_none(problems, report):
    found, _ = collected(problems, report)
    assert (found.records, found.programs, found.samples, found.faults) == (4, 4, 8, 1)
    assert (found.solved, found.unsolved, found.without_program, found.not_sampled) == (1, 1, 1, 1)
    assert found.verdicts == {"wrong-output": 2, "accepted": 1, "runtime-error": 1}
    assert found.error_classes == {"bad-argument": 1}


def test_accepted_programs_alone_are_a_plain_corpus(problems, report):
    found, records = collected(problems, report, accepted=True)
    assert [entry.program for entry in records] == ["print(1)"]
    assert records[0].outcome is None
    assert records[0].extras["verified"] is True
    assert (found.records, found.programs) == (1, 4)


def test_most_bounds_what_passes_and_what_fails(problems, tmp_path):
    samples = [(f"print({n})", Verdict.ACCEPTED) for n in range(5)]
    samples += [(f"error({n})", Verdict.RUNTIME_ERROR) for n in range(5)] + [samples[3]]
    path = write_report(tmp_path / "r.json", [sampled(FIRST, *samples)]).path
    _, records = collected(problems, path, most=2)
    assert [entry.program for entry in records] == ["print(3)", "print(0)", "error(0)", "error(1)"]


def test_a_stream_gives_what_its_report_gives_however_often_it_is_named(problems, report):
    expected = collected(problems, report)
    stream = write_stream(report.with_name("other.jsonl"), RESULTS)
    assert collected(problems, stream) == expected
    assert collected(problems, stream, stream) == expected
    beside = write_stream(report.with_suffix(".jsonl"), RESULTS)
    assert collected(problems, report, beside) == expected


def test_a_run_that_goes_on_is_collected_again(problems, tmp_path):
    path = write_stream(tmp_path / "run.jsonl", RESULTS[:1])
    with path.open("ab") as file:
        file.write(b'{"metadata": {"knm": {"question')  # the line that is being written
    first, _ = collected(problems, path)
    write_stream(path, RESULTS[1:])
    second, records = collected(problems, path)
    assert (first.solved, first.unsolved) == (1, 0)
    assert (second.solved, second.unsolved) == (1, 1)
    assert len(records) == 4


def test_the_last_result_of_a_problem_counts(problems, tmp_path):
    lost = sampled(FIRST, ("print(1)", Verdict.SANDBOX_FAULT))
    found, _ = collected(problems, write_stream(tmp_path / "run.jsonl", [lost, RESULTS[0]]))
    assert (found.samples, found.faults) == (2, 0)


def test_completions_are_kept_where_they_are_asked_for(problems, report):
    _, records = collected(problems, report, completions=True)
    assert records[0].extras["completion"] == "```lua\nprint(1)\n```"


def test_programs_that_no_file_can_hold_are_left_out(problems, tmp_path):
    broken = sampled(FIRST, ("print('\ud800')", Verdict.ACCEPTED), ("print(1)", Verdict.ACCEPTED))
    _, records = collected(problems, write_stream(tmp_path / "run.jsonl", [broken]))
    assert [entry.program for entry in records] == ["print(1)"]


def test_nothing_that_is_read_or_was_made_otherwise_is_written_over(problems, report):
    before = problems.read_bytes()
    with pytest.raises(UserError, match="would be written over"):
        collect(CollectOptions((report,), str(problems), problems))
    mine = problems.with_name("mine.jsonl")
    save_corpus(mine, [record("a")])
    with pytest.raises(UserError, match="holds something else"):
        collect(CollectOptions((report,), str(problems), mine))
    assert problems.read_bytes() == before
    assert len(load_corpus(mine)) == 1


def test_results_of_other_problems_are_named(problems, tmp_path):
    path = write_report(tmp_path / "r.json", [result("elsewhere")]).path
    with pytest.raises(UserError, match="give the problem set"):
        collected(problems, path)
    both = write_report(tmp_path / "both.json", [result("elsewhere"), result(FIRST)]).path
    assert collected(problems, both)[0].unknown == 1


def test_a_run_of_which_nothing_passes_gives_no_empty_corpus(problems, tmp_path):
    path = write_report(tmp_path / "r.json", RESULTS[1:]).path
    with pytest.raises(UserError, match="none of 6 samples passed"):
        collected(problems, path, accepted=True)
    assert not (tmp_path / "collected.jsonl").exists()


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (MESSAGE, 2),
        ("the completion ran out of tokens: main.lua:3: '<eof>' expected", 3),
        ("main.lua:4: beyond the program's end", None),
        ("main.lua:0: no such line", None),
        (f"main.lua:{'9' * 5000}: far beyond", None),
        ("said main.lua:2: itself", None),
        ("other.lua:2: of another file", None),
        ("wrong output on test 2 of 3", None),
    ],
)
def test_the_line_is_the_one_that_the_error_names(message, line):
    assert error_line(message, BAD, "lua") == line


@given(st.text(), st.text())
def test_a_line_is_one_of_the_programs(message, program):
    line = error_line(f"main.lua:{message}", program, "lua")
    assert line is None or 1 <= line <= len(program.split("\n"))


@pytest.mark.parametrize("place", [1, 2, 3])
def test_the_line_is_found_in_what_the_sandbox_says(sandbox, place):
    lines = ["local x = 1", "local y = 2", "local z = 3"]
    lines[place - 1] = "local q = nil + 1"
    program = "\n".join(lines)
    judged = sandbox.judge(program, [TestCase("", "")])
    assert judged.verdict is Verdict.RUNTIME_ERROR
    assert error_line(judged.message, program, "lua") == place
