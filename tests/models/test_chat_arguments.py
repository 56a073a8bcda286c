import json

import pytest

from knm.errors import UserError
from knm.models.chat_arguments import check_against_template, read_chat_arguments


def test_values_are_json_where_they_can_be_and_text_otherwise():
    given = ["enable_thinking=false", "effort=high", "budget=12", "note=a=b", "quoted=[1]"]
    assert read_chat_arguments(given) == (
        ("budget", 12),
        ("effort", "high"),
        ("enable_thinking", False),
        ("note", "a=b"),
        ("quoted", "[1]"),
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["enable_thinking"], "expected NAME=VALUE"),
        (["two words=1"], "expected NAME=VALUE"),
        (["a=1", "a=2"], "a: given twice"),
        (["messages=x"], "messages is not for a user to set"),
    ],
)
def test_what_is_no_argument_is_refused(given, message):
    with pytest.raises(UserError, match=message):
        read_chat_arguments(given)


@pytest.mark.parametrize("file", ["chat_template.jinja", "tokenizer_config.json"])
def test_an_argument_that_the_template_does_not_read_is_refused(file, tmp_path):
    template = "{% if enable_thinking %}think{% endif %}{{ messages }}{% set own = 1 %}{{ own }}"
    text = template if file.endswith(".jinja") else json.dumps({"chat_template": template})
    (tmp_path / file).write_text(text)
    (tmp_path / "config.json").write_text("{}")
    check_against_template((("enable_thinking", False),), str(tmp_path))
    with pytest.raises(UserError, match="enable_thinkin: .* does not read it; it reads enable_thi"):
        check_against_template((("enable_thinkin", False),), str(tmp_path))
