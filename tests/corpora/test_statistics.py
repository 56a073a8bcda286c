from knm.corpora import corpus_statistics
from knm.corpora.statistics import Spread
from tests.corpora.corpora import record


def words(texts):
    return [len(text.split()) for text in texts]


def test_a_corpus_is_described_in_figures():
    records = [
        record("a", "x y", "one", operations=["sum", "sum"], composition="c", verified=True),
        record("b", "x y z", "two words", operations=["max"], composition="c", verified=False),
        record("c", "x y", "one"),
    ]
    found = corpus_statistics(records, words)
    assert (found.records, found.verified, found.compositions) == (3, 1, 1)
    assert found.sources == {"test": 3}
    assert found.operations == {"max": 1, "sum": 1}
    assert found.chained == {1: 1, 2: 1}
    assert found.repeated == {"statement": 1, "program": 1}
    assert found.sizes["program tokens"] == Spread(3, 7, 7 / 3, 2, 2.0, 2.8, 3)
    assert list(found.lengths) == ["test"]
    assert (found.lengths["test"].least, found.lengths["test"].most) == (3, 5)
    assert found.sizes["statement characters"].total == len("one" * 2 + "two words")


def test_the_most_frequent_come_first():
    records = [record(str(i), operations=["rare"] if i == 0 else ["often"]) for i in range(3)]
    assert list(corpus_statistics(records, words).operations.items()) == [("often", 2), ("rare", 1)]
