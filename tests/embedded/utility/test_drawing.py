"""Small libraries: drawn reproducibly, and verified."""

import re
from itertools import islice

import pytest

from knm.corpora import load_corpus
from knm.embedded.utility import draw_utilities
from knm.embedded.utility.drawing import PASSED
from knm.embedded.utility.templates import class_templates, function_templates
from knm.packaged import UTILITY_CORPUS
from knm.testcases import TestCase

PACKAGED = UTILITY_CORPUS / "train.jsonl"


def test_draws_repeat_with_the_seed_and_hold_nothing_twice():
    first, again = (list(islice(draw_utilities(3, "u"), 200)) for _ in range(2))
    assert first == again
    assert len({record.program for record, _ in first}) == 200
    assert len({record.statement for record, _ in first}) == 200
    assert first != list(islice(draw_utilities(4, "u"), 200))


def test_no_mark_of_a_template_is_left():
    for record, check in islice(draw_utilities(0, "u"), 400):
        for text in (record.statement, check):
            assert not re.search(r"\$\w|@[A-Z]{2,}|<<|>>|¶|\0", text), text


def test_programs_read_and_write_nothing():
    for record, _ in islice(draw_utilities(0, "u"), 400):
        assert not re.search(r"\bio\.|\bprint\b", record.program)


def test_drawn_programs_pass_their_checks(sandbox):
    for record, check in islice(draw_utilities(7, "u"), 60):
        judgement = sandbox.judge(check, [TestCase("", PASSED)])
        assert judgement.verdict == "accepted", (record.program, judgement.message)


def test_a_wrong_program_fails_its_checks(sandbox):
    drawn = islice(draw_utilities(0, "u"), 400)
    check = next(check for record, check in drawn if "gcd" in record.extras["operations"])
    broken = check.replace("return math.abs", "return -math.abs")
    assert broken != check
    assert sandbox.judge(broken, [TestCase("", PASSED)]).verdict == "runtime-error"


def test_the_packaged_corpus_shows_every_template():
    records = load_corpus(PACKAGED)
    shown = {name for record in records for name in record.extras["operations"]}
    functions = [entry for held in function_templates().values() for entry in held]
    methods = [method for entry in class_templates() for method in entry.methods]
    classes = class_templates()
    names = [held.names[0] for kind in (functions, classes, methods) for held in kind]
    assert shown == set(names)
    assert len(records) == 1228


@pytest.mark.parametrize("kind", ["function", "class"])
def test_what_a_statement_names_is_defined(kind):
    named = 0
    for record, _ in islice(draw_utilities(1, "u"), 200):
        if (record.extras["composition"].startswith("classes|")) is (kind == "class"):
            for name in re.findall(r"^- (\w+)\(", record.statement, re.MULTILINE):
                assert re.search(rf"\b{name}\b", record.program)
                named += 1
    assert named > 20
