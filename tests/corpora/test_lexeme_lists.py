"""Programs as lists of lexemes, and projects of such files."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.corpora import find_split, load_corpus, save_corpus
from knm.corpora.lexeme_lists import read_lexeme_lists
from knm.errors import UserError

PROGRAMS = st.lists(
    st.lists(st.tuples(st.text("ab<é(", min_size=1), st.sampled_from(["keyword", "unknown"]))),
    min_size=1,
    max_size=4,
)


def write(directory, programs, name="train", types=True):
    """A project's split as kNM-LM has it, of lists of (lexeme, type)."""
    directory.mkdir(exist_ok=True)
    path = directory / f"{name}.txt"
    framed = [[("<s>", "tag"), *program, ("</s>", "tag")] for program in programs]
    path.write_text("".join(json.dumps([one for one, _ in each]) + "\n" for each in framed))
    if types:
        beside = directory / f"{name}_type.txt"
        beside.write_text("".join(json.dumps([kind for _, kind in each]) + "\n" for each in framed))
    return path


@given(programs=PROGRAMS)
def test_a_program_is_its_lexemes_with_spaces_between(programs, tmp_path_factory):
    path = write(tmp_path_factory.mktemp("p") / "galaxy", programs)
    records = load_corpus(path)
    assert [record.id for record in records] == [
        f"galaxy/train:{number}" for number in range(1, len(programs) + 1)
    ]
    for record, program in zip(records, programs, strict=True):
        assert record.program == " ".join(lexeme for lexeme, _ in program)
        assert record.extras["lexemes"] == [lexeme for lexeme, _ in program]
        assert record.extras["lexeme_types"] == [kind for _, kind in program]
        assert (record.language, record.source, record.statement) == ("java", "galaxy", "")
    copy = path.with_name("copy.jsonl")
    save_corpus(copy, records)
    assert load_corpus(copy) == records


def test_types_may_be_missing(tmp_path):
    (record,) = load_corpus(write(tmp_path, [[("return", "keyword")]], types=False))
    assert dict(record.extras) == {"lexemes": ["return"]}


@pytest.mark.parametrize(
    ("lists", "types", "complaint"),
    [
        ('["<s>", "a"]\n["b"]\n', '["tag", "x"]\n', r"train_type.txt:2: 0 types, .*train.txt:2 ha"),
        ('["<s>", "a"]\n', '["tag"]\n', r"train_type.txt:1: 1 types, .*train.txt:1 has 2 lexemes"),
        ('["a"]\n{"a": 1}\n', None, r"train.txt:2: expected a JSON list of texts"),
        ('["a", 3]\n', None, r"train.txt:1: expected a JSON list of texts"),
        ('["a"\n', None, r"train.txt:1: no JSON"),
        ('["a", "\\ud83d"]\n', None, r"train.txt:1: field .* has an unpaired surrogate"),
        ("", None, r"train.txt: the corpus is empty"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(lists, types, complaint, tmp_path):
    path = tmp_path / "train.txt"
    path.write_text(lists)
    if types is not None:
        path.with_name("train_type.txt").write_text(types)
    with pytest.raises(UserError, match=complaint):
        load_corpus(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"train.txt: no such file"):
        list(read_lexeme_lists(tmp_path / "train.txt"))


def test_the_split_of_a_project_is_found_by_either_name(tmp_path):
    dev = write(tmp_path / "p", [[("a", "x")]], "dev")
    assert find_split(tmp_path / "p", "valid") == dev
    with pytest.raises(UserError, match=r"holds no split test: it needs one of test.jsonl, "):
        find_split(tmp_path / "p", "test")
    save_corpus(tmp_path / "p" / "valid.jsonl", load_corpus(dev))
    with pytest.raises(UserError, match=r"valid.jsonl and dev.txt are the same split: keep one"):
        find_split(tmp_path / "p", "valid")
