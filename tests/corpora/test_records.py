import pytest

from knm.corpora import EMBEDDED_CORPUS, CorpusRecord, corpus_hash, load_corpus, save_corpus
from knm.errors import UserError

RECORD = CorpusRecord("a", "Add.", "print(1)", "lua", "test", {"operations": ["sum"]})


def test_records_survive_a_round_trip(tmp_path):
    path = tmp_path / "corpus.jsonl"
    save_corpus(path, [RECORD])
    assert load_corpus(path) == (RECORD,)
    assert corpus_hash(load_corpus(path)) == corpus_hash([RECORD])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"id": "a"}\n', r"corpus\.jsonl:1: field 'statement'"),
        ("\n[1]\n", r"corpus\.jsonl:2: expected a JSON object"),
        ("", "empty"),
    ],
)
def test_malformed_corpora_are_named_by_file_line_and_field(tmp_path, lines, message):
    path = tmp_path / "corpus.jsonl"
    path.write_text(lines)
    with pytest.raises(UserError, match=message):
        load_corpus(path)


def test_repeated_ids_name_both_lines(tmp_path):
    path = tmp_path / "corpus.jsonl"
    save_corpus(path, [RECORD, RECORD])
    with pytest.raises(UserError, match=r":2: id 'a' stands already in line 1"):
        load_corpus(path)


@pytest.mark.parametrize(("split", "count"), [("train", 1228), ("dev", 154), ("test", 154)])
def test_the_packaged_corpus_has_the_sizes_of_the_original_study(split, count):
    assert len(load_corpus(EMBEDDED_CORPUS / f"{split}.jsonl")) == count


def test_the_packaged_splits_share_no_composition_program_or_statement():
    splits = [load_corpus(EMBEDDED_CORPUS / f"{name}.jsonl") for name in ("train", "dev", "test")]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        for key in (
            lambda record: record.extras["composition"],
            lambda record: record.program,
            lambda record: record.statement,
        ):
            assert not set(map(key, splits[first])) & set(map(key, splits[second]))
