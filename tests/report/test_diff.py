import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.report import (
    Difference,
    FlipView,
    Report,
    diff_reports,
    mcnemar_exact,
    parse_condition,
    regressed,
    render_diff,
)
from knm.sandbox import Verdict
from tests.report.builders import result, write_report

JUDGED = [verdict for verdict in Verdict if verdict is not Verdict.NOT_JUDGED]
WRONG, FAULT = Verdict.WRONG_OUTPUT, Verdict.SANDBOX_FAULT


def reports(
    folder: Path, before: dict[str, Verdict], after: dict[str, Verdict], **settings: Any
) -> tuple[Report, Report]:
    """Two reports from verdicts by id; `settings` are those of the second."""
    a = write_report(folder / "a.json", [result(*item) for item in before.items()])
    b = write_report(folder / "b.json", [result(*item) for item in after.items()], **settings)
    return a, b


def test_flips_are_gained_or_lost(tmp_path):
    accepted = Verdict.ACCEPTED
    diff = diff_reports(
        *reports(
            tmp_path,
            {"a": accepted, "b": WRONG, "c": Verdict.SYNTAX_ERROR, "d": accepted, "e": WRONG},
            {"a": accepted, "b": accepted, "c": accepted, "d": Verdict.TIMEOUT, "e": WRONG},
        )
    )

    assert (diff.gained, diff.lost) == (("b", "c"), ("d",))
    assert diff.p_value == mcnemar_exact(2, 1) == 1.0
    assert (diff.a.totals.passed, diff.b.totals.passed) == (2, 3)
    assert diff.transitions == {
        ("accepted", "accepted"): 1,
        ("accepted", "timeout"): 1,
        ("wrong-output", "accepted"): 1,
        ("wrong-output", "wrong-output"): 1,
        ("syntax-error", "accepted"): 1,
    }
    assert not regressed(diff)


def test_what_only_one_run_knows_is_listed_and_not_compared(tmp_path):
    accepted = Verdict.ACCEPTED
    diff = diff_reports(
        *reports(
            tmp_path,
            {"a": accepted, "b": accepted, "c": FAULT, "x": accepted},
            {"a": WRONG, "b": FAULT, "c": accepted, "y": accepted, "z": FAULT},
        )
    )

    assert (diff.a.unmatched, diff.b.unmatched) == (("x",), ("y", "z"))
    assert diff.uncounted == ("b", "c")
    assert (diff.gained, diff.lost) == ((), ("a",))
    assert diff.a.totals.problems == diff.b.totals.problems == 1
    assert diff.transitions == {("accepted", "wrong-output"): 1}


@given(
    st.dictionaries(
        st.integers(0, 30),
        st.tuples(st.sampled_from(JUDGED), st.sampled_from(JUDGED)),
    ).filter(bool)
)
def test_the_parts_of_a_comparison_add_up(tmp_path_factory, verdicts):
    diff = diff_reports(
        *reports(
            tmp_path_factory.mktemp("reports"),
            {f"q{n:02}": before for n, (before, _) in verdicts.items()},
            {f"q{n:02}": after for n, (_, after) in verdicts.items()},
        )
    )

    assert diff.b.totals.passed - diff.a.totals.passed == len(diff.gained) - len(diff.lost)
    assert sum(diff.transitions.values()) == diff.a.totals.counted == diff.b.totals.counted
    assert diff.a.totals.counted + len(diff.uncounted) == len(verdicts)
    assert regressed(diff) == (len(diff.lost) > len(diff.gained))
    assert diff.a.totals.infrastructure == diff.b.totals.infrastructure == 0


def test_one_loss_more_than_gains_is_a_regression_whatever_p(tmp_path):
    diff = diff_reports(*reports(tmp_path, {"a": Verdict.ACCEPTED}, {"a": WRONG}))

    assert diff.p_value == 1.0
    assert regressed(diff)


