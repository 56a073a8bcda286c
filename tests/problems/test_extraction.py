import re

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from knm.errors import UserError
from knm.problems import extract_program, fence_program
from tests.sandbox.linear import assert_linear, pumped

PROGRAM = 'local n = io.read("*n")\nprint(n * 2)'


@pytest.mark.parametrize(
    "completion",
    [
        pytest.param(f"```lua\n{PROGRAM}\n```", id="tagged"),
        pytest.param(f"```Lua\n{PROGRAM}\n```", id="tag in capitals"),
        pytest.param(f"```luajit\n{PROGRAM}\n```", id="dialect tag"),
        pytest.param(f"```lua5.1\n{PROGRAM}\n```", id="version tag"),
        pytest.param(f"``` lua \n{PROGRAM}\n``` ", id="spaces around the tag"),
        pytest.param(f'```lua title="a.lua"\n{PROGRAM}\n```', id="tag with attributes"),
        pytest.param(f"```\n{PROGRAM}\n```", id="untagged"),
        pytest.param(f"```{PROGRAM}\n```", id="no line end after the fence"),
        pytest.param(f"~~~lua\n{PROGRAM}\n~~~", id="tildes"),
        pytest.param(f"~~~~\n{PROGRAM}\n~~~~~", id="longer closing fence"),
        pytest.param(f"Here:\n\n```lua\n{PROGRAM}\n```\n\nIt doubles.", id="text around"),
        pytest.param(f"```lua\n{PROGRAM}\n``` That is all.", id="text after the closing fence"),
        pytest.param(f"```lua\n{PROGRAM}", id="unclosed"),
        pytest.param(f"```lua\n{PROGRAM}\n\n", id="unclosed with newlines"),
        pytest.param(f"```\n{PROGRAM}", id="unclosed and untagged"),
        pytest.param(f"```lua\n{PROGRAM}\n```".replace("\n", "\r\n"), id="CRLF"),
        pytest.param(f"```\n{PROGRAM}\n```\n".replace("\n", "\r\n"), id="CRLF untagged"),
        pytest.param(f"Use `print` and ```x``` so:\n```lua\n{PROGRAM}\n```", id="inline code"),
        pytest.param(PROGRAM, id="no fence"),
        pytest.param(f"\n {PROGRAM}\n\n", id="no fence, space around"),
        pytest.param(PROGRAM.replace("\n", "\r\n"), id="no fence, CRLF"),
        pytest.param(f"{PROGRAM}\n```\n", id="stray closing fence"),
    ],
)
def test_the_program_is_found_whole(completion):
    assert extract_program(completion) == PROGRAM


@pytest.mark.parametrize(
    "completion",
    [
        pytest.param("```lua\nbad\n```\n```lua\n{}\n```", id="last of two tagged"),
        pytest.param("```lua\n{}\n```\n```\n5\n```", id="tagged before untagged"),
        pytest.param("```\n5\n```\n```lua\n{}\n```", id="tagged after untagged"),
        pytest.param("```lua\n{}\n```\n```python\nprint(1)\n```", id="tagged before foreign"),
        pytest.param("```\n{}\n```\n```text\n5\n```", id="untagged before foreign"),
        pytest.param("```\nbad\n```\n```\n{}\n```", id="last of two untagged"),
        pytest.param("```\n{}\n```\n```\n \n```", id="blank untagged ignored"),
        pytest.param("```lua\n{}\n```\n```lua\n```", id="blank tagged ignored"),
        pytest.param("```lua\n\n```\n```\n{}\n```", id="blank tagged before untagged"),
        pytest.param("```python\nbad\n```\n```pseudo\n{}\n```", id="last foreign"),
        pytest.param("```lua\nbad\n```lua\n{}\n```", id="first of two unclosed"),
        pytest.param("```text\n5\n```\n```lua\n{}", id="last unclosed"),
        pytest.param("````md\n```lua\nbad\n```\n````\n```lua\n{}\n```", id="fence in a fence"),
        pytest.param("~~~lua\n{}\n~~~\n```python\nx = 1\n```", id="both kinds of fence"),
    ],
)
def test_of_several_blocks_the_right_one_is_taken(completion):
    assert extract_program(completion.replace("{}", PROGRAM)) == PROGRAM


@pytest.mark.parametrize("indent", ["  ", "    ", "\t"])
def test_an_indented_block_loses_the_indentation_of_its_fence(indent):
    lines = ["```python", "if True:", "    print(1)", "", "print(2)", "```"]
    completion = "1. So:\n" + "\n".join(indent + line for line in lines)
    assert extract_program(completion, "python") == "if True:\n    print(1)\n\nprint(2)"


def test_a_line_with_less_indentation_than_its_fence_is_kept():
    assert extract_program("    ```lua\n  print(1)\n\tprint(2)\n```") == "print(1)\nprint(2)"


