import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.judging import export_candidates
from knm.judging.attempts import Candidate, KeptFault
from knm.judging.candidates import load_candidates
from knm.problems import fence_program
from knm.sandbox import Verdict
from tests.report.builders import header, interventions, of_samples, result, write_report


def write_lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def written(path: Path) -> dict[str, tuple[Candidate, ...]]:
    """The completions of a file that tells of no fault."""
    found = load_candidates(path).by_problem
    return {
        name: tuple(each for each in attempts if isinstance(each, Candidate))
        for name, attempts in found.items()
    }


def test_lines_of_the_reference_harness_are_candidates(tmp_path):
    path = write_lines(
        tmp_path / "c.jsonl",
        {"question_id": "a", "solution": "print(1)", "reasoning": "One."},
        {"question_id": "b", "solution": None, "reasoning": "No idea."},
        {"question_id": "a", "solution": "print(2)", "reasoning": ""},
    )
    found = written(path)

    assert [candidate.program for candidate in found["a"]] == ["print(1)", "print(2)"]
    assert found["a"][0].completion.text == "One.\n\n```lua\nprint(1)\n```"
    assert (found["b"][0].program, found["b"][0].completion.text) == (None, "No idea.")


@given(st.text(st.characters(codec="utf-8")).filter(str.strip))
def test_what_is_exported_is_imported_again(tmp_path_factory, program):
    folder = tmp_path_factory.mktemp("candidates")
    completion = f"Thus:\n{fence_program(program)}\nDone."
    report = write_report(
        folder / "r.json", [result("a", completion=completion, program=program), result("b")]
    )
    assert export_candidates(report, folder / "c.jsonl") == 2
    (candidate,) = written(folder / "c.jsonl")["a"]

    assert candidate.program == program
    if not program.endswith("\n"):  # which a fence drops
        assert candidate.completion.text == completion


def test_a_file_that_a_report_names_as_its_language_is_not_opened(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("extends: python\n")
    entry = result("a", completion="```python\nprint(1)\n```")
    report = write_report(tmp_path / "r.json", [entry], configuration={"language": str(own)})
    with pytest.raises(UserError, match=r"r.json: language '.*own.yaml' is a file.*give it by"):
        load_candidates(report.path)
    (attempt,) = load_candidates(report.path, str(own)).by_problem["a"]
    assert isinstance(attempt, Candidate)
    assert attempt.program == "print(1)"


def test_samples_are_lines_of_their_own(tmp_path):
    samples = [result("a", program=f"print({n})") for n in range(3)]
    report = write_report(tmp_path / "r.json", [of_samples(*samples)])
    export_candidates(report, tmp_path / "c.jsonl")

    found = load_candidates(tmp_path / "c.jsonl", "lua")
    programs = [entry.program for entry in written(tmp_path / "c.jsonl")["a"]]
    assert programs == ["print(0)", "print(1)", "print(2)"]
    assert found.configuration["samples"] == 3


def test_of_a_report_settings_tokens_and_retrieval_are_kept(tmp_path):
    knn = {"steps": 20, "searched": 5, "argmax_changes": 0, "changes": []}
    results = [
        result("a", knn=knn, finish_reason="length"),
        result("b", Verdict.ENGINE_FAULT, completion=None, program=None),
    ]
    report = write_report(tmp_path / "r.json", results)
    found = load_candidates(report.path, "lua")

    (candidate,) = written(report.path)["a"]
    assert candidate.completion.interventions == interventions(**knn)
    assert (candidate.completion.prompt_tokens, candidate.completion.finish_reason) == (
        100,
        "length",
    )
    assert (found.configuration, found.hashes) == (report.configuration, report.hashes)
    (fault,) = found.by_problem["b"]
    assert isinstance(fault, KeptFault)
    assert fault.judgement == results[1].judgement


def test_a_language_that_lies_on_another_machine_is_asked_for(tmp_path):
    path = tmp_path / "r.json"
    write_report(path, [result("a")], configuration={"language": "toy"})
    with pytest.raises(UserError, match=r"r\.json: the language of its .*toy.*; say .*language"):
        load_candidates(path)
    assert load_candidates(path, "lua").language == "lua"


def test_the_language_is_the_report_s_unless_one_is_given(tmp_path):
    text = "```python\nprint(1)\n```"
    path = tmp_path / "r.json"
    write_report(path, [result("a", completion=text)], configuration={"language": "python"})
    assert written(path)["a"][0].program == "print(1)"
    assert (load_candidates(path).language, load_candidates(path, "lua").language) == (
        "python",
        "lua",
    )


def test_a_report_of_faults_alone_holds_no_completion(tmp_path):
    lost = result("a", Verdict.ENGINE_FAULT, completion=None, program=None)
    with pytest.raises(UserError, match="no completions"):
        load_candidates(write_report(tmp_path / "r.json", [lost]).path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"solution": "x"}, "question_id"),
        ({"question_id": 7, "solution": "x"}, "question_id"),
        ({"question_id": "a"}, "solution"),
        ({"question_id": "a", "solution": 7}, "solution"),
        ({"question_id": "a", "solution": "x", "reasoning": 7}, "reasoning"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, row, message):
    path = write_lines(tmp_path / "c.jsonl", {"question_id": "z", "solution": "x"}, row)

    with pytest.raises(UserError, match=rf"c\.jsonl:2: `{message}`"):
        load_candidates(path, "lua")


def test_a_stream_is_to_be_finished_first(tmp_path):
    path = write_lines(tmp_path / "r.jsonl", header().to_json())
    with pytest.raises(UserError, match=r"knm report finish .*r\.jsonl`, and give that"):
        load_candidates(path)


def test_a_file_without_completions_is_refused(tmp_path):
    with pytest.raises(UserError, match="no completions"):
        load_candidates(write_lines(tmp_path / "c.jsonl"), "lua")
