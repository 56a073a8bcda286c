import ast
import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

import knm
from knm.cli import app
from knm.errors import UserError, named
from knm.option_fields import flags_of, naming_flags, spell_flag
from knm.options import EngineOptions, RunOptions
from knm.retrieval import resolve_preset


def test_a_message_names_fields_until_a_front_end_puts_its_flags_there():
    error = UserError(f"{named('k')} 0: give {named('k')} or {named('gate')}; k is a number")
    assert str(error) == "k 0: give k or gate; k is a number"
    assert error.worded(spell_flag) == "--k 0: give --k or --gate; k is a number"
    assert str(UserError(f"file: {error.marked}")) == "file: k 0: give k or gate; k is a number"
    assert pickle.loads(pickle.dumps(error)).marked == error.marked


@given(st.text(st.characters(exclude_categories=["Co", "Cs"])))
def test_what_is_not_marked_stays_as_it_is(text):
    assert str(UserError(text)) == UserError(text).worded(str.upper) == text


def test_a_caller_from_python_reads_fields_and_one_of_the_bench_options():
    with pytest.raises(UserError, match="^k 0: must be"):
        resolve_preset("v1", k=0)
    with pytest.raises(UserError, match="^--knn-k 0: must be"), naming_flags(flags_of(RunOptions)):
        resolve_preset("v1", k=0)


def test_a_flag_outside_a_command_is_named_by_the_front_ends_alone():
    """Text below them that holds a flag of ours tells it as part of a command, in backticks."""
    flags = {*flags_of(RunOptions).values(), *flags_of_commands()}
    told = [
        f"{path}:{line}: {flag}"
        for path, line, text in texts_below_the_front_ends()
        for outside in text.split("`")[::2]
        for flag in re.findall(r"--[a-z][a-z-]*", outside)
        if flag in flags
    ]
    assert told == []


def test_every_field_that_a_message_names_is_an_option_somewhere():
    known = flags_of(EngineOptions)
    flags = {*flags_of(RunOptions).values(), *flags_of_commands()}
    fields = set(fields_named())
    assert {"k", "lmbda", "model", "key_dtype", "out"} <= fields
    assert [name for name in fields if known.get(name, spell_flag(name)) not in flags] == []


def flags_of_commands(command=None):
    command = command or get_command(app)
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)
    for inner in getattr(command, "commands", {}).values():
        yield from flags_of_commands(inner)


def sources_below_the_front_ends():
    root = Path(knm.__file__).parent
    for path in root.rglob("*.py"):
        room = path.relative_to(root).parts[0]
        if room not in {"bench", "commands", "cli.py", "options.py"}:
            yield path, ast.parse(path.read_text())


def fields_named():
    for _, tree in sources_below_the_front_ends():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "named":
                (field,) = node.args
                if isinstance(field, ast.Constant):
                    yield field.value


def texts_below_the_front_ends():
    """Texts of errors: what stands in a `raise`, whole."""
    for path, tree in sources_below_the_front_ends():
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and node.exc is not None:
                for text in whole_texts(node.exc):
                    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
                    told = (str(part.value) for part in parts if isinstance(part, ast.Constant))
                    yield path.name, text.lineno, "".join(told)


def whole_texts(node):
    if isinstance(node, ast.JoinedStr | ast.Constant):
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from whole_texts(child)
