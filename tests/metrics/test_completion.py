"""Completion of lexemes: what a lexeme is, when it comes out, and that projects are measured."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from knm.cli import app
from knm.corpora import CorpusRecord, load_corpus, save_corpus
from knm.datastore import MiningOptions, mine
from knm.errors import UserError
from knm.languages.lexemes import split_lexemes
from knm.metrics.completion import evaluate_completion, find_lexemes
from knm.metrics.measuring import ranks_of
from knm.models import RawEncoding
from knm.packaged import EMBEDDED_CORPUS
from knm.retrieval import resolve_preset
from tests.corpora.test_lexeme_lists import write

BLOCKS = RawEncoding(64, 32)


@pytest.fixture(scope="module")
def files():
    return load_corpus(EMBEDDED_CORPUS / "dev.jsonl")[:3]


@pytest.fixture(scope="module")
def store(embedded, files, tmp_path_factory):
    examples = BLOCKS(embedded.tokenizer, files[:1])
    directory = tmp_path_factory.mktemp("completion") / "store"
    return mine(embedded, examples, directory, MiningOptions(), corpus_hash="own")


@given(
    st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4), min_size=1, max_size=5),
    st.data(),
)
def test_a_rank_is_the_place_in_a_stable_sort(rows, data):
    right = [data.draw(st.integers(0, 3)) for _ in rows]
    logits = torch.tensor(rows, dtype=torch.float32)
    expected = [
        sorted(range(4), key=lambda token: (-row[token], token)).index(token) + 1
        for row, token in zip(rows, right, strict=True)
    ]
    assert ranks_of(logits, torch.tensor(right)).tolist() == expected
    for token, row, rank in zip(right, logits, expected, strict=True):
        assert (rank == 1) == (token == int(row.argmax()))


def test_a_lexeme_is_what_tokens_write_any_part_of_it(embedded, files):
    examples = BLOCKS(embedded.tokenizer, files)
    lexemes = find_lexemes(embedded.tokenizer, files, examples)
    targets = [token for one in examples for token in one.ids[one.target_start :]]
    ids = [embedded.tokenizer(record.program)["input_ids"] for record in files]
    assert len(targets) == sum(len(one) - 1 for one in ids)
    split = [split_lexemes("lua", record.program) for record in files]
    starts = np.cumsum([0, *(len(one) - 1 for one in ids)])
    for first, last, kind, number in zip(
        lexemes.first, lexemes.last, lexemes.types, lexemes.files, strict=True
    ):
        assert starts[number] <= first <= last < starts[number + 1]
        text = embedded.tokenizer.decode(targets[first : last + 1])
        words = [
            files[number].program[one.start : one.end] for one in split[number] if one.type == kind
        ]
        assert any(word in text for word in words)
    assert set(lexemes.files.tolist()) == {0, 1, 2}


def test_figures_are_those_of_a_plain_computation(embedded, files):
    """Once more by a whole text and `argmax`, lexemes by the places of their characters."""
    record = CorpusRecord("one", "", files[0].program, "lua", "s")
    measured = evaluate_completion(embedded, [record], RawEncoding(1024, 512))
    (figures,) = measured.figures
    encoded = embedded.tokenizer(record.program, return_offsets_mapping=True)
    ids = torch.tensor([encoded["input_ids"]])
    with torch.inference_mode():
        logits = embedded.model(ids).logits[0, :-1]
    foreseen = [None, *(logits.argmax(-1) == ids[0, 1:]).tolist()]
    hits = []
    for lexeme in split_lexemes("lua", record.program):
        own = [
            hit
            for hit, (start, end) in zip(foreseen, encoded["offset_mapping"], strict=True)
            if start < lexeme.end and end > lexeme.start
        ]
        if None not in own:
            hits.append(all(own))
    assert figures.all.lexemes == len(hits)
    assert figures.all.right == sum(hits)
    assert figures.all.exact <= figures.all.similarity <= 1
    assert figures.all.exact <= figures.all.reciprocal_rank <= 1
    assert figures.by_file == {"one": (len(hits), sum(hits))}
    assert sum(one.lexemes for one in figures.by_type.values()) == len(hits)


def test_a_file_that_the_store_has_seen_comes_out_whole_and_weight_zero_changes_nothing(
    embedded, files, store
):
    presets = [
        resolve_preset(name, temperature=1.0, lmbda=weight)
        for name, weight in (("dense", None), ("bayes", None), ("dense", 0.0))
    ]
    measured = evaluate_completion(embedded, files[:2], BLOCKS, store, presets)
    lm, dense, bayes, zero = measured.figures
    seen, unseen = (record.id for record in files[:2])
    lexemes, right = dense.by_file[seen]
    assert right == lexemes > lm.by_file[seen][1]
    assert dense.by_file[unseen][0] == lm.by_file[unseen][0]
    for one in (dense, bayes):
        rights = sum(right for _, right in one.by_file.values())
        assert one.all.exact == pytest.approx(rights / one.all.lexemes)
        assert one.gain == pytest.approx(one.all.exact - lm.all.exact)
        assert one.gain_interval[0] <= one.gain <= one.gain_interval[1]
        assert one.interval[0] <= one.all.exact <= one.interval[1]
    assert (zero.all, zero.by_file) == (lm.all, lm.by_file)
    assert (lm.gain, lm.gain_interval) == (0.0, (0.0, 0.0))


def test_lexemes_that_a_record_names_are_its_own_and_unknown_ones_do_not_count(embedded, tmp_path):
    program = [
        ("local", "keyword"), ("x1", "identifier"), ("=", "operator"), ("<STR_LIT>", "literals"),
        ("?", "unknown"),
    ]  # fmt: skip
    records = load_corpus(write(tmp_path / "p", [program]))
    found = find_lexemes(embedded.tokenizer, records, BLOCKS(embedded.tokenizer, records))
    assert found.types.tolist() == [
        "identifier",
        "operator",
        "literals",
    ]  # nothing foresees `local`
    (figures,) = evaluate_completion(embedded, records, BLOCKS).figures
    assert figures.all.lexemes == 3


def test_records_whose_lexemes_are_not_their_program_are_refused(embedded):
    record = CorpusRecord("r", "", "a b", "java", "s", {"lexemes": ["a", "c"]})
    with pytest.raises(UserError, match="record 'r': fields 'lexemes' and 'lexeme_types'"):
        evaluate_completion(embedded, [record], BLOCKS)


def run(*arguments):
    return CliRunner().invoke(app, ["eval", "--task", "completion", *map(str, arguments)])


def test_eval_completes_a_project(files, store, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    save_corpus(project / "valid.jsonl", files[:1])
    save_corpus(project / "test.jsonl", files[1:])
    blocks, heat = ("--block-tokens", 64, "--stride", 32), ("--knn-temperature", 1)
    common = (
        "--corpus",
        project,
        "--datastore",
        store.path,
        "--knn-preset",
        "dense",
        *blocks,
        *heat,
    )
    document = json.loads(run(*common, "--json").stdout)
    assert [one["name"] for one in document["results"]] == ["LM", "dense"]
    assert document["corpus"]["records"] == 2
    assert set(document["results"][0]["by_file"]) == {record.id for record in files[1:]}
    shown = run(*common, "--split", "valid").stdout
    for word in ("1 files", "95 % interval", "reciprocal rank", "identifier", "dense"):
        assert word in shown


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "--task completion: give --corpus PROJECT"),
        (["--corpus", "."], "holds no split test"),
        (["--corpus", "x.jsonl", "--split", "test"], "--split test: x.jsonl is no project"),
        (["--corpus", "x.jsonl", "--next-line", "3"], "--next-line 3: of --task tokens alone"),
        (["--task", "tokens", "--split", "valid"], "--split valid: of --task completion alone"),
        (["--task", "tokens", "--stride", "3"], "--stride 3: of --task completion alone"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments, complaint):
    assert complaint in str(run(*arguments).exception)
