import json
from dataclasses import replace

import pytest

from knm.codec import to_json
from knm.errors import UserError
from knm.jsonio import read_json, write_json
from knm.judging import JudgeOptions, judge_file
from knm.problems import ALL, Selection, load_problems
from knm.report import (
    NoiseFloor,
    diff_reports,
    load_report,
    read_stream,
    stream_path,
    validate_document,
)
from knm.sandbox import Verdict
from tests.problems.problem_files import grammar_records, without_tests, write_problems
from tests.report.builders import document, result

pytestmark = pytest.mark.usefixtures("sandbox")  # skips where the system has none

RECORDS = grammar_records(3)
IDS = [record["question_id"] for record in RECORDS]


def write_completions(path, *rows):
    path.write_text(
        "".join(
            json.dumps({"question_id": question_id, "solution": program, "reasoning": ""}) + "\n"
            for question_id, program in rows
        )
    )
    return path


@pytest.fixture
def options(tmp_path) -> JudgeOptions:
    problems = write_problems(tmp_path / "set.jsonl", [*RECORDS, without_tests("untested")])
    completions = write_completions(
        tmp_path / "completions.jsonl",
        (IDS[0], RECORDS[0]["reference"]),
        (IDS[1], "print('nonsense')"),
        ("untested", "print(1)"),
        ("foreign", "print(1)"),
    )
    return JudgeOptions(completions, str(problems), tmp_path / "judged.json")


def verdicts(judged) -> dict[str, Verdict]:
    return {entry.question_id: entry.verdict for entry in judged.report.results}


def test_completions_are_judged_into_a_valid_report(options):
    judged = judge_file(options)

    assert verdicts(judged) == {
        IDS[0]: Verdict.ACCEPTED,
        IDS[1]: Verdict.WRONG_OUTPUT,
        "untested": Verdict.BROKEN_PROBLEM,
    }
    assert (judged.without_completion, judged.without_problem) == (1, 1)
    assert list(validate_document(read_json(options.out))) == []
    failed = [test for test in read_json(options.out)["tests"] if test["outcome"] == "failed"]
    assert "nonsense" in failed[0]["call"]["longrepr"]


def test_a_report_judged_again_differs_in_nothing(options):
    first = judge_file(options)
    again = judge_file(
        replace(options, completions=options.out, out=options.out.with_name("again.json"))
    )
    diff = diff_reports(first.report, again.report)

    assert diff.differences == ()
    assert diff.noise == (NoiseFloor(2, (), (), ()),)
    assert again.report.section["noise"] == to_json(diff.noise[0])


def test_judging_again_keeps_what_is_known_of_the_prompt_and_all_that_was_written(options):
    judge_file(options)
    document = read_json(options.out)
    for test in document["tests"]:
        test["metadata"]["knm"]["prompt_hash"] = "5" * 64
    for sample in document["tests"][1]["metadata"]["knm"]["samples"]:
        sample["completion"]["text"] = "```lua\nprint(('x'):rep(3000))\n```"
    long = options.out.with_name("long.json")
    write_json(long, document)
    again = replace(options, completions=long, out=options.out.with_name("again.json"))
    results = judge_file(replace(again, keep_io=True)).report.results
    assert [entry.prompt_hash for entry in results] == ["5" * 64] * len(results)
    assert "x" * 3000 + "\n" in [entry.judgement.got for entry in results]


def test_several_workers_judge_alike_and_in_the_same_order(options):
    one = judge_file(options)
    two = judge_file(replace(options, out=options.out.with_name("two.json"), workers=2))
    order = [
        [json.loads(line)["nodeid"] for line in stream_path(path).read_text().splitlines()[1:]]
        for path in (options.out, options.out.with_name("two.json"))
    ]

    assert verdicts(one) == verdicts(two)
    assert order[0] == order[1]


def test_an_interrupted_call_is_resumed(options):
    whole = judge_file(options)
    stream = stream_path(options.out)
    lines = stream.read_bytes().splitlines(keepends=True)
    stream.write_bytes(lines[0] + lines[1] + lines[2][:40])
    options.out.unlink()

    assert verdicts(judge_file(options)) == verdicts(whole)
    kept = read_stream(stream)
    assert stream.read_bytes().startswith(lines[0] + lines[1])
    assert len(kept.results) == 3


@pytest.mark.parametrize(
    ("changes", "known"), [({"workers": 1}, 2), ({"fresh": True}, 0), ({"keep_io": True}, 0)]
)
def test_nothing_is_judged_twice_that_was_kept_unless_fresh(options, changes, known):
    keeping = replace(options, kept=options.out.with_name("kept"))
    first = judge_file(keeping)
    again = judge_file(replace(keeping, out=options.out.with_name("again.json"), **changes))
    assert (first.from_before, again.from_before) == (0, known)
    assert verdicts(again) == verdicts(first)


def test_what_the_judge_says_twice_is_told_only_of_what_it_judged_twice(options):
    keeping = replace(options, kept=options.out.with_name("kept"))
    judge_file(keeping)
    again = replace(keeping, completions=options.out, out=options.out.with_name("again.json"))
    assert "noise" not in judge_file(again).report.section
    assert "noise" in judge_file(replace(again, fresh=True)).report.section


