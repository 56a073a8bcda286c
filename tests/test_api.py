"""The way in from Python: every example of docs/python.md, and what is refused."""

import ast
import doctest
import io
import itertools
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

import knm
from knm.api import MiningKeywords
from knm.cli import app
from knm.corpora import save_corpus, stream_corpus
from knm.packaged import EMBEDDED_CORPUS, EMBEDDED_MODEL

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "python.md"
RECORDS = [
    {"statement": f"Print n plus {n}.", "program": f"print({n})", "language": "lua"}
    for n in range(3)
]
FORGIVING = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples():
    """Of each fenced block of Python its code, on its own lines, and what it is to print."""
    text = PAGE.read_text()
    blocks = re.finditer(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", text, re.M | re.S)
    for block in blocks:
        line = text[: block.start(1)].count("\n")
        yield line, "\n" * line + block[1], block[2] or ""


@pytest.fixture
def example_files(tmp_path, monkeypatch):
    """Where examples run: what they read is there. The tasks are around one that is like theirs."""
    monkeypatch.chdir(tmp_path)
    tasks = itertools.islice(stream_corpus(EMBEDDED_CORPUS / "train.jsonl"), 116, 150)
    save_corpus(tmp_path / "corpus.jsonl", tasks)
    shutil.copytree(ROOT / "results", tmp_path / "results")


@pytest.mark.usefixtures("example_files", "sandbox")
def test_every_example_of_the_page_does_what_it_says():
    names = {"name": str(EMBEDDED_MODEL)}
    shown = list(examples())
    assert len(shown) == PAGE.read_text().count("```python\n") > 5
    for line, code, wanted in shown:
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, str(PAGE), "exec"), names)
        told = printed.getvalue()
        assert doctest.OutputChecker().check_output(wanted, told, FORGIVING), f"{line}: {told}"


def test_every_name_is_there_and_the_page_knows_no_other():
    for name in knm.__all__:
        assert getattr(knm, name) is not None
    named = set(re.findall(r"\bknm\.(\w+)", PAGE.read_text()))
    assert named <= {*knm.__all__}
    with pytest.raises(AttributeError, match="'knm' has no attribute 'minne'"):
        getattr(knm, "minne")  # noqa: B009


def test_type_checkers_are_told_of_the_same_names():
    tree = ast.parse(Path(knm.__file__).read_text())
    told = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("knm.")
        for alias in node.names
    }
    found = {name: f"knm.{home}" for home, names in vars(knm)["_HOMES"].items() for name in names}
    assert told == found
    assert {*knm.__all__} == {*found, "__version__"}
    assert (Path(knm.__file__).parent / "py.typed").is_file()


def test_the_package_itself_loads_nothing():
    """The sandbox's processes import it, and are copied at every fork."""
    code = "import sys; before = {*sys.modules}; import knm; print(*{*sys.modules} - before)"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["knm"]


def test_options_of_mining_are_those_of_the_command():
    assert [*MiningKeywords.__annotations__] == [one.name for one in fields(knm.MiningOptions)]


def test_the_command_finds_mined_what_was_mined_from_python(embedded, tmp_path):
    corpus = tmp_path / "corpus.jsonl"
    tasks = [*itertools.islice(stream_corpus(EMBEDDED_CORPUS / "train.jsonl"), 3)]
    save_corpus(corpus, tasks)
    store = knm.mine(embedded, corpus, tmp_path / "store")
    manifest = (tmp_path / "store" / "manifest.json").read_bytes()
    options = ["--corpus", str(corpus), "--out", str(tmp_path / "store"), "--device", "cpu"]
    told = CliRunner().invoke(app, ["mine", *options])
    assert told.exit_code == 0, told.output
    assert store.content_hash[:12] in told.output
    assert (tmp_path / "store" / "manifest.json").read_bytes() == manifest
    listed = knm.mine(embedded, tasks, tmp_path / "listed")
    assert listed.content_hash == store.content_hash


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"limit": 0}, "limit 0: take at least 1"),
        ({"positions": "some"}, "positions some: choose one of"),
        ({"prompt": "tusk"}, "prompt template 'tusk' is neither"),
        ({"corpus": []}, "corpus: no records"),
        ({"corpus": ["print(1)"]}, r"corpus\[0\]: neither a record nor"),
        ({"corpus": [*RECORDS, {"statement": "s"}]}, r"corpus\[3\]: field 'program'"),
        ({"corpus": [{**RECORDS[0], "id": "a"}] * 2}, "ids must be unique"),
        ({"corpus": "missing.jsonl"}, r"missing\.jsonl"),
        ({"problems": "missing.jsonl"}, r"missing\.jsonl"),
        ({"tokenizer": "another"}, "embedded was loaded with its own: leave it out"),
    ],
)
def test_what_cannot_be_mined_is_refused(embedded, tmp_path, change, told):
    given = {"model": embedded, "corpus": RECORDS, "path": tmp_path / "store", "problems": None}
    with pytest.raises(knm.UserError, match=told):
        knm.mine(**{**given, **change})


def test_a_model_without_its_tokenizer_is_not_mined(embedded, tmp_path):
    with pytest.raises(knm.UserError, match="a tokenizer is needed"):
        knm.mine(embedded.model, RECORDS, tmp_path / "store")


def test_a_corpus_is_never_written_over(embedded, tmp_path):
    corpus = tmp_path / "corpus.jsonl"
    save_corpus(corpus, itertools.islice(stream_corpus(EMBEDDED_CORPUS / "train.jsonl"), 2))
    with pytest.raises(knm.UserError, match="which is read"):
        knm.mine(embedded, corpus, tmp_path)


def test_a_retriever_has_its_preset_already(embedded, tmp_path):
    store = knm.mine(embedded, RECORDS, tmp_path / "store", problems=None)
    retriever = knm.Retriever(store, "dense")
    with (
        pytest.raises(knm.UserError, match="the retriever has one, 'dense'"),
        knm.corrected(embedded, retriever, "v1"),
    ):
        pass
    with knm.corrected(embedded, tmp_path / "store", "dense") as model:
        assert model is embedded.model


def test_an_open_sandbox_has_its_limits(sandbox):
    with pytest.raises(knm.UserError, match="open it with these"):
        knm.judge("print(1)", [("", "1\n")], sandbox=sandbox, limits=knm.Limits())


def test_a_problem_without_tests_is_broken_and_nothing_passes_it(sandbox):
    assert knm.judge("print(1)", [], sandbox=sandbox).verdict is knm.Verdict.BROKEN_PROBLEM
