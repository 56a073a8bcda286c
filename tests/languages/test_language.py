from pathlib import Path

import pytest

from knm.errors import UserError
from knm.languages.descriptions import language_names
from knm.languages.language import language_prompt
from knm.problems import extract_program, fence_program


def language_file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "terra.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", language_names())
def test_every_packaged_language_can_be_asked_for_and_its_answers_are_found(name):
    program = 'x = 1\nprint(x, "\\n");'
    assert extract_program(f"So:\n{fence_program(program, name)}", name) == program
    assert language_prompt(name).fence_tags.fullmatch(language_prompt(name).fence)


def test_a_file_of_ones_own_says_how_its_language_is_asked_for(tmp_path):
    name = language_file(tmp_path, "prompt: {display: Terra 1.2, fence: terra}\n")
    asked = language_prompt(name)
    assert (asked.name, asked.display, asked.fence) == ("terra", "Terra 1.2", "terra")
    answer = "```lua\nno\n```\n```terra\nprint(1)\n```\n```\nno\n```"
    assert extract_program(answer, name) == "print(1)"


def test_a_dialect_says_only_what_is_its_own(tmp_path):
    name = language_file(tmp_path, "extends: lua\nprompt: {display: Ravi 1.0}\n")
    asked, lua = language_prompt(name), language_prompt("lua")
    assert (asked.display, asked.fence, asked.statement) == ("Ravi 1.0", "lua", lua.statement)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("execute: [terra]\n", r"terra: `prompt` is missing.*add `prompt: \{display"),
        ("prompt: {fence: terra}\n", "needs text under `display`, found None"),
        ("prompt: {display: Terra, fence: 7}\n", "needs text under `fence`, found 7"),
        ("prompt: {display: T, fence: t, statements: x}\n", "`statements` has to be a list"),
        ("prompt: {display: T, fence: t, tags: '('}\n", r"'\(' is not a pattern"),
    ],
)
def test_a_file_that_does_not_say_it_is_an_error_that_says_what_to_add(text, complaint, tmp_path):
    with pytest.raises(UserError, match=complaint):
        language_prompt(language_file(tmp_path, text))


def test_a_file_that_extends_itself_is_an_error(tmp_path):
    name = language_file(tmp_path, f"extends: {tmp_path / 'terra.yaml'}\n")
    with pytest.raises(UserError, match="extends itself"):
        language_prompt(name)


@pytest.mark.parametrize(
    "line",
    [
        "#include <stdio.h>",
        "int main(void) {",
        "static long f[9];",
        "for (;;) {",
        "return 0;",
    ],
)
def test_c_without_a_fence_is_known_by_its_lines(line):
    assert extract_program(f"{line}\n", "c") == line


@pytest.mark.parametrize("line", ["for each of them", "if it is even, print it", "return to start"])
def test_prose_is_no_c(line):
    assert extract_program(f"{line}\n", "c") is None