def test_what_runs_are_compared_for_may_differ_and_is_listed(tmp_path):
    a, b = reports(
        tmp_path,
        {"a": WRONG},
        {"a": WRONG},
        configuration={"knn": {"preset": "v2", "k": 16}, "model": "other"},
        hashes={"datastore": "4" * 64},
    )

    assert diff_reports(a, b).differences == (
        Difference("configuration.knn.k", None, 16),
        Difference("configuration.knn.preset", None, "v2"),
        Difference("configuration.model", "embedded", "other"),
        Difference("hashes.datastore", None, "4" * 64),
    )


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"hashes": {"problem_set": "9" * 64}}, "hashes.problem_set: 111111111111 / 999999999999"),
        ({"hashes": {"prompt": "9" * 64}}, "hashes.prompt: 222222222222 / 999999999999"),
        ({"configuration": {"language": "python"}}, "configuration.language: lua / python"),
        ({"configuration": {"max_new_tokens": 64}}, "configuration.max_new_tokens: 512 / 64"),
        ({"configuration": {"samples": 4}}, "configuration.samples: 1 / 4"),
        (
            {"configuration": {"sampling": {"temperature": 0.8, "top_p": 1.0, "seed": 0}}},
            "configuration.sampling.temperature: 0.0 / 0.8",
        ),
        (
            {"configuration": {"limits": {"cpu_seconds": 9.0, "memory_bytes": 2**29}}},
            "configuration.limits.cpu_seconds: 5.0 / 9.0",
        ),
        ({"configuration": {"limits": {}}}, "configuration.limits.cpu_seconds: 5.0 / -"),
    ],
)
def test_unlike_runs_are_refused_unless_forced(tmp_path, settings, named):
    a, b = reports(tmp_path, {"a": WRONG}, {"a": Verdict.ACCEPTED}, **settings)

    with pytest.raises(UserError, match="--force") as refusal:
        diff_reports(a, b)
    assert f"  {named}" in str(refusal.value).splitlines()

    forced = diff_reports(a, b, force=True)
    assert forced.gained == ("a",)
    assert forced.differences[0].critical
    assert "forced" in render_diff(forced)


def test_runs_without_a_common_problem_are_refused_even_if_forced(tmp_path):
    a, b = reports(tmp_path, {"a": WRONG}, {"b": WRONG})

    with pytest.raises(UserError, match="no problem in common"):
        diff_reports(a, b, force=True)


def test_a_comparison_is_plain_json(tmp_path):
    diff = diff_reports(
        *reports(
            tmp_path,
            {"a": WRONG, "b": FAULT, "x": WRONG},
            {"a": Verdict.ACCEPTED, "b": WRONG},
            configuration={"model": "other"},
        )
    )
    value = diff.to_json()

    assert json.loads(json.dumps(value)) == value
    assert value["differences"] == [
        {"path": "configuration.model", "a": "embedded", "b": "other", "critical": False}
    ]
    assert value["a"]["unmatched"] == ["x"]
    assert value["b"]["totals"]["pass_at_1"] == 1.0
    assert (value["gained"], value["lost"], value["uncounted"]) == (["a"], [], ["b"])
    assert value["transitions"] == [{"a": "wrong-output", "b": "accepted", "count": 1}]


def test_the_text_shows_settings_first_then_rates_flips_verdicts(tmp_path):
    accepted = Verdict.ACCEPTED
    a, b = reports(
        tmp_path,
        {"a": WRONG, "b": accepted, "c": FAULT, "x": WRONG},
        {"a": accepted, "b": accepted, "c": WRONG},
        configuration={"knn": {"preset": "v2"}},
    )

    assert render_diff(diff_reports(a, b)).splitlines() == [
        f"A  {a.path}",
        f"B  {b.path}",
        "",
        "   Different settings        A  B",
        "   configuration.knn.preset  -  v2",
        "",
        "2 problems compared",
        "left out, infrastructure fault 1: c",
        "only in A 1: x",
        "",
        "               A                B",
        "Pass@1         50.0 % (1 of 2)  100.0 % (2 of 2)",
        "95 % interval  9.5-90.5 %       34.2-100.0 %",
        "tests passed   62.5 %           100.0 %",
        "generated      40 tokens        40 tokens",
        "speed          40.0 tokens/s    40.0 tokens/s",
        "tests passed, B - A: +37.5 points, 95 % interval +0.0 to +75.0",
        "",
        "1 gained, 0 lost, exact McNemar, two-sided: p = 1",
        "",
        "Verdict in A      Verdict in B  Problems",
        "accepted      =   accepted      1",
        "wrong-output  ->  accepted      1",
        "",
        "   Flip  Verdict                   Completions part at",
        "+  a     wrong-output -> accepted  nowhere: judged differently",
    ]


def test_long_id_lists_are_wrapped(tmp_path):
    names = [f"problem_{n:03}" for n in range(60)]
    a, b = reports(tmp_path, dict.fromkeys(names, WRONG), dict.fromkeys(names, Verdict.ACCEPTED))
    text = render_diff(diff_reports(a, b), flips=FlipView.IDS)

    assert all(name in text for name in names)
    assert max(len(line) for line in text.splitlines() if "problem_" in line) <= 100


def test_of_many_problems_that_are_not_compared_the_first_are_named(tmp_path):
    names = [f"q{number:02}" for number in range(30)]
    a, b = reports(tmp_path, dict.fromkeys(names, WRONG), {"q29": WRONG})
    text = render_diff(diff_reports(a, b))

    assert "only in A 29: q00 q01 q02 q03 q04 q05 q06 q07 q08 q09 q10 q11 and 17 more" in text


