import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.languages.language import language_prompt
from knm.problems import TEMPLATES, PromptTemplate, load_template

LUA = "lua"


def test_the_task_template_is_the_plain_form_of_the_reference_framework():
    assert load_template("task").render("Add two numbers.", LUA) == (
        "# Problem\n"
        "Add two numbers.\n"
        "\n"
        "# Task\n"
        "Write a LuaJIT 2.1 program that reads standard input and prints the answer."
    )


@pytest.mark.parametrize(
    ("name", "display"),
    [("lua", "LuaJIT 2.1"), ("lua5.4", "Lua 5.4"), ("python", "Python 3"), ("c", "C17")],
)
def test_a_prompt_names_the_language_with_its_version(name, display):
    assert f"Write a {display} program" in load_template("task").render("x", name)


def test_an_unknown_language_is_an_error_that_lists_the_known():
    with pytest.raises(UserError, match=r"'cobol'; choose from c, java, lua, lua5\.4, python, or"):
        language_prompt("cobol")


def test_the_contest_template_states_the_dialect():
    prompt = load_template("contest").render("Add two numbers.", LUA)
    assert "Add two numbers." in prompt
    for word in ("LuaJIT 2.1", "Lua 5.1", "`//`", "math.floor", "`~=`", "`!=`", "`unpack(t)`"):
        assert word in prompt
    assert "one fenced code block tagged `lua`" in prompt


def test_built_in_templates_are_known_by_the_hashes_that_reports_hold():
    hashes = {name: template.content_hash[:12] for name, template in TEMPLATES.items()}
    assert hashes == {
        "task": "9fd716a08711",
        "function": "e35da19d4700",
        "contest": "0fc556675c9e",
        "livecodebench": "a5d8ad467509",
        "ag-livecodebench-x": "8f8d4b8920ca",
        "completion": "284228ea9667",
    }


def test_all_that_a_prompt_says_is_in_its_hash():
    plain = PromptTemplate("p", "{statement}")
    others = [
        PromptTemplate("p", "{statement}", system="Be brief."),
        PromptTemplate("p", "{statement}", chat=False),
        PromptTemplate("p", "{statement}", arguments=(("enable_thinking", False),)),
        PromptTemplate("p", "{statement}", arguments=(("enable_thinking", True),)),
    ]
    assert len({plain.content_hash, *(each.content_hash for each in others)}) == 5
    assert PromptTemplate("q", "{statement}").content_hash == plain.content_hash


def test_prompts_of_the_field_have_the_sections_of_the_published_ones():
    lcb = load_template("livecodebench")
    text = lcb.render("Add two numbers.", LUA)
    assert [line.split(":")[0] for line in text.splitlines() if line.startswith("###")] == [
        "### Question",
        "### Format",
        "### Answer",
    ]
    assert "### Question:\nAdd two numbers.\n\n### Format:" in text
    assert "```lua\n-- YOUR CODE HERE\n```" in text
    assert "LuaJIT 2.1" in lcb.render_system(LUA)
    dspy = load_template("ag-livecodebench-x")
    assert dspy.render("Add {x}.", LUA).startswith(
        "[[ ## programming_language ## ]]\nLuaJIT 2.1\n\n"
        "[[ ## problem_statement ## ]]\nAdd {x}.\n\n"
    )
    system = dspy.render_system(LUA)
    names = ["programming_language", "problem_statement", "reasoning", "solution", "completed"]
    assert re.findall(r"\[\[ ## (\w+) ## \]\]", system) == names
    assert "{problem_statement}" in system  # a form, to be filled in by nobody


def test_a_language_that_describes_its_dialect_suits_the_contest_template(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("prompt: {display: Own 1, fence: own, dialect: 'In {language} all is {x}.'}\n")
    contest = load_template("contest")
    assert contest.suits(str(own))
    prompt = contest.render("{dialect}", str(own))
    assert "# Dialect\nIn Own 1 all is {x}.\n" in prompt
    assert "tagged `own`" in prompt
    assert "# Problem\n{dialect}\n" in prompt


@pytest.mark.parametrize("name", ["lua5.4", "python"])
def test_the_contest_template_refuses_languages_that_it_is_wrong_about(name):
    with pytest.raises(UserError, match=f"language {name} describes none: use the template 'task'"):
        load_template("contest").render("x", name)


def test_every_built_in_template_loads_by_its_name_and_differs():
    assert all(load_template(name) is template for name, template in TEMPLATES.items())
    assert len({template.content_hash for template in TEMPLATES.values()}) == len(TEMPLATES)


@given(st.text())
def test_a_statement_is_never_substituted_into(statement):
    text = "{language}{statement}{language}"
    rendered = PromptTemplate("t", text).render(f"{{language}}{statement}{{statement}}", LUA)
    assert rendered == f"LuaJIT 2.1{{language}}{statement}{{statement}}LuaJIT 2.1"


def test_other_braces_of_a_template_survive():
    text = "{} {0} {{x}} { statement } \\1 {statement} {unknown}"
    assert (
        PromptTemplate("t", text).render("S", LUA) == "{} {0} {{x}} { statement } \\1 S {unknown}"
    )


@pytest.mark.parametrize("name", ["mine.txt", "mine.jinja"])
def test_a_file_is_a_template_of_its_own_name(name, tmp_path: Path):
    path = tmp_path / name
    path.write_bytes(b"Solve in {language}:\r\n{statement}\r\n")
    template = load_template(str(path))
    assert template.name == name
    assert template.render("Add.", LUA) == "Solve in LuaJIT 2.1:\nAdd."


def test_the_hash_of_a_template_is_that_of_its_text(tmp_path: Path):
    path = tmp_path / "mine.txt"
    path.write_text(TEMPLATES["task"].text)
    assert load_template(str(path)).content_hash == TEMPLATES["task"].content_hash
    path.write_text(TEMPLATES["task"].text + "!")
    assert load_template(str(path)).content_hash != TEMPLATES["task"].content_hash


def test_a_template_file_without_a_statement_is_an_error(tmp_path: Path):
    path = tmp_path / "mine.txt"
    path.write_text("Solve {problem} in {language}.")
    with pytest.raises(UserError, match=r"mine\.txt: no \{statement\}"):
        load_template(str(path))


def test_a_template_file_that_is_not_text_is_an_error(tmp_path: Path):
    path = tmp_path / "mine.txt"
    path.write_bytes(b"\xff{statement}")
    with pytest.raises(UserError, match=r"mine\.txt: not UTF-8"):
        load_template(str(path))


@pytest.mark.parametrize("name", ["tsk", "missing.txt", "."])
def test_an_unknown_template_is_an_error_that_lists_the_built_in(name):
    with pytest.raises(UserError, match="is neither a file nor one of task, contest"):
        load_template(name)
