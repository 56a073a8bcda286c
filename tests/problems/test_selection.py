import os

import pytest

from knm.errors import UserError
from knm.problems import Selection, load_problems
from tests.problems.problem_files import write_problems

IDS = [f"q{number:03}" for number in range(60)]


def record(question_id: str, **extras: object) -> dict[str, object]:
    tests = '[{"input": "1", "output": "1", "testtype": "stdin"}]'
    return {
        "question_id": question_id,
        "question_content": "Print.",
        "private_test_cases": tests,
        **extras,
    }


@pytest.fixture
def problems(tmp_path):
    records = [
        record(name, rating=number, level="easy" if number % 2 else "hard")
        for number, name in enumerate(IDS)
    ]
    return write_problems(tmp_path / "set.jsonl", records)


def ids(source, **selection) -> list[str]:
    return list(load_problems(source, Selection(**selection)).ids)


def test_two_people_draw_alike_whatever_the_order_of_their_files(problems, tmp_path):
    turned = write_problems(tmp_path / "turned.jsonl", [record(name) for name in reversed(IDS)])
    drawn = ids(problems, sample_problems=20, sample_seed=7)
    assert len(drawn) == 20
    assert drawn == sorted(drawn)
    assert sorted(ids(turned, sample_problems=20, sample_seed=7)) == drawn
    assert ids(problems, sample_problems=20, sample_seed=8) != drawn
    assert ids(problems, sample_problems=20) == ids(problems, sample_problems=20, sample_seed=0)


def test_a_draw_is_what_it_was_for_everyone(problems):
    assert ids(problems, sample_problems=4, sample_seed=7) == PINNED


PINNED = ["q006", "q008", "q016", "q040"]


def test_a_smaller_draw_is_part_of_a_larger(problems):
    few, many = ids(problems, sample_problems=5), ids(problems, sample_problems=30)
    assert set(few) < set(many)
    assert ids(problems, sample_problems=1000) == IDS


def test_parts_are_taken_one_after_the_other(problems, tmp_path):
    listed = tmp_path / "ids.txt"
    listed.write_text("\n".join(IDS[:10]) + "\n\n")
    assert ids(problems, ids=str(listed)) == IDS[:10]
    assert ids(problems, ids=str(listed), where="level==easy") == IDS[1:10:2]
    assert ids(problems, ids=str(listed), where="level==easy", limit=2) == [IDS[1], IDS[3]]
    drawn = ids(problems, ids=str(listed), where="rating>=5", sample_problems=3)
    assert len(drawn) == 3
    assert set(drawn) <= set(IDS[5:10])
    assert ids(problems, where="question_id==q003 or rating==7") == ["q003", "q007"]


def test_a_part_has_the_hash_of_its_problems(problems, tmp_path):
    part = write_problems(tmp_path / "part.jsonl", [record(name) for name in IDS[:3]])
    first = load_problems(problems, Selection(limit=3)).content_hash
    assert first == load_problems(part).content_hash
    assert load_problems(problems, Selection(where="rating<3")).content_hash == first
    assert load_problems(problems).content_hash != first


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        ({"limit": 0}, "limit 0: take at least 1"),
        ({"sample_problems": 0}, "sample_problems 0: take at least 1"),
        ({"where": "difficulty==easy"}, "no problem has a field 'difficulty'; there are level, qu"),
        ({"where": "rating>100"}, "holds of none of the 60 problems"),
        ({"where": "rating>"}, "expected a value"),
        ({"ids": "nope.txt"}, "ids nope.txt: cannot be read"),
    ],
)
def test_what_cannot_be_selected_says_why(problems, selection, said):
    with pytest.raises(UserError, match=said):
        ids(problems, **selection)


def test_an_id_that_the_set_does_not_have_is_named_with_its_line(problems, tmp_path):
    listed = tmp_path / "ids.txt"
    listed.write_text("q001\nq999\n")
    with pytest.raises(UserError, match=r"ids.txt:2: the set has no problem 'q999'"):
        ids(problems, ids=str(listed))
    listed.write_text("\n")
    with pytest.raises(UserError, match="lists no id"):
        ids(problems, ids=str(listed))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="pipe: a pipe or a folder.*give a file"):
        ids(problems, ids=str(tmp_path / "pipe"))


def test_a_report_is_told_what_was_selected_without_paths(tmp_path):
    listed = tmp_path / "ids.txt"
    listed.write_text("q001\n")
    assert Selection(limit=3).settings() == {"limit": 3}
    told = Selection(ids=str(listed), sample_problems=2, where="a==1").settings()
    assert told["subset"]["sample_seed"] == 0
    assert told["subset"]["where"] == "a==1"
    assert str(tmp_path) not in str(told)
