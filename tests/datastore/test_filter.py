import numpy as np
import pytest

from knm.datastore import RecordOrigin
from knm.datastore.filter import FilterRules, filter_datastore, foreign_entries
from knm.errors import UserError
from knm.models import EncodedExample
from tests.datastore.stores import entries, written

TEXTS = {0: "local", 1: " x", 2: " =", 3: " 12", 4: "\n  ", 5: " !=", 6: ""}


@pytest.fixture
def source(tmp_path):
    """Every token in each of three records of two sources."""
    origins = [RecordOrigin(f"r{n}", "lua", name) for n, name in enumerate(["web", "book", "web"])]
    return written(
        tmp_path / "source",
        np.random.default_rng(0).standard_normal((21, 4)),
        [*range(7)] * 3,
        records=[n // 7 for n in range(21)],
        offsets=[*range(7)] * 3,
        origins=origins,
    )


def filtered(source, tmp_path, **rules):
    return filter_datastore(source, tmp_path / "out", FilterRules(**rules), texts=lambda: TEXTS)


@pytest.mark.parametrize(
    ("rules", "records"),
    [
        ({"sources": ["web"]}, {"r0", "r2"}),
        ({"sources": ["web", "book"]}, {"r0", "r1", "r2"}),
        ({"records": ["r1"]}, {"r1"}),
        ({"drop_records": ["r1"]}, {"r0", "r2"}),
        ({"newest": 2}, {"r1", "r2"}),
        ({"newest": 9}, {"r0", "r1", "r2"}),
        ({"sources": ["web"], "newest": 2}, {"r2"}),
    ],
)
def test_records_are_kept_by_source_by_id_and_by_order(source, tmp_path, rules, records):
    kept = entries(filtered(source, tmp_path, **rules))
    assert kept == [entry for entry in entries(source) if entry[0] in records]


@pytest.mark.parametrize(
    ("types", "values"),
    [
        (["keyword"], {0}),
        (["identifier"], {1}),
        (["operator", "literal"], {2, 3, 5}),
        (["whitespace"], {4}),
        (["outside"], {6}),
    ],
)
def test_values_are_kept_by_token_type(source, tmp_path, types, values):
    assert set(filtered(source, tmp_path, token_types=types).values.tolist()) == values


def test_foreign_syntax_is_left_out(source, tmp_path):
    kept = filtered(source, tmp_path, drop_foreign=True)
    assert set(kept.values.tolist()) == {0, 1, 2, 3, 4, 6}


def test_the_lineage_names_the_rules_that_were_set(source, tmp_path):
    kept = filtered(source, tmp_path, sources=["web"], newest=3, drop_foreign=True)
    assert kept.manifest.lineage[-1]["arguments"] == {
        "sources": ["web"],
        "newest": 3,
        "drop_foreign": True,
        "context": "values",
        "dropped": {"unequal": 3},
    }


def test_the_newest_are_of_the_records_that_hold_an_entry(source, tmp_path):
    older = filter_datastore(
        source, tmp_path / "older", FilterRules(drop_records=["r2"]), texts=lambda: TEXTS
    )
    kept = entries(filtered(older, tmp_path, newest=1))
    assert kept == [entry for entry in entries(source) if entry[0] == "r1"]


def test_texts_are_read_only_for_rules_that_need_them(source, tmp_path):
    def unreadable():
        raise AssertionError

    rules = FilterRules(newest=1)
    assert len(filter_datastore(source, tmp_path / "out", rules, texts=unreadable)) == 7


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({}, "at least one of source"),
        ({"sources": ["blog"]}, "source blog: .* it knows book, web"),
        ({"records": ["r9"]}, "record r9"),
        ({"drop_records": ["r9"]}, "drop_records r9"),
        ({"token_types": ["verb"]}, "token_type verb: unknown; choose one of keyword"),
        ({"newest": 0}, "newest 0"),
        ({"sources": ["book"], "newest": 1}, "would leave no entry"),
    ],
)
def test_rules_that_cannot_hold_are_refused(source, tmp_path, rules, message):
    with pytest.raises(UserError, match=message):
        filtered(source, tmp_path, **rules)
    assert not (tmp_path / "out").exists()


def test_sources_that_were_never_noted_are_said_to_be(tmp_path):
    source = written(tmp_path / "source", np.ones((2, 4)), [1, 2])
    with pytest.raises(UserError, match="mine it again to note sources"):
        filtered(source, tmp_path, sources=["web"])


PIECES = ["local", " a", " =", " b", " //", " 2", "\n", "return", " a", ""]
PIECE_TEXTS = dict(enumerate(PIECES))


def foreign(*given):
    """The entries that any rule calls foreign."""
    masks = foreign_entries(*given).values()
    return np.any([*masks, np.zeros(len(given[0]), bool)], axis=0).tolist()


def test_the_value_and_what_follows_on_its_line_are_foreign(tmp_path):
    store = written(tmp_path / "store", np.ones((10, 2)), range(10))
    assert foreign(store, PIECE_TEXTS) == [token in (4, 5) for token in range(10)]


def test_entries_are_told_by_rule(tmp_path):
    store = written(tmp_path / "store", np.ones((10, 2)), range(10))
    assert {
        rule: mask.nonzero()[0].tolist()
        for rule, mask in foreign_entries(store, PIECE_TEXTS).items()
    } == {"floor division": [4, 5]}


def test_without_the_corpus_a_gap_ends_what_is_known(tmp_path):
    """Mistakes alone: the operator was no mistake, so what follows it looks like Lua."""
    store = written(tmp_path / "store", np.ones((3, 2)), [3, 5, 7], offsets=[3, 5, 7])
    assert foreign(store, PIECE_TEXTS) == [False, False, False]
    corpus = {"record-0": EncodedExample("record-0", (*range(10),), 0)}
    assert foreign(store, PIECE_TEXTS, corpus) == [False, True, False]


def test_prompts_are_no_program(tmp_path):
    store = written(tmp_path / "store", np.ones((2, 2)), [5, 7], offsets=[5, 7])
    corpus = {"record-0": EncodedExample("record-0", (*range(10),), 5)}
    assert foreign(store, PIECE_TEXTS, corpus) == [False, False]


def test_rows_of_several_records_are_read_in_the_order_of_their_text(tmp_path):
    values = [5, 4, 0, 5, 1, 6]
    store = written(
        tmp_path / "store",
        np.ones((6, 2)),
        values,
        records=[0, 0, 1, 1, 0, 0],
        offsets=[5, 4, 0, 1, 7, 6],
    )
    assert foreign(store, PIECE_TEXTS) == [True, True, False, False, False, False]


def test_a_corpus_of_something_else_is_refused(tmp_path):
    store = written(tmp_path / "store", np.ones((2, 2)), [5, 7], offsets=[5, 7])
    for corpus in ({}, {"record-0": EncodedExample("record-0", (1, 2, 3), 0)}):
        with pytest.raises(UserError, match="corpus: record 'record-0' is not what"):
            foreign_entries(store, PIECE_TEXTS, corpus)