def test_what_was_lost_to_infrastructure_is_judged_again(options):
    judge_file(options)
    before = stream_path(options.out).read_bytes().count(b"\n")
    judge_file(options)

    assert stream_path(options.out).read_bytes().count(b"\n") == before + 1


def test_a_stream_of_other_completions_is_not_continued_unless_fresh(options):
    judge_file(options)
    write_completions(options.completions, (IDS[0], "print('other')"))

    with pytest.raises(UserError, match=r"judged\.jsonl: of another run"):
        judge_file(options)
    assert verdicts(judge_file(replace(options, fresh=True))) == {IDS[0]: Verdict.WRONG_OUTPUT}


def test_several_completions_of_a_problem_are_its_samples(options):
    write_completions(
        options.completions,
        (IDS[0], "print('nonsense')"),
        (IDS[0], RECORDS[0]["reference"]),
    )
    (found,) = judge_file(options).report.results

    assert found.verdict is Verdict.WRONG_OUTPUT
    assert [sample.judgement.verdict for sample in found.samples] == ["wrong-output", "accepted"]


def test_errata_of_problems_are_marked(options, tmp_path):
    records = [{**RECORDS[0], "errata": "several right answers"}, {**RECORDS[1], "errata": True}]
    write_problems(tmp_path / "set.jsonl", records)
    found = judge_file(options).report.results

    assert {entry.question_id: entry.errata for entry in found} == {
        IDS[0]: "several right answers",
        IDS[1]: "known to be wrong",
    }


def decoded_report(path, records, **settings):
    """What a run leaves that only decodes: one answer is right, one wrong and one was lost."""
    texts = [f"```lua\n{records[0]['reference']}\n```", "```lua\nprint(7)\n```"]
    results = [
        result(record["question_id"], Verdict.NOT_JUDGED, completion=text, knn=KNN)
        for record, text in zip(records, texts, strict=False)
    ]
    lost = result(
        records[2]["question_id"],
        Verdict.ENGINE_FAULT,
        completion=None,
        program=None,
        error_class="EngineLost",
    )
    write_json(path, document([*results, lost], **settings))
    return path


KNN = {"steps": 20, "searched": 5, "argmax_changes": 0, "changes": []}


def test_what_was_only_decoded_becomes_the_report_of_the_whole_run(options, tmp_path):
    problem_set = load_problems(options.problems, Selection(limit=3))
    settings = {
        "configuration": {"limit": 3, "problems": problem_set.name, "model": "big", "seed": 1},
        "hashes": {"problem_set": problem_set.content_hash},
        "selected": 4,
    }
    decoded = decoded_report(tmp_path / "decoded.json", RECORDS, **settings)
    judged = judge_file(replace(options, completions=decoded))
    section = judged.report.section

    assert verdicts(judged) == dict(
        zip(IDS, ("accepted", "wrong-output", "engine-fault"), strict=True)
    )
    source = load_report(decoded, unjudged=True)
    for before, after in zip(source.results, judged.report.results, strict=True):
        assert after.completions == before.completions
    lost = [
        entry.judgement
        for report in (source, judged.report)
        for entry in report.results
        if entry.question_id == IDS[2]
    ]
    assert lost[0] == lost[1]
    limits = section["configuration"].pop("limits")
    assert section["configuration"] == {
        **{name: source.configuration[name] for name in source.configuration if name != "limits"},
        "sandbox": "local",
    }
    assert limits["cpu_seconds"] == 5.0
    assert section["hashes"] == source.hashes
    assert not judged.other_problems
    assert section["selected"] == 4  # one of which the run did not come to
    assert judged.report.missing == 1
    assert section["totals"]["knn"]["searched"] == 10
    assert "noise" not in section
    assert list(validate_document(read_json(options.out))) == []


def test_a_list_of_ids_has_to_be_given_again(options, tmp_path):
    (tmp_path / "ids.txt").write_text("\n".join(IDS))
    selection = Selection(ids=str(tmp_path / "ids.txt"))
    problem_set = load_problems(options.problems, selection)
    hashes = {"problem_set": problem_set.content_hash}
    settings = {"configuration": selection.settings(), "hashes": hashes}
    decoded = decoded_report(tmp_path / "decoded.json", RECORDS, **settings)
    given = replace(options, completions=decoded, selection=selection)
    assert not judge_file(given).other_problems
    assert judge_file(replace(given, selection=ALL, fresh=True)).other_problems


def test_where_it_was_decoded_is_told_beside_where_it_was_judged(options, tmp_path):
    decoded = decoded_report(tmp_path / "decoded.json", RECORDS)
    content = read_json(decoded)
    engines = [{"device": "cuda", "verified": True}]
    content["knm"]["environment"] = {"python": "3.9", "sandbox": {}, "engines": engines}
    write_json(decoded, content)
    again = options.out.with_name("again.json")
    judge_file(replace(options, completions=decoded))
    judge_file(replace(options, completions=options.out, out=again))
    for path in (options.out, again):
        told = read_json(path)["knm"]["environment"]
        assert (told["engines"], told["decoded"]) == (engines, {"python": "3.9"})
        assert told["sandbox"]["backend"] == "local"


