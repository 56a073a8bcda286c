from dataclasses import fields

import jsonschema
import pytest

from knm.jsonio import read_json
from knm.records import Completion, Interventions, Neighbour, TokenChange
from knm.report import SCHEMA_VERSION, ProblemResult, Sample, validate_document
from knm.report.validation import SCHEMA_FILE
from knm.sandbox import Judgement, Verdict
from tests.report.builders import document, of_samples, result

CHANGE = {"position": 3, "lm_token": "a", "token": "b", "neighbours": []}
KNN = {"steps": 9, "searched": 9, "argmax_changes": 2, "changes": [CHANGE]}
RECORDS = {
    "result": ProblemResult,
    "sample": Sample,
    "judgement": Judgement,
    "completion": Completion,
    "interventions": Interventions,
    "change": TokenChange,
    "neighbour": Neighbour,
}


def test_the_schema_is_a_schema_of_this_version_and_names_every_field():
    schema = read_json(SCHEMA_FILE)

    jsonschema.Draft202012Validator.check_schema(schema)
    section = schema["properties"]["knm"]["properties"]
    assert section["schema_version"]["const"] == SCHEMA_VERSION
    for name, kind in RECORDS.items():
        described = schema["$defs"][name]
        assert list(described["properties"]) == [field.name for field in fields(kind)]
        assert set(described["required"]) <= set(described["properties"])
    assert schema["$defs"]["judgement"]["properties"]["verdict"]["enum"] == list(Verdict)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_results_of_any_verdict_make_a_valid_report(verdict):
    several = of_samples(*[result("s", verdict)] * 2)
    results = [result("a", verdict, knn=KNN, errata="two right answers"), several]

    assert list(validate_document(document(results, selected=3))) == []


def test_a_report_of_nothing_is_valid():
    assert list(validate_document(document([]))) == []


def _sample(content):
    return content["tests"][1]["metadata"]["knm"]["samples"][0]


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (lambda content: content["knm"].pop("totals"), "$.knm"),
        (lambda content: content["knm"].update(schema_version=1), "$.knm.schema_version"),
        (lambda content: content["knm"]["totals"].update(pass_at_1=2), "$.knm.totals.pass_at_1"),
        (
            lambda content: _sample(content)["judgement"].update(verdict="fine"),
            "$.tests[1].metadata.knm.samples[0].judgement.verdict",
        ),
        (
            lambda content: _sample(content)["completion"].update(
                interventions={**KNN, "changes": [CHANGE] * 65}
            ),
            "$.tests[1].metadata.knm.samples[0].completion",
        ),
    ],
)
def test_what_is_wrong_is_found_at_its_place(spoil, place):
    content = document([result("a")])
    spoil(content)

    assert any(line.startswith(f"{place}: ") for line in validate_document(content))