def test_equal_runs_say_so(tmp_path):
    a, b = reports(tmp_path, {"a": WRONG}, {"a": WRONG})

    assert "Same configuration." in render_diff(diff_reports(a, b))


def test_settings_that_older_reports_could_not_have_are_their_defaults(tmp_path):
    a, b = reports(
        tmp_path,
        {"a": WRONG},
        {"a": WRONG},
        configuration={
            "samples": 1,
            "sampling": {"temperature": 0.0, "top_p": 1.0, "seed": 0},
        },
    )
    assert diff_reports(a, b).differences == ()


def test_error_classes_are_compared_the_largest_change_first(tmp_path):
    def classes(*names: str) -> list[Any]:
        return [
            result(f"q{number}", Verdict.RUNTIME_ERROR, error_class=name)
            for number, name in enumerate(names)
        ]

    diff = diff_reports(
        write_report(tmp_path / "a.json", classes("x", "x", "y", "z")),
        write_report(tmp_path / "b.json", classes("y", "y", "y", "z")),
    )

    assert list(diff.error_classes.items()) == [("x", (2, 0)), ("y", (1, 3)), ("z", (1, 1))]
    text = render_diff(diff).splitlines()
    assert "x            2  0  -2" in text
    assert not any(line.startswith("z") for line in text)


def test_the_change_of_the_test_pass_rate_is_paired(tmp_path):
    diff = diff_reports(
        *reports(
            tmp_path,
            {"a": WRONG, "b": WRONG, "c": Verdict.ACCEPTED},
            {"a": Verdict.ACCEPTED, "b": WRONG, "c": Verdict.ACCEPTED},
        )
    )

    assert diff.rate_changes == (0.75, 0.0, 0.0)
    assert diff.mean_rate_change is not None
    mean, low, high = diff.mean_rate_change
    assert mean == pytest.approx(0.25)
    assert 0 <= low <= mean <= high


def test_an_unfinished_run_is_told(tmp_path):
    a, b = reports(tmp_path, {"a": WRONG}, {"a": WRONG}, selected=5)

    assert "B is unfinished: 4 problems have no result" in render_diff(diff_reports(a, b))


def test_flips_in_full_show_messages_and_neighbours(tmp_path):
    change = {
        "position": 7,
        "lm_token": "1",
        "token": "2",
        "neighbours": [{"token": "2", "distance": 1.5, "record": "train-3", "offset": 12}],
    }
    knn = {"steps": 9, "searched": 9, "argmax_changes": 1, "changes": [change]}
    before = result("a", WRONG, message="wrong output on test 2 of 4", completion="print(1)")
    a = write_report(tmp_path / "a.json", [before])
    b = write_report(tmp_path / "b.json", [result("a", completion="print(2)", knn=knn)])

    text = render_diff(diff_reports(a, b), flips=FlipView.FULL)
    assert text.splitlines()[-8:] == [
        "+ a",
        "  A  wrong-output; failed test 2 of 4",
        "  B  accepted; 4 of 4 tests passed",
        "  completions part at line 1, character 7, token 7, after 'print('",
        "    A goes on '1)'",
        "    B goes on '2)'",
        "  datastore, token 7: '1' -> '2'",
        "    nearest '2' 1.5 (train-3:12)",
    ]


def diff_of(folder, gained: int, lost: int):
    names = [f"q{number}" for number in range(gained + lost)]
    before = [Verdict.WRONG_OUTPUT] * gained + [Verdict.ACCEPTED] * lost
    after = [Verdict.ACCEPTED] * gained + [Verdict.TIMEOUT] * lost
    return diff_reports(
        write_report(folder / "a.json", list(map(result, names, before))),
        write_report(folder / "b.json", list(map(result, names, after))),
    )


@pytest.mark.parametrize(
    ("condition", "gained", "lost", "met"),
    [
        ("regression", 2, 1, False),
        ("regression", 1, 1, False),
        ("regression", 1, 2, True),
        ("any-loss", 5, 1, True),
        ("any-loss", 5, 0, False),
        ("p:0.05", 0, 5, False),  # p = 0.0625
        ("p:0.05", 0, 6, True),  # p = 0.03125
        ("p:0.05", 6, 0, False),
        ("p:1", 0, 1, True),
    ],
)
def test_a_condition_is_met_or_not(tmp_path, condition, gained, lost, met):
    assert parse_condition(condition).met_by(diff_of(tmp_path, gained, lost)) is met
    assert str(parse_condition(condition)) == condition


@pytest.mark.parametrize("text", ["", "loss", "p", "p:", "p:0", "p:2", "p:nan", "q:0.05"])
def test_what_is_no_condition_is_refused_with_the_choices(text):
    with pytest.raises(UserError, match="regression, any-loss, or p:"):
        parse_condition(text)
