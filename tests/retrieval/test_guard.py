"""Which prompts a datastore answers: by language, by form and, of whole sets, by kind."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.codec import from_json, to_json
from knm.corpora import load_corpus
from knm.datastore import RecordOrigin
from knm.datastore.domain import describe_prompts, display_names
from knm.packaged import EMBEDDED_CORPUS
from knm.problems import (
    PromptTemplate,
    load_problems,
    load_template,
    sample_prompts,
)
from knm.retrieval import resolve_preset
from knm.retrieval.guard import Guard
from tests.retrieval.stores import store_of

TASK = load_template("task")
PROBLEMS = [problem.question_content for problem in load_problems("embedded")]


def statements(name: str) -> list[str]:
    return [record.statement for record in load_corpus(EMBEDDED_CORPUS.parent / name)]


def prompts(texts, language="lua", template=TASK) -> list[str]:
    return [template.render(text, language) for text in texts]


def guard_of(*languages: str | None, domain=None, preset="trusted") -> Guard | None:
    origins = [RecordOrigin(f"r{number}", language) for number, language in enumerate(languages)]
    store = replace(store_of(np.zeros((2, 2))), records=tuple(origins))
    store = replace(store, manifest=replace(store.manifest, domain=domain))
    return Guard.of(resolve_preset(preset), store)


@pytest.fixture(scope="module")
def embedded_guard() -> Guard:
    own = prompts(statements("lua_cp/train.jsonl"))
    guard = guard_of("lua", domain=describe_prompts(own, display_names(["lua"])))
    assert guard is not None
    return guard


@pytest.mark.parametrize("name", ["train", "dev", "test"])
def test_no_prompt_of_the_corpus_is_objected_to(embedded_guard, name):
    asked = prompts(statements(f"lua_cp/{name}.jsonl"))
    assert [text for text in asked if embedded_guard.objection(text)] == []


@pytest.mark.parametrize("language", ["lua", "lua5.4"])
def test_no_prompt_of_the_bench_is_objected_to_drawn_or_written_by_hand(embedded_guard, language):
    assert len(PROBLEMS) == 186
    assert [text for text in prompts(PROBLEMS, language) if embedded_guard.objection(text)] == []
    assert embedded_guard.objection_to_set(prompts(PROBLEMS, language)) is None


@pytest.mark.parametrize(("language", "said"), [("python", "Python 3"), ("c", "C17")])
def test_every_prompt_for_another_language_is_and_it_says_why(embedded_guard, language, said):
    for text in prompts(PROBLEMS, language):
        objection = embedded_guard.objection(text)
        assert objection == f"the prompt asks for {said}, the datastore holds Lua 5.4 or LuaJIT 2.1"


def test_a_language_that_nobody_here_knows_is_another(embedded_guard):
    for text in prompts(PROBLEMS):
        objection = embedded_guard.objection(text.replace("LuaJIT 2.1", "Terra"))
        assert objection is not None
        assert "does not ask for Lua 5.4 or LuaJIT 2.1" in objection


@pytest.mark.parametrize(
    "template",
    [
        load_template("contest"),
        PromptTemplate("bare", "{statement}"),
        PromptTemplate("other", "Solve in {language}.\n\n{statement}"),
        PromptTemplate("questions", "# Problem\n{statement}\n\nAnswer with a {language} program."),
    ],
    ids=lambda template: template.name,
)
def test_every_prompt_of_another_form_is(embedded_guard, template):
    for text in prompts(PROBLEMS, template=template):
        assert embedded_guard.objection(text) is not None


@pytest.mark.parametrize("text", ["", "hello", "Write a Lua program.", "def f(x):\n  pass", "\0"])
def test_what_is_no_prompt_of_the_corpus_at_all_is(embedded_guard, text):
    assert embedded_guard.objection(text) is not None


def test_a_word_of_the_form_may_change():
    system = "You write programs. Today is {} of the year 2026.\n"
    own = [system.format("May 1") + text for text in prompts(PROBLEMS)]
    guard = guard_of("lua", domain=describe_prompts(own, display_names(["lua"])))
    assert guard is not None
    for text in prompts(PROBLEMS[:3]):
        assert guard.objection(system.format("June 7") + text) is None
        assert guard.objection(text) is not None


def test_whether_problems_are_of_another_kind_many_of_them_tell(embedded_guard):
    utility = prompts(statements("lua_utility/train.jsonl"))
    assert [embedded_guard.objection(text) for text in utility[:9]] == [None] * 9
    assert "another kind" in (embedded_guard.objection_to_set(utility) or "")
    reverse = guard_of("lua", domain=describe_prompts(utility, display_names(["lua"])))
    assert reverse is not None
    assert reverse.objection_to_set(utility) is None
    assert "another kind" in (reverse.objection_to_set(prompts(PROBLEMS)) or "")


def test_presets_with_a_weight_of_their_own_answer_everything():
    assert guard_of("lua", preset="dense") is None


def test_a_datastore_that_tells_nothing_answers_everything():
    assert guard_of(None) is None


@pytest.mark.parametrize("language", ["lua", "lua5.4", "python", "c"])
def test_without_prompts_of_its_own_a_datastore_goes_by_the_language_alone(language):
    guard = guard_of("lua", None)
    assert guard is not None
    (text,) = prompts(["Print x."], language)
    assert (guard.objection(text) is None) == language.startswith("lua")
    assert guard.objection("local x = 1") is None


def test_a_datastore_of_two_languages_answers_both():
    guard = guard_of("lua", "python")
    assert guard is not None
    answers = {name: guard.objection(prompts(["x"], name)[0]) for name in ("lua", "python", "c")}
    assert answers["lua"] is answers["python"] is None
    assert answers["c"] is not None


def test_a_guard_survives_as_json(embedded_guard):
    value = json.loads(json.dumps(to_json(embedded_guard)))
    again = from_json(Guard, value, "here")
    assert to_json(again) == value
    for text in (*prompts(PROBLEMS[:3]), *prompts(PROBLEMS[:3], "python"), "x"):
        assert again.objection(text) == embedded_guard.objection(text)


TEXTS = st.lists(st.text(max_size=60), min_size=30, max_size=40)


@given(TEXTS, st.text(max_size=20), st.text(max_size=20))
def test_no_corpus_objects_to_its_own_prompts(texts, before, after):
    template = PromptTemplate("any", f"{before}{{statement}}{after} in {{language}}")
    own = prompts(texts, template=template)
    guard = guard_of("lua", domain=describe_prompts(own, display_names(["lua"])))
    assert guard is not None
    assert [text for text in own if guard.objection(text)] == []


@given(st.integers(1, 300))
def test_a_sample_of_prompts_is_spread_over_the_whole_set(count):
    found = sample_prompts(
        PromptTemplate("s", "{statement}"), [(str(n), "lua") for n in range(count)]
    )
    assert found[0] == "0"
    assert min(count, 64) <= len(found) <= 128
    steps = {int(b) - int(a) for a, b in pairwise(found)}
    assert len(steps) <= 1
