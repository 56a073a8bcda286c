from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.report.page.changes import Change, Place, changes_of, place_changes
from tests.report.builders import result
from tests.report.page.examples import (
    BASE_TEXT,
    CHANGES,
    KNN,
    KNN_PROGRAM,
    KNN_TEXT,
)

UNAIDED = result("p", completion=BASE_TEXT)
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


def test_the_first_change_stands_where_the_runs_part_and_later_ones_are_estimated() -> None:
    places = place_changes(CORRECTED, changes_of(CORRECTED), UNAIDED)
    assert places[0] == Place(KNN_PROGRAM.index(" io"), exact=True)
    assert places[1] == Place(KNN_PROGRAM.index(" n\n"), exact=False)


def test_without_a_run_of_the_lm_alone_every_place_is_an_estimate() -> None:
    places = place_changes(CORRECTED, changes_of(CORRECTED), None)
    assert all(place is not None and not place.exact for place in places)


def test_tokens_that_begin_alike_are_found_at_their_begin() -> None:
    change = Change(1, "local", "loop", ())
    unaided = result("p", completion="x local y")
    corrected = result("p", completion="x loop z", program="x loop z", completion_tokens=3)
    assert place_changes(corrected, [change], unaided) == [Place(2, exact=True)]


def test_a_program_that_is_no_part_of_the_completion_has_no_places() -> None:
    apart = result("p", completion=KNN_TEXT, program="print(2)", knn=KNN)
    assert place_changes(apart, changes_of(apart), UNAIDED) == [None, None]


@given(
    text=st.text(alphabet="ab \n", min_size=1, max_size=40),
    tokens=st.lists(
        st.tuples(st.integers(0, 30), st.text(alphabet="ab \n", max_size=3)), max_size=6
    ),
    count=st.integers(0, 30),
)
def test_a_place_always_holds_its_token_and_places_do_not_overlap(
    text: str, tokens: list[tuple[int, str]], count: int
) -> None:
    changes = [Change(position, "?", token, ()) for position, token in sorted(tokens)]
    shown = result("p", completion=f"``{text}``", program=text, completion_tokens=count)
    end = 0
    for change, place in zip(changes, place_changes(shown, changes, None), strict=True):
        if place is not None:
            assert text.startswith(change.token, place.start)
            assert place.start >= end
            end = place.start + len(change.token)
