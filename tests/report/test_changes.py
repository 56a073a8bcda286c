from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.report.changes import Change, Neighbour, changes_of, place_changes
from tests.report.builders import result
from tests.report.page.examples import (
    CHANGES,
    KNN,
    KNN_PROGRAM,
    KNN_TEXT,
)

UNAIDED = result("p")
CORRECTED = result("p", completion=KNN_TEXT, program=KNN_PROGRAM, completion_tokens=24, knn=KNN)


def test_no_retrieval_changes_nothing() -> None:
    assert changes_of(UNAIDED) == ()


@pytest.mark.parametrize(
    "broken",
    [
        [{"position": 1}],
        ["text"],
        7,
        [{**CHANGES[0], "neighbours": [{"token": "x"}]}],
        [{**CHANGES[0], "neighbours": [{**CHANGES[0]["neighbours"][0], "distance": "far"}]}],
        [{**CHANGES[0], "neighbours": [{**CHANGES[0]["neighbours"][0], "distance": float("nan")}]}],
    ],
)
def test_a_malformed_change_names_the_problem(broken: Any) -> None:
    with pytest.raises(UserError, match="problem p: "):
        changes_of(result("p", knn={**KNN, "changes": broken}))


def test_a_change_stands_where_the_report_says() -> None:
    places = place_changes(CORRECTED, changes_of(CORRECTED))
    assert places == [KNN_PROGRAM.index(" io"), KNN_PROGRAM.index(" n\n")]


def test_a_report_that_does_not_tell_has_no_places() -> None:
    older = [{**CHANGES[0], "start": None}, {k: v for k, v in CHANGES[1].items() if k != "start"}]
    corrected = result("p", completion=KNN_TEXT, program=KNN_PROGRAM, knn={**KNN, "changes": older})
    assert place_changes(corrected, changes_of(corrected)) == [None, None]


def test_a_program_that_is_no_part_of_the_completion_has_no_places() -> None:
    apart = result("p", completion=KNN_TEXT, program="print(2)", knn=KNN)
    assert place_changes(apart, changes_of(apart)) == [None, None]


@given(
    text=st.text(alphabet="ab \n", min_size=1, max_size=40),
    starts=st.lists(st.tuples(st.integers(0, 50), st.text(alphabet="ab \n", max_size=3))),
)
def test_a_place_always_holds_its_token(text: str, starts: list[tuple[int, str]]) -> None:
    changes = [Change(number, at, "?", token, ()) for number, (at, token) in enumerate(starts)]
    shown = result("p", completion=f"``{text}``", program=text)
    for change, place in zip(changes, place_changes(shown, changes), strict=True):
        if place is not None:
            assert text.startswith(change.token, place)


def tried(record: str, outcome: int | None, crash: int | None = 0, token: str = "b") -> Neighbour:
    return Neighbour(token, 0.1, record, 3, "a", outcome, crash)


def test_trials_are_told_by_problems() -> None:
    trials = (
        tried("p", 1, -1),
        tried("p", 1),
        tried("q", -1, 1),
        tried("r", 0),
        tried("s", 1),
        tried("t", 1, token="c"),
    )
    told = str(Change(0, None, "a", "b", trials).tally)
    assert told == "gained 2 of 4 problems here, lost 1; 1 crashes mended, 1 made"
    assert str(Change(0, None, "a", "b", trials[1:2]).tally) == (
        "gained 1 of 1 problems here, lost 0"
    )
    assert Change(0, None, "a", "b", (tried("p", None, None),)).tally is None
    assert [trial.came_of_it for trial in (*trials[:4], tried("p", None, None))] == [
        "gained, mended a crash",
        "gained",
        "lost, made a crash",
        "no change",
        None,
    ]


def test_what_came_of_trials_is_read_from_a_report() -> None:
    neighbours = [{"token": "b", "distance": 0.5, "record": "p", "offset": 1, "outcome": -1}]
    change = {**CHANGES[0], "neighbours": neighbours}
    (read,) = changes_of(result("p", knn={**KNN, "changes": [change]}))
    assert (read.neighbours[0].outcome, read.neighbours[0].crash) == (-1, None)
