import json

import pytest

from knm.errors import UserError
from knm.jsonio import write_json
from knm.report import (
    SCHEMA_VERSION,
    ResultStream,
    judged_test,
    load_report,
    portable_test,
    stream_path,
)
from knm.sandbox import Verdict
from tests.report.builders import (
    CONFIGURATION,
    HASHES,
    document,
    header,
    of_samples,
    result,
    write_report,
)


def test_a_report_gives_its_settings_and_its_results_by_id(tmp_path):
    results = [result("b", Verdict.TIMEOUT), result("a"), result("c", Verdict.SANDBOX_FAULT)]
    report = write_report(tmp_path / "report.json", results)

    assert [entry.question_id for entry in report.results] == ["a", "b", "c"]
    assert report.results == tuple(sorted(results, key=lambda entry: entry.question_id))
    assert report.configuration == CONFIGURATION
    assert report.hashes == HASHES
    assert report.section["totals"]["passed"] == 1
    assert report.section["schema_version"] == SCHEMA_VERSION


def test_identical_runs_differ_in_their_times_alone():
    section = document([result("a"), result("b", Verdict.TIMEOUT)])["knm"]
    slower = document([result("b", Verdict.TIMEOUT, judge_seconds=9.0), result("a")])["knm"]

    assert section.pop("throughput") != slower.pop("throughput")
    assert section == slower


def test_a_section_without_what_comparisons_need_is_our_bug():
    with pytest.raises(AssertionError, match="prompt"):
        document([result("a")], hashes={"prompt": None})


@pytest.mark.parametrize(
    "content",
    ["[]", "3", "{}", '{"tests": []}', '{"knm": {}}', '{"knm": 1, "tests": []}',
     '{"knm": {}, "tests": []}', '{"knm": {"schema_version": "1"}, "tests": []}'],
)  # fmt: skip
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "foreign.json"
    path.write_text(content)

    with pytest.raises(UserError, match=r"foreign\.json: not a knm report"):
        load_report(path)


@pytest.mark.parametrize("samples", [1, 2])
def test_a_report_that_was_only_decoded_is_refused_by_all_who_want_verdicts(tmp_path, samples):
    path = tmp_path / "r.json"
    decoded = of_samples(*[result("b", Verdict.NOT_JUDGED)] * samples)
    write_json(path, document([result("a"), decoded]))

    with pytest.raises(UserError, match=r"r\.json: not judged: .*`knm judge --completions .*r\.j"):
        load_report(path)
    report = load_report(path, unjudged=True)
    assert [entry.judged for entry in report.results] == [True, False]


def test_why_a_test_was_skipped_is_told_without_this_machine_s_paths():
    told = "('/home/me/test_x.py', 7, 'Skipped: not now')"
    for longrepr in ("Skipped: not now", told, f"[gw0] linux -- Python 3 /bin/python\n{told}"):
        setup = {"outcome": "skipped", "longrepr": longrepr, "duration": 0.1}
        test = portable_test({"nodeid": "a", "setup": setup})
        assert test["setup"] == {**setup, "longrepr": "Skipped: not now"}


def test_where_a_worker_of_xdist_ran_is_not_told():
    worker = "[gw12] linux -- Python 3.11.7 /home/me/bin/python"
    test = portable_test(
        {
            "setup": {"outcome": "passed", "longrepr": worker},
            "call": {"outcome": "failed", "longrepr": f"{worker}\nwrong\n[gw1] said the program"},
        }
    )
    assert test == {
        "setup": {"outcome": "passed"},
        "call": {"outcome": "failed", "longrepr": "wrong\n[gw1] said the program"},
    }


def test_a_report_of_a_newer_schema_asks_for_an_upgrade(tmp_path):
    content = document([result("a")])
    content["knm"]["schema_version"] = SCHEMA_VERSION + 1
    write_json(tmp_path / "new.json", content)

    with pytest.raises(UserError, match=r"new\.json: written by a newer knm.*upgrade knm"):
        load_report(tmp_path / "new.json")


def test_a_truncated_report_points_to_the_stream_beside_it(tmp_path):
    path = tmp_path / "cut.json"
    path.write_text(json.dumps(document([result("a")]))[:-20])

    with pytest.raises(UserError, match=r"cut\.json: not valid JSON") as without_stream:
        load_report(path)
    assert "jsonl" not in str(without_stream.value)
    stream_path(path).write_text('{"id": "a", "text": "a file of completions"}\n')
    with pytest.raises(UserError, match=r"not valid JSON(?!.*jsonl)"):
        load_report(path)
    stream_path(path).unlink()

    with ResultStream(stream_path(path), header) as stream:
        stream.write(judged_test(result("a"), ""))
    with pytest.raises(UserError, match=r"what the run had judged is in .*cut\.jsonl: `knm report"):
        load_report(path)


def test_a_missing_file_and_a_directory_are_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.json: no such file"):
        load_report(tmp_path / "none.json")
    with pytest.raises(UserError, match="cannot be read"):
        load_report(tmp_path)


def test_a_malformed_result_is_found_by_its_test(tmp_path):
    content = document([result("a")])
    del content["tests"][1]["metadata"]["knm"]["samples"][0]["judgement"]["verdict"]
    write_json(tmp_path / "bad.json", content)

    with pytest.raises(
        UserError, match=r"bad\.json: .*test_problem\[a\]: no `samples\[0\].judgement.verdict`"
    ):
        load_report(tmp_path / "bad.json")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda content: content["knm"].pop("configuration"), "lacks `configuration` or `hashes`"),
        (lambda content: content["knm"]["hashes"].pop("problem_set"), "lacks `problem_set`"),
        (lambda content: content["tests"].append(7), r"tests\[2\] is not a JSON object"),
        (lambda content: content["tests"].append(content["tests"][1]), "two results of problem a"),
    ],
)
def test_a_broken_report_says_what_is_broken(tmp_path, spoil, message):
    content = document([result("a")])
    spoil(content)
    write_json(tmp_path / "broken.json", content)

    with pytest.raises(UserError, match=rf"broken\.json: .*{message}"):
        load_report(tmp_path / "broken.json")
