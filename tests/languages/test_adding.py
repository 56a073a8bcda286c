"""A stranger's language: one file, and every part of the bench knows it."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from knm.cli import app
from knm.corpora import CorpusRecord, save_corpus
from knm.engine import describe_setup
from knm.languages.descriptions import OWN
from knm.languages.language import load_language
from knm.metrics.labels import label_types
from knm.models import encode_corpus
from knm.problems import load_template
from knm.report import load_report
from tests.bench.processes import run_bench
from tests.bench.test_engines import EMBEDDED
from tests.problems.problem_files import write_problems
from tests.serving import scripted

# The shell is on every machine.
TOY = r"""
filename: main.sh
compile: [sh, -n, main.sh]
execute: [sh, main.sh]
version: [sh, -c, echo 1.0]
complaint:
  - '.*?main\.sh: (?P<line>\d+): (?P<message>.*)'
syntax_sign: ''
out_of_memory: 'Cannot allocate memory'
syntax_errors:
  - {class: unfinished-string, message: Unterminated quoted string}
  - {class: other-syntax, message: ''}
runtime_errors:
  - {class: command-not-found, message: not found}
  - {class: other-error, message: ''}
prompt:
  display: Toy Shell 1.0
  fence: toy
  tags: 'toy|(ba|da)?sh'
  statements: ['read\s+\w', 'echo\b']
  dialect: In {language} there is arithmetic in `$((...))` alone.
lexer:
  keywords: if then else elif fi for in do done while until case esac
  comments: ['#']
  strings: [{open: "'", escape: '', lines: true}, {open: '"', lines: true}]
foreign: {increment: '\+\+'}
"""
DOUBLED = "read -r n\necho $((n * 2))  # twice"
CASES = json.dumps([{"input": "21\n", "output": "42\n", "testtype": "stdin"}])
PROGRAMS = {
    "right": (f"```lua\nprint(1)\n```\n```toy\n{DOUBLED}\n```\n```\nno\n```", "accepted", None),
    "bash": (f"```bash\n{DOUBLED}\n```", "accepted", None),
    "wrong": ("```toy\necho 41\n```", "wrong-output", None),
    "syntax": ("```toy\necho 'x\n```", "syntax-error", "unfinished-string"),
    "missing": ("```toy\nprint 42\n```", "runtime-error", "command-not-found"),
}


@pytest.fixture
def toy(tmp_path) -> Path:
    path: Path = tmp_path / "toy.yaml"
    path.write_text(TOY)
    return path


def test_the_bench_asks_for_it_finds_its_programs_and_judges_them(toy, tmp_path, monkeypatch):
    """The engine answers with the prompt that it was given, in which the program stands."""
    records = [
        {"question_id": name, "question_content": text, "private_test_cases": CASES}
        for name, (text, _, _) in PROGRAMS.items()
    ]
    problems, results = write_problems(tmp_path / "set.jsonl", records), tmp_path / "run.json"
    with scripted.serving(scripted.ScriptedEngine(), configuration=describe_setup(EMBEDDED)) as url:
        process = run_bench(
            *("--problems", problems, "--results", results, "--engine", url),
            *("--language", toy, "--prompt", "contest"),
            *("--max-new-tokens", EMBEDDED.generation.max_new_tokens),
        )
    found = verdicts(results)
    assert found == {name: (verdict, kind) for name, (_, verdict, kind) in PROGRAMS.items()}
    for result in load_report(results).results:
        assert "Write a complete Toy Shell 1.0 program" in str(result.text)
        assert "In Toy Shell 1.0 there is arithmetic" in str(result.text)
    assert "Pass@1" in process.stdout

    again = tmp_path / "again.json"
    monkeypatch.setenv("KNM_CACHE_DIR", str(tmp_path / "kept"))
    command = [
        "judge",
        "--completions",
        results,
        "--problems",
        problems,
        "--out",
        again,
        "--language",
        toy,
    ]
    CliRunner().invoke(app, list(map(str, command)))
    assert verdicts(again) == found
    content = load_language(str(toy)).content_hash
    assert load_report(results).hashes["language"] == content
    assert load_report(again).hashes["language"] == content


def verdicts(path: Path) -> dict[str, tuple[str, str | None]]:
    results = load_report(path).results
    return {
        result.question_id: (str(result.verdict), result.judgement.error_class)
        for result in results
    }


def corpus_of(toy: Path) -> list[CorpusRecord]:
    program = '# read it\nread -r n\nif [ $n -gt 1 ]; then echo "n is\n$n"; fi'
    return [CorpusRecord("r1", "Print it.", program, str(toy), "own")]


def test_its_tokens_are_typed_by_its_lexer(toy, embedded):
    records = corpus_of(toy)
    examples = encode_corpus(embedded.tokenizer, records, load_template("task"))
    labels = label_types(embedded, examples, records)
    texts = [
        embedded.tokenizer.decode([token]).strip()
        for token in examples[0].ids[examples[0].target_start :]
    ]
    typed = list(zip(texts, labels, strict=True))
    assert ("if", "keyword") in typed
    assert ("#", "comment") in typed
    assert {label for text, label in typed if text == "["} == {"operator"}
    assert Counter(labels)["literal"] > 2


def test_eval_shows_its_types(toy, tmp_path, monkeypatch):
    monkeypatch.setenv(OWN, str(toy.parent))
    path = tmp_path / "corpus.jsonl"
    save_corpus(path, [replace(record, language="toy") for record in corpus_of(toy)])
    ran = CliRunner().invoke(app, ["eval", "--corpus", str(path), "--json"])
    (lm,) = json.loads(ran.stdout)["results"]
    types = lm["by_type"]
    assert {"keyword", "comment", "literal"} <= set(types)
    assert "unknown" not in types


def test_a_description_is_known_by_its_content(toy, tmp_path):
    changed = tmp_path / "changed.yaml"
    changed.write_text(TOY.replace("fi for", "fi"))
    assert load_language(str(toy)).content_hash != load_language(str(changed)).content_hash
