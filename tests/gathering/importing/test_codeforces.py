import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.errors import UserError
from tests.gathering.importing.importers import (
    find,
    reasons,
    submission,
    write_answer,
    write_files,
)

FIELDS = ["id", "contestId", "problem", "index", "verdict", "programmingLanguage", "tags", "name"]


@pytest.fixture
def sources(tmp_path):
    return write_files(
        tmp_path / "sources",
        {"1.lua": "print(1)", "4/A/2.lua": "print(2)\r\n", "LICENSE": "Some licence", "x.lua": ""},
    )


def test_accepted_programs_of_the_language_are_found(tmp_path, sources):
    answer = write_answer(
        tmp_path / "user.status.json",
        [
            submission(1),
            submission(2, "B1", programmingLanguage="Lua 5.4"),
            submission(3, verdict="WRONG_ANSWER"),
            submission(4, programmingLanguage="GNU C++17"),
            submission(5),
            submission(6, verdict=None),
        ],
    )
    found, skips = find("codeforces", answer, answer, sources=sources)
    first, second = (one.record for one in found)
    assert (first.id, first.program, first.problem, first.source) == (
        "codeforces-1",
        "print(1)",
        "4A",
        "codeforces",
    )
    assert first.extras == {
        "title": "Watermelon",
        "licence": "Some licence",
        "contest": 4,
        "index": "A",
        "rating": 800,
        "tags": ["math"],
        "compiler": "Lua",
    }
    assert (second.problem, second.program, second.group) == ("4B1", "print(2)\n", "4B1")
    assert reasons(skips)["submission 5"] == "no program in the folder"
    assert skips.reasons == {
        "not accepted": 4,
        "another language": 2,
        "no program in the folder": 1,
    }


def test_languages_are_told_apart_and_can_be_named(tmp_path, sources):
    names = ["Java 11", "JavaScript V8", "Lua"]
    told = [submission(number, programmingLanguage=name) for number, name in enumerate(names, 1)]
    answer = write_answer(tmp_path / "a.json", told)
    found, _ = find("codeforces", answer, sources=sources, compilers=("JavaScript V8",))
    assert [one.record.id for one in found] == ["codeforces-2"]
    found, _ = find("codeforces", answer, sources=sources, language="lua")
    assert found == []  # of 3 there is no program


def test_a_number_that_two_files_have_is_taken_from_neither(tmp_path, sources):
    write_files(sources, {"b/1.txt": "print(9)"})
    answer = write_answer(tmp_path / "a.json", [submission(1), submission(2)])
    found, skips = find("codeforces", answer, sources=sources)
    assert [one.record.id for one in found] == ["codeforces-2"]
    (clash,) = [entry for entry in skips.entries if entry.reason == "two files have its number"]
    assert clash.detail == "1.lua, b/1.txt"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"status": "FAILED", "comment": "handle: not found"}', "handle: not found"),
        ('{"status": "OK", "result": {}}', "has to be a list of submissions"),
        ("<html>", "not valid JSON"),
    ],
)
def test_files_that_are_no_answers_are_named(tmp_path, sources, content, message):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(UserError, match=message) as raised:
        find("codeforces", tmp_path / "a.json", sources=sources)
    assert "a.json" in str(raised.value)


def test_malformed_submissions_are_passed_over_and_told(tmp_path, sources):
    broken = [{}, 3, submission("1"), submission(True), submission(1, problem={"index": 7})]
    path = tmp_path / "a.json"
    path.write_text(json.dumps([*broken, submission(1, tags=3)]))
    found, skips = find("codeforces", path, sources=sources)
    assert [one.record.id for one in found] == ["codeforces-1"]
    assert f"no submission: result[4] of {path}" in skips.reasons


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["OK", "Lua", "A", ""]),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), parts),
    max_leaves=12,
)


@settings(max_examples=50)
@given(st.lists(JSON, max_size=4))
def test_any_json_gives_submissions_or_reasons(tmp_path_factory, told):
    folder = tmp_path_factory.mktemp("any")
    sources = write_files(folder / "sources", {f"{number}.lua": "print()" for number in (0, 1, 2)})
    found, skips = find("codeforces", write_answer(folder / "a.json", told), sources=sources)
    noted = sum(entry.count for entry in skips.entries if "submission" not in entry.name)
    assert len(found) + noted <= len(told)


def test_what_is_missing_is_asked_for(tmp_path, sources):
    with pytest.raises(UserError, match="name the folder that holds them"):
        find("codeforces", tmp_path / "a.json")
    with pytest.raises(UserError, match="whose submissions"):
        find("codeforces", "http://127.0.0.1:9/api", sources=sources)
    with pytest.raises(UserError, match="give its address"):
        find("codeforces", tmp_path / "a.json", sources=sources, handles=("x",))
