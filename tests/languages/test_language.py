"""Reading descriptions, and what is asked of a language by prompts and lexers."""

import re
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from knm.errors import UserError
from knm.languages.descriptions import OWN, language_names
from knm.languages.language import language_prompt, load_language, own_hash, runnable_names
from knm.languages.lexer import build_lexer, open_lexer
from knm.languages.lexis import read_lexer
from knm.languages.machine import TokenType
from knm.problems import extract_program, fence_program
from knm.sandbox import open_sandbox

LEXER_ENTRIES = ("keywords", "builtins", "comments", "strings", "operators", "hex_exponent")


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


def test_a_folder_of_ones_own_gives_names_to_languages(tmp_path, monkeypatch):
    inner = tmp_path / "folder"
    inner.mkdir()
    (inner / "inner.yaml").write_text("extends: outer\nprompt: {display: Inner 1}\n")
    (inner / "outer.yaml").write_text("prompt: {display: Outer 1, fence: outer}\n")
    (inner / "lua.yaml").write_text("prompt: {display: Not Lua, fence: x}\n")
    (tmp_path / "beside.yaml").write_text("prompt: {display: Beside, fence: x}\n")
    with pytest.raises(UserError, match="unknown language 'inner'.*KNM_LANGUAGE_DIR a folder"):
        language_prompt("inner")
    monkeypatch.setenv(OWN, str(inner))
    asked = language_prompt("inner")
    assert (asked.display, asked.fence) == ("Inner 1", "outer")
    assert language_prompt("lua").display != "Not Lua"
    assert (set(own_hash("inner")), own_hash("lua")) == ({"language"}, {})
    for name in ("../beside", str(tmp_path / "beside"), "folder/inner", ""):
        with pytest.raises(UserError, match="unknown language"):
            language_prompt(name)


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


@pytest.mark.parametrize("backend", ["local", "docker", "unsafe"])
def test_a_language_of_lexemes_alone_says_that_it_cannot_be_run(backend):
    assert "java" in language_names()
    assert "java" not in runnable_names()
    assert {"lua", "lua5.4", "python", "c"} <= set(runnable_names())
    with pytest.raises(UserError, match="language java: .* neither run nor judged: choose another"):
        open_sandbox(backend, language="java")


def test_null_takes_out_what_the_extended_language_has(tmp_path):
    name = language_file(
        tmp_path,
        "extends: lua\nreference: null\nprompt: {dialect: null}\n"
        "foreign: {power: null, own: '@'}\nlexer: {comments: ['%']}\n",
    )
    own, lua = load_language(name), load_language("lua")
    assert (own.reference, lua.reference) == (None, "reference")
    assert (own.prompt.dialect, own.prompt.fence) == ("", "lua")
    assert set(own.foreign) == {*lua.foreign, "own"} - {"power"}
    assert own.lexer is not None
    assert lua.lexer is not None
    assert (own.lexer.line_comments, own.lexer.keywords) == (("%",), lua.lexer.keywords)


@pytest.mark.parametrize(
    ("lexer", "complaint"),
    [
        ("3", r"terra: `lexer` has to be a mapping with some of keywords"),
        ("{keyword: x}", "unknown entry 'keyword'; choose from keywords"),
        ("{keywords: [a]}", r"has to be one text of words .* found \['a'\]"),
        ("{keywords: 'a [['}", r"found '\[\['"),
        ("{comments: '#'}", "`comments` has to be a list"),
        ("{comments: [['/*']]}", "a list of its beginning and its end"),
        ("{comments: [rem]}", "'rem' has to begin with a mark"),
        ("{strings: [3]}", "a string is its quote, or a mapping with `open`: 3"),
        ("{strings: [{open: '\"', line: true}]}", "unknown entry 'line'; choose from open"),
        ("{strings: [{open: '\"', escape: '^^'}]}", "is one character, or empty: '\\^\\^'"),
        ("{strings: ['«']}", "expected a text of ASCII"),
        ("{operators: ['']}", "expected a text of ASCII without line ends, found ''"),
    ],
)
def test_a_lexer_that_cannot_be_built_says_what_is_wrong(lexer, complaint, tmp_path):
    name = language_file(tmp_path, f"lexer: {lexer}\n")
    with pytest.raises(UserError, match=complaint):
        open_lexer(name)


@pytest.mark.parametrize("foreign", ["[a]", "{a: '('}"])
def test_foreign_syntax_that_is_none_says_so(foreign, tmp_path):
    with pytest.raises(UserError, match="terra: `foreign`"):
        assert load_language(language_file(tmp_path, f"foreign: {foreign}\n")).foreign


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(alphabet="ab\"'#-/*{=}[]\\\n é", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*LEXER_ENTRIES, "open", "close", "escape"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(LEXER_ENTRIES), ANYTHING), st.binary(max_size=30))
def test_whatever_a_description_says_there_is_a_lexer_or_a_clear_error(data, text):
    try:
        rules = read_lexer("own", data)
    except UserError:
        return
    machine = build_lexer(rules)
    machine.step(0, b"```\n" + text)
    for pattern in (*rules.comment_patterns(2).values(), *rules.string_patterns(2).values()):
        re.compile(pattern)


MARKS = st.text(alphabet="#-/*'\"<", min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(
    comments=st.lists(MARKS, max_size=2),
    blocks=st.lists(st.tuples(MARKS, MARKS), max_size=2),
    text=st.text(alphabet="#-/*'\"<a \n", max_size=20),
)
def test_the_longest_mark_decides_what_a_comment_is(comments, blocks, text):
    """Against the regular expressions of the same rules, where only comments have marks."""
    data = {"comments": [*comments, *map(list, blocks)]}
    opened = [*comments, *(first for first, _ in blocks)]
    assume(len(set(opened)) == len(opened))
    # The machine never goes back: a mark that begins inside another's is not seen where that one
    # turns out to be none. No language has such marks.
    assume(not any(mark[0] in other[1:-1] for mark in opened for other in opened))
    rules = read_lexer("own", data)
    patterns = [
        rf"{pattern}|{re.escape(mark)}.*\Z" if mark in dict(blocks) else pattern
        for mark, pattern in rules.comment_patterns(0).items()
    ]
    whole = re.compile("|".join([*patterns, r"\s", r"[a-z]+", "."]), re.DOTALL)
    machine = build_lexer(rules)
    state, _ = machine.step(0, b"```x\n")
    wanted, found = [], []
    for lexeme in whole.finditer(text):
        mark = lexeme[0].startswith(tuple(opened))
        wanted.append(mark)
        state, _ = machine.step(state, lexeme[0].encode())
        found.append(machine.types[state] == TokenType.COMMENT)
    assert found == wanted
