import pytest

from knm.errors import UserError
from knm.report.blame import Effect, blame, render_blame
from knm.sandbox import Verdict
from tests.report.builders import result, write_report

RIGHT, WRONG, FAULT = Verdict.ACCEPTED, Verdict.WRONG_OUTPUT, Verdict.SANDBOX_FAULT
BEFORE = {"up": WRONG, "down": RIGHT, "bad": WRONG, "good": RIGHT, "gone": FAULT, "up2": WRONG}
AFTER = {"up": RIGHT, "down": WRONG, "bad": WRONG, "good": RIGHT, "gone": RIGHT, "up2": RIGHT}


def change(position, *neighbours, token="x"):
    """A change to `token`; neighbours are (record, offset, token)."""
    return {
        "position": position,
        "start": None,
        "lm_token": "?",
        "token": token,
        "neighbours": [
            {"token": said, "distance": 1.0, "record": record, "offset": offset}
            for record, offset, said in neighbours
        ],
    }


HELPER, HARMER, OTHER = ("good-1", 5, "x"), ("bad-1", 6, "x"), ("good-1", 9, "y")
CHANGES = {
    "up": [change(1, HELPER, OTHER), change(2, HELPER, HELPER)],
    "up2": [change(1, HELPER), change(3, OTHER, token="y")],
    "down": [change(1, HARMER, HELPER), change(4, HARMER)],
    "bad": [change(1, HARMER)],
    "gone": [change(1, HARMER)],
}


@pytest.fixture
def reports(tmp_path):
    baseline = [result(name, verdict) for name, verdict in BEFORE.items()]
    run = [
        result(
            name,
            verdict,
            knn={
                "steps": 9,
                "searched": 9,
                "argmax_changes": len(CHANGES.get(name, ())),
                "changes": CHANGES.get(name, []),
            },
        )
        for name, verdict in AFTER.items()
    ]
    return (
        write_report(tmp_path / "run.json", run, configuration={"knn": {"preset": {}}}),
        write_report(tmp_path / "baseline.json", baseline),
    )


def counts(found, name):
    use = next(use for use in found if use.name == name)
    return {effect: (use.problems[effect], use.uses[effect]) for effect in use.uses}


def test_entries_are_counted_by_what_became_of_the_problems(reports):
    found = blame(*reports)
    assert found.problems == {
        Effect.GAINED: ("up", "up2"),
        Effect.LOST: ("down",),
        Effect.FAILED: ("bad",),
        Effect.KEPT: ("good",),
    }
    assert counts(found.entries, "good-1:5") == {
        Effect.GAINED: (2, 3),
        Effect.LOST: (1, 1),
        Effect.FAILED: (0, 0),
        Effect.KEPT: (0, 0),
    }
    assert counts(found.entries, "bad-1:6")[Effect.LOST] == (1, 2)
    # A fault of the baseline is no loss and no gain: that problem does not count.
    assert counts(found.entries, "bad-1:6")[Effect.FAILED] == (1, 1)


def test_only_who_spoke_for_the_token_counts(reports):
    assert counts(blame(*reports).entries, "good-1:9")[Effect.GAINED] == (1, 1)


def test_a_record_counts_once_a_change_whatever_its_entries(reports):
    found = blame(*reports)
    assert counts(found.records, "good-1")[Effect.GAINED] == (2, 4)
    assert {use.name for use in found.records} == {"good-1", "bad-1"}


def test_without_a_baseline_passed_and_failed_are_told_apart(reports):
    found = blame(reports[0])
    assert set(found.problems) == {Effect.PASSED, Effect.NOT_PASSED}
    assert counts(found.entries, "bad-1:6") == {
        Effect.PASSED: (1, 1),
        Effect.NOT_PASSED: (2, 3),
    }


def test_harmful_records_lose_more_than_they_gain(reports):
    assert blame(*reports).harmful_records() == ("bad-1",)
    with pytest.raises(UserError, match="baseline"):
        blame(reports[0]).harmful_records()


def test_a_run_without_a_datastore_has_nobody_to_blame(reports):
    with pytest.raises(UserError, match="decoded without a datastore"):
        blame(reports[1])


def test_tables_show_the_worst_and_the_best_first(reports):
    text = render_blame(blame(*reports), 1)
    blocks = text.split("\n\n")
    assert blocks[0].split("\n") == [
        "gained 2: up up2",
        "lost 1: down",
        "still failed 1",
        "still passed 1",
    ]
    assert "good-1:5" in blocks[1]
    assert "good-1:9" not in blocks[1]
    assert "bad-1:6" in blocks[2]
    assert [block.split(":")[0] for block in blocks[3:]] == [
        "records used in gained problems",
        "records used in lost problems",
    ]


def test_json_holds_as_many_as_asked_for_and_the_number_of_all(reports):
    told = blame(*reports).to_json(top=1)
    assert [entry["record"] for entry in told["entries"]] == ["good-1"]
    assert (told["entries_used"], told["records_used"]) == (3, 2)
    assert told["records"][0]["problems"]["gained"] == 2


def test_entries_that_are_trials_are_told_with_what_came_of_them(tmp_path):
    trial = {"token": "x", "distance": 1.0, "record": "p", "offset": 3, "lm_token": "y"}
    changes = [{**change(1), "neighbours": [{**trial, "outcome": 1, "crash": -1}]}]
    knn = {"steps": 9, "searched": 9, "argmax_changes": 1, "changes": changes}
    report = write_report(
        tmp_path / "run.json", [result("up", knn=knn)], configuration={"knn": {"preset": {}}}
    )
    found = blame(report)
    told = "instead of 'y': gained, mended a crash"
    assert found.to_json()["entries"][0]["trial"] == told
    assert f"p:3  'x' {told}" in render_blame(found, 5)