@pytest.mark.parametrize(
    "completion",
    [
        pytest.param("<think>plan</think>```lua\n{}\n```", id="on one line"),
        pytest.param(
            "<think>\n```lua\nbad\n```\n</think>\n```lua\n{}\n```", id="block in a thought"
        ),
        pytest.param("```lua\n{}\n```\n<think>\n```lua\nbad\n```\n</think>", id="thought after"),
        pytest.param("<think>```lua\nbad</think>\n```\n{}\n```", id="unclosed block in a thought"),
        pytest.param("<think>a</think> <think>b</think>\n{}", id="two thoughts, no fence"),
        pytest.param("```lua\n{}\n```\n<think>and now ```lua\nbad", id="unclosed thought"),
        pytest.param("So\n```lua\nbad\n```\n</think>\n```lua\n{}\n```", id="unopened thought"),
        pytest.param("So\n```lua\nbad\n</think>\n```lua\n{}\n```", id="unopened, block unclosed"),
        pytest.param("x = 1 is it.</think>\n\n{}", id="unopened, no fence"),
    ],
)
def test_thoughts_are_ignored(completion):
    assert extract_program(completion.replace("{}", PROGRAM)) == PROGRAM


def test_thinking_tags_inside_a_program_are_part_of_it():
    program = 'print("<think>") -- and\nprint("</think>")'
    assert extract_program(f"```lua\n{program}\n```") == program


@pytest.mark.parametrize(
    "completion",
    [
        "",
        " \n\t\n",
        "nil",
        "None",
        " nil\n",
        "```lua\nnil\n```",
        "```\nNone\n```",
        "```lua\n```",
        "```lua\n\n",
        "```",
        "<think>",
        "<think>x = 1",
        "I cannot solve this problem.",
        "The answer runs in O (n) time; return the sum.",
        "Use `print(1)` here.",
        "If n is even then it is easy, else for each i do the same.",
        "local minima are what we look for",
        "---\n# Title\n- item",
        "for example, do this:",
        "while this is true, we can do better by hand",
    ],
)
def test_a_completion_without_a_program_gives_none(completion):
    assert extract_program(completion) is None


@pytest.mark.parametrize(
    "line",
    [
        "local n = 5",
        "local a, b",
        "local function f(x) return x end",
        "function solve()",
        "function M.f(x)",
        "n = 5",
        "a, b = b, a",
        "t[#t + 1] = x",
        "t.x[1][2] = 3",
        "print(1)",
        'print "x"',
        'io.write("x")',
        "io.read()",
        "main()",
        "for i = 1, 10 do",
        "for k, v in pairs(t) do print(k) end",
        "while true do",
        "while x do f() end",
        "if x then",
        "if x then f() end",
        "repeat",
    ],
)
def test_a_lua_statement_makes_an_unfenced_completion_a_program(line):
    completion = f"-- solution\n{line}\nend"
    assert extract_program(completion) == completion


@pytest.mark.parametrize(
    "line",
    ["import sys", "from math import gcd", "def f(x):", "for i in range(3):", "if x:", "n = 5"],
)
def test_a_python_statement_makes_an_unfenced_completion_a_program(line):
    assert extract_program(f"{line}\n    pass", "python") == f"{line}\n    pass"


def test_the_language_decides_which_tag_is_foreign():
    completion = "```lua\nprint(1)\n```\n```python\nprint(2)\n```\n```lua\nprint(3)\n```"
    assert extract_program(completion, "python") == "print(2)"
    assert extract_program(completion, "lua5.4") == "print(3)"


def test_a_completion_of_thousands_of_tags_is_read():
    assert extract_program("<think></think>" * 5000 + f"\n{PROGRAM}") == PROGRAM


def test_an_unknown_language_is_an_error_that_lists_the_known():
    for function in (extract_program, fence_program):
        with pytest.raises(UserError, match=r"'cobol'; choose from c, java, lua, lua5\.4, py"):
            function("x", "cobol")


def test_fencing_drops_trailing_newlines():
    assert fence_program("print(1)\n\n") == "```lua\nprint(1)\n```"
    assert fence_program("print(1)", "python") == "```python\nprint(1)\n```"


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\r")),
    st.sampled_from(["lua", "lua5.4", "python"]),
)
@example("\n  ~~~\nprint('`')  ", "lua")
@example("x\x0by\u2028z\n ", "python")
def test_a_fenced_program_is_extracted_unchanged(program, language):
    program = program.rstrip("\n")
    assume(program.strip() not in ("", "nil", "None"))
    assume(not re.search(r"^[ \t]*```", program, re.MULTILINE))
    assert extract_program(fence_program(program, language), language) == program


@given(st.lists(st.sampled_from(["```", "```lua", "~~~", " ", "\n", "<think>", "</think>", "x=1"])))
def test_any_mixture_of_marks_gives_text_or_none(parts):
    program = extract_program("".join(parts))
    assert program is None or program.strip()


@settings(max_examples=10, deadline=None)
@given(
    pumped(
        ["while ", "do ", "then ", "end ", "if ", " = ", "f(", ")", "[", ",", " ", "\n", "`", "a"]
    )
)
@pytest.mark.parametrize("language", ["lua", "python"])
def test_any_completion_is_read_in_time_linear_in_its_length(language, parts):
    assert_linear(lambda text: extract_program(text, language), *parts)
    assert_linear(lambda text: extract_program(text, language), "", "while do end ", "x")


@pytest.mark.parametrize("body", ["print(2)", "```lua\nprint(2)\n```"])
def test_of_marked_fields_the_solution_holds_the_program(body):
    answer = (
        "[[ ## reasoning ## ]]\nFirst try:\n```lua\nprint(1)\n```\n\n"
        f"[[ ## solution ## ]]\n{body}\n\n[[ ## completed ## ]]\nprint(3)\n"
    )
    assert extract_program(answer) == "print(2)"
