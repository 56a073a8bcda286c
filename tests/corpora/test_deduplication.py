from dataclasses import replace

import pytest

from knm.corpora import Outcome, deduplicate
from knm.errors import UserError
from tests.corpora.corpora import LOOP, OTHER, RENAMED_LOOP, ids, record

RECORDS = [
    record("a", LOOP),
    record("b", OTHER),
    record("c", "-- a comment\n" + LOOP.replace("\n", "\n\n")),
    record("d", RENAMED_LOOP),
    record("e", OTHER.replace("upper", "lower")),
]


def test_the_first_of_a_kind_stays_and_the_others_are_named():
    cleaned = deduplicate(RECORDS, threshold=1)
    assert ids(cleaned.kept) == ["a", "b", "d", "e"]
    (removal,) = cleaned.removed
    assert (removal.record, removal.other, removal.similarity) == ("c", "a", 1)
    assert str(removal) == "c: similar program, as a (similarity 1.00)"


def test_renamed_programs_are_alike_where_names_do_not_count():
    assert ids(deduplicate(RECORDS, threshold=1, by="renamed").kept) == ["a", "b", "e"]


def test_a_lower_threshold_removes_what_is_nearly_the_same():
    assert ids(deduplicate(RECORDS, threshold=0.6).kept) == ["a", "b", "d"]


def test_statements_are_compared_in_any_case():
    records = [record("a", statement="Add A and B."), record("b", statement="add  a and b.")]
    assert ids(deduplicate(records, by="statement").kept) == ["a"]


def test_what_passed_and_what_failed_are_no_duplicates():
    failed = Outcome("wrong-output")
    records = [
        replace(record("a", LOOP), outcome=failed),
        record("b", LOOP),
        replace(record("c", LOOP), outcome=Outcome("accepted")),
        replace(record("d", LOOP), outcome=failed),
    ]
    assert ids(deduplicate(records).kept) == ["a", "b"]


def test_a_record_stays_if_only_a_removed_one_is_like_it():
    words = [f"w{i}" for i in range(60)]
    chain = []
    for step in range(3):
        chain.append(record(f"r{step}", " ".join(words)))
        words[step * 20 + 10] = f"new{step}"
    # Neighbours in the chain are alike, its ends less so.
    assert ids(deduplicate(chain, threshold=0.83).kept) == ["r0", "r2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"threshold": 0}, "threshold 0"), ({"by": "x"}, "by x"), ({"threshold": 1.1}, "1.1")],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        deduplicate(RECORDS, **arguments)
