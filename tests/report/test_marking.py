import re
from typing import Any

import pytest

from knm.records import Neighbour, TokenChange
from knm.report.explanation import Explained, Explanation, Origin
from knm.report.marking import mark_program, render_explanation
from knm.sandbox import Verdict
from tests.report.builders import of_samples, result

PROGRAM = "local a = b\nprint(a)\n"


def changed(token, lm_token="?", *, position=0, weight=None, neighbours=(), start=-1):
    place = PROGRAM.index(token) if start == -1 else start
    change = TokenChange(position, place, lm_token, token, tuple(neighbours))
    return Explained(change, place, weight, tuple(Origin() for _ in neighbours))


def explanation(*changes, total=None, program=PROGRAM):
    knn: dict[str, Any] = {
        "steps": 12,
        "searched": 9,
        "argmax_changes": total or len(changes),
        "changes": [],
    }
    return Explanation(result("p", program=program, knn=knn), 0, changes)


def test_changed_tokens_are_marked_and_numbered():
    marked = mark_program(PROGRAM, [changed(" b"), changed("print")], color=False)
    assert marked == "local a =« b»₁\n«print»₂(a)\n"


def test_a_line_end_is_shown_and_kept():
    assert mark_program(PROGRAM, [changed("b\nprint")], color=False) == (
        "local a = «b⏎print»₁\nprint(a)\n"
    )


def test_what_stands_elsewhere_is_not_marked_and_keeps_its_number():
    outside = changed("x", start=None)
    assert "«print»₂" in mark_program(PROGRAM, [outside, changed("print")], color=False)


def test_colours_take_nothing_from_the_program():
    marked = mark_program(PROGRAM, [changed(" b"), changed("print")], color=True)
    assert re.sub(r"\x1b\[\d+m|[₀-₉]", "", marked) == PROGRAM
    assert "\x1b[7mprint\x1b[27m" in marked


def test_each_change_is_told_with_its_neighbours():
    near = [Neighbour(" b", 1.25, "train-1", 7, " c"), Neighbour(" d", 2, "train-2", 9)]
    text = render_explanation(explanation(changed(" b", " q", weight=0.5, neighbours=near)))
    assert "1 of 12 tokens changed, 9 steps searched" in text
    assert "1. line 1, character 10: ' q' -> ' b', weight 0.50" in text
    assert re.search(r"' b' +1\.2 +train-1:7 +the LM said ' c'", text)
    assert re.search(r"' d' +2\.0 +train-2:9", text)


def test_the_number_of_neighbours_is_bounded():
    near = [Neighbour(" b", 1, f"train-{i}", 7) for i in range(5)]
    text = render_explanation(explanation(changed(" b", neighbours=near)), neighbours=2)
    assert "train-1:7" in text
    assert "train-2:7" not in text


def test_what_the_report_left_out_is_counted():
    assert "3 later changes are not in the report" in render_explanation(
        explanation(changed(" b"), total=4)
    )


@pytest.mark.parametrize("program", [None, ""])
def test_a_result_without_a_program_is_told_of(program):
    shown = changed("x", start=None, position=4)
    text = render_explanation(explanation(shown, program=program))
    assert "(no program)" in text
    assert "1. token 4, outside the program" in text


def test_trials_behind_a_change_are_told_with_what_came_of_them():
    trials = [Neighbour("print", 0.1, f"p{n}", 3, "write", int(n < 7), 0) for n in range(9)]
    shown = render_explanation(
        explanation(changed("print", "write", weight=1.0, neighbours=trials)), neighbours=2
    )
    assert "'print' instead: gained 7 of 9 problems here, lost 0" in shown
    assert shown.count("gained  the LM said 'write'") == 2


def test_the_failing_test_is_shown_with_the_place_where_outputs_part():
    failed = result("p", Verdict.WRONG_OUTPUT, program=PROGRAM, title="Sums", failing_input="3 4\n",
                    expected="1\n25 6\n", got="1\n26 6\n", stderr="hm")  # fmt: skip
    text = render_explanation(Explanation(failed, 0, ()))
    assert text.startswith(
        "p  Sums  wrong-output; 1 of 4 tests passed\ndecoded without a datastore"
    )
    assert (
        "test 2 of 4 was the first to fail\n-- input\n    3 4\n-- expected\n    1\n    25 6" in text
    )
    assert "-- got, other from line 2, character 2 on\n    1\n    26 6" in text
    assert text.endswith("-- standard error\n    hm")


def test_all_samples_are_told_and_the_one_explained_is_marked():
    several = of_samples(result("p", Verdict.TIMEOUT), result("p", program=PROGRAM), result("p"))
    text = render_explanation(Explanation(several, 1, ()))
    assert "2/3 samples pass" in text
    assert re.search(r"^   *sample 1  timeout; 1 of 4 tests passed +20 tokens$", text, re.M)
    assert re.search(r"^> +sample 2  accepted; 4 of 4 tests passed +20 tokens$", text, re.M)
    assert text.endswith(PROGRAM)