def test_completions_that_were_decoded_anew_do_not_continue_what_was_judged(options, tmp_path):
    decoded = decoded_report(tmp_path / "decoded.json", RECORDS)
    judge_file(replace(options, completions=decoded))
    decoded_report(decoded, [RECORDS[1], RECORDS[0], RECORDS[2]])
    with pytest.raises(UserError, match="what was judged"):
        judge_file(replace(options, completions=decoded))


@pytest.mark.parametrize("name", ["completions.jsonl", "set.jsonl"])
def test_no_input_is_written_over_by_the_report_or_its_stream(options, name):
    path = options.out.with_name(name)
    before = path.read_bytes()
    for out in (path, path.with_suffix(".json")):
        with pytest.raises(UserError, match=f"out: .*{name} would be written over"):
            judge_file(replace(options, out=out, fresh=True))
    assert path.read_bytes() == before


def test_another_file_in_the_stream_s_place_is_left_alone(options):
    notes = stream_path(options.out)
    notes.write_text('{"todo": "judge"}\n')
    with pytest.raises(UserError, match="holds something else"):
        judge_file(replace(options, fresh=True))
    assert notes.read_text() == '{"todo": "judge"}\n'


def test_completions_of_another_problem_set_are_refused(options):
    write_completions(options.completions, ("foreign", "print(1)"))

    with pytest.raises(UserError, match="give the problem set that it was written for"):
        judge_file(options)


def test_limits_are_those_of_the_report_unless_given(options):
    first = judge_file(replace(options, time_limit=2.0))
    assert first.report.configuration["limits"]["cpu_seconds"] == 2.0

    again = replace(options, completions=options.out, out=options.out.with_name("again.json"))
    assert judge_file(again).report.configuration["limits"]["cpu_seconds"] == 2.0
    other = replace(again, out=options.out.with_name("other.json"), time_limit=3.0)
    assert judge_file(other).report.configuration["limits"]["cpu_seconds"] == 3.0


def test_a_limit_that_is_given_leaves_the_others_as_the_run_had_them(options, tmp_path):
    kept = {"cpu_seconds": 2.0, "wall_seconds": 40.0, "memory_bytes": 1 << 28, "output_bytes": 1000}
    decoded = decoded_report(tmp_path / "d.json", RECORDS, configuration={"limits": kept})
    found = []
    for name, given in (("a", {"time_limit": 3.0}), ("b", {"memory_limit": 300})):
        asked = replace(options, completions=decoded, out=tmp_path / f"{name}.json", **given)
        found.append(judge_file(asked).report.configuration["limits"])
    assert found == [
        kept | {"cpu_seconds": 3.0, "wall_seconds": 15.0},
        kept | {"memory_bytes": 300 << 20},
    ]


@pytest.mark.parametrize("limits", [{"cpu_seconds": "x"}, {"memory_bytes": -1}])
def test_limits_that_are_none_are_told_with_their_file(options, tmp_path, limits):
    decoded = decoded_report(tmp_path / "d.json", RECORDS, configuration={"limits": limits})
    with pytest.raises(UserError, match=rf"d\.json: configuration: limit {next(iter(limits))}"):
        judge_file(replace(options, completions=decoded))


DOUBLED = 'int x;\nscanf("%d", &x);\nprintf("%d\\n", 2 * x);'
DOUBLES = {
    "c": f"#include <stdio.h>\nint main(void) {{\n{DOUBLED}\nreturn 0;\n}}",
    "python": "print(2 * int(input()))",
    "lua5.4": "print(math.tointeger(io.read('n') << 1))",
}


@pytest.mark.parametrize("of_ones_own", [False, True], ids=["packaged", "own"])
@pytest.mark.parametrize("language", DOUBLES)
def test_completions_of_any_language_are_judged(language, of_ones_own, tmp_path):
    cases = [{"input": "21\n", "output": "42\n", "testtype": "stdin"}]
    record = {"question_content": "Print twice N.", "private_test_cases": json.dumps(cases)}
    ids = ("right", "wrong")
    problems = write_problems(
        tmp_path / "set.jsonl", [{"question_id": name, **record} for name in ids]
    )
    asked = language
    if of_ones_own:
        asked = str(tmp_path / "own.yaml")
        (tmp_path / "own.yaml").write_text(
            f"extends: {language}\nprompt: {{display: Own 1.0, fence: own, tags: own}}\n"
        )
    completions = write_completions(
        tmp_path / "completions.jsonl",
        ("right", DOUBLES[language]),
        ("wrong", DOUBLES[language].replace("2", "3").replace("1", "2")),
    )
    judged = judge_file(
        JudgeOptions(completions, str(problems), tmp_path / "judged.json", language=asked)
    )
    found = verdicts(judged)
    assert found["right"] is Verdict.ACCEPTED
    assert found["wrong"] is not Verdict.ACCEPTED
    assert not found["wrong"].is_infrastructure
