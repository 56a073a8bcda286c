import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knm.corpora import CorpusRecord, Outcome, corpus_hash, first_passed, load_corpus, save_corpus
from knm.errors import UserError
from knm.languages.descriptions import is_file
from knm.packaged import EMBEDDED_CORPUS

REQUIRED = ("id", "statement", "program", "language", "source")
EXTRAS = st.dictionaries(
    st.text().filter(lambda name: name not in REQUIRED),
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()),
    max_size=3,
)
RECORDS = st.lists(
    st.builds(
        CorpusRecord,
        *[st.text()] * 3,
        st.text().filter(lambda name: not is_file(name)),
        st.text(),
        extras=EXTRAS,
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda record: record.id,
)


def line(**changes):
    """One record's line; a field of value None is left out."""
    fields = {name: f"some {name}" for name in REQUIRED} | changes
    return json.dumps({name: value for name, value in fields.items() if value is not None})


@pytest.fixture
def corpus(tmp_path):
    def write(*lines):
        path = tmp_path / "corpus.jsonl"
        path.write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")
        return path

    return write


@given(RECORDS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_saved_records_load_equal_and_hash_equal(tmp_path, records):
    path = tmp_path / "corpus.jsonl"
    save_corpus(path, records)
    loaded = load_corpus(path)
    assert loaded == tuple(records)
    assert corpus_hash(loaded) == corpus_hash(records)


def test_fields_that_are_not_required_are_kept_as_extras(corpus):
    (record,) = load_corpus(corpus(line(operations=["sum"], verified=True)))
    assert record.extras == {"operations": ["sum"], "verified": True}
    assert record.to_json() == json.loads(line(operations=["sum"], verified=True))


@pytest.mark.parametrize("name", ["/etc/own.yaml", "own.yml"])
def test_no_file_is_opened_because_a_record_names_it(corpus, name):
    mend = "write its name, own, and give its folder in KNM_LANGUAGE_DIR"
    with pytest.raises(UserError, match=f"jsonl:2: language '{name}' is a file, .*{mend}"):
        load_corpus(corpus(line(), line(id="b", language=name)))


def test_compressed_corpora_load_equal_and_are_the_same_bytes_each_time(tmp_path):
    records = [CorpusRecord(f"r{i}", "s" * i, "p", "lua", "x") for i in range(20)]
    paths = [tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"]
    for path in paths:
        save_corpus(path, records)
    assert load_corpus(paths[0]) == tuple(records)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"plain text\n"])
def test_a_damaged_compressed_corpus_is_an_error(tmp_path, damage):
    path = tmp_path / "corpus.jsonl.gz"
    save_corpus(path, [CorpusRecord("a", "b" * 99, "c", "lua", "e")])
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=r"corpus.jsonl.gz: not a sound gzip file"):
        load_corpus(path)


def test_blank_lines_do_not_count_as_records(corpus):
    assert len(load_corpus(corpus("", line(), "  "))) == 1


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, 7, ["text"], {}], ids=str)
def test_a_field_missing_or_not_a_string_is_named_with_file_and_line(corpus, name, value):
    path = corpus(line(id="first"), "", line(**{name: value}))
    told = "is missing; every record has id, statement" if value is None else "must be a string"
    with pytest.raises(UserError, match=f"corpus.jsonl:3: field '{name}' {told}"):
        load_corpus(path)


@pytest.mark.parametrize("text", ["{", "[]", '"text"', "\ufeff{"])
def test_a_line_that_is_no_object_is_named_with_file_and_line(corpus, text):
    with pytest.raises(UserError, match="corpus.jsonl:2: "):
        load_corpus(corpus(line(), text))


def test_a_repeated_id_names_both_lines(corpus):
    path = corpus(line(id="a"), line(id="b"), line(id="a", program="other"))
    with pytest.raises(UserError, match="corpus.jsonl:3: id 'a' stands already in line 1"):
        load_corpus(path)


@pytest.mark.parametrize("lines", [(), ("", "  ")])
def test_a_corpus_without_records_is_an_error(corpus, lines):
    with pytest.raises(UserError, match="corpus.jsonl: the corpus is empty"):
        load_corpus(corpus(*lines))


def test_a_missing_corpus_is_an_error(tmp_path):
    with pytest.raises(UserError, match="corpus.jsonl: no such file"):
        load_corpus(tmp_path / "corpus.jsonl")


def test_the_large_packaged_corpus_loads_and_no_program_comes_twice():
    records = load_corpus(EMBEDDED_CORPUS / "train-large.jsonl.gz")
    assert len({record.program for record in records}) == len(records) == 20_000
    assert all(record.extras["verified"] for record in records)


def test_hash_depends_on_every_field_and_on_the_order():
    first = CorpusRecord("a", "b", "c", "d", "e", {"f": 1})
    second = CorpusRecord("g", "h", "i", "j", "k")
    changed = [
        CorpusRecord(**{**first.__dict__, name: value})
        for name, value in [*dict.fromkeys(REQUIRED, "z").items(), ("extras", {"f": 2})]
    ]
    corpora = [[first], [second], [first, second], [second, first], *([other] for other in changed)]
    assert len({corpus_hash(records) for records in corpora}) == len(corpora)


@pytest.mark.parametrize(("name", "count"), [("train", 1228), ("dev", 154), ("test", 154)])
def test_packaged_corpus_loads_and_is_verified_lua(name, count):
    records = load_corpus(EMBEDDED_CORPUS / f"{name}.jsonl")
    assert len(records) == count
    assert {record.language for record in records} == {"lua"}
    assert all(record.extras["verified"] for record in records)


OUTCOMES = st.builds(
    Outcome,
    verdict=st.text(),
    error_class=st.none() | st.text(),
    message=st.text(),
    line=st.none() | st.integers(),
    tests_passed=st.integers(),
    tests_total=st.integers(),
    written=st.integers(min_value=1),
)


@given(OUTCOMES, st.none() | st.text())
def test_outcomes_are_read_back_as_they_were_written(tmp_path_factory, outcome, problem):
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    record = CorpusRecord("a", "s", "p", "lua", "x", problem=problem, outcome=outcome)
    save_corpus(path, [record])
    assert load_corpus(path) == (record,)
    assert record.group == problem


def test_a_record_is_of_what_its_problem_was_made_of(corpus):
    path = corpus(
        line(id="0", problem="p-1", of_problem="p", composition="c"),
        line(id="1", problem="p", of_problem=""),
        line(id="2", of_problem=3),
    )
    records = load_corpus(path)
    assert [record.group for record in records] == ["p", "p", None]
    assert [record.marks for record in records] == [{"0", "p-1", "p", "c"}, {"1", "p"}, {"2"}]


@given(st.lists(st.booleans(), max_size=12), st.none() | st.integers(1, 6))
def test_a_limit_takes_so_many_programs_that_passed(passed, limit):
    records = [
        CorpusRecord(str(number), "", "", "lua", "x", outcome=None if right else Outcome("timeout"))
        for number, right in enumerate(passed)
    ]
    taken = list(first_passed(records, limit))
    assert taken == records[: len(taken)]
    right = [record for record in records if record.passed]
    assert [record for record in taken if record.passed] == right[:limit]
    # What failed belongs to what passed before it, as a problem's programs stand in a corpus.
    assert len(taken) == len(records) or records[len(taken)].passed


def test_a_record_without_an_outcome_is_taken_to_solve_its_task(corpus):
    (record,) = load_corpus(corpus(line(composition="a|b", problem=7)))
    assert record.passed
    assert record.outcome is None
    assert (record.group, record.extras["problem"]) == ("a|b", 7)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        ("accepted", "'outcome' must be an object"),
        ({}, "'verdict'"),
        ({"verdict": "timeout", "line": "4"}, "'outcome.line'"),
        ({"verdict": "timeout", "tests_passed": True}, "'outcome.tests_passed'"),
        ({"verdict": "timeout", "written": 0}, "'outcome.written'"),
    ],
)
def test_a_malformed_outcome_is_named_with_its_line(corpus, outcome, message):
    with pytest.raises(UserError, match=f"corpus.jsonl:2: field {message}|:2: .*{message}"):
        load_corpus(corpus(line(), line(id="b", outcome=outcome)))


@pytest.mark.parametrize("field", ["id", "statement", "program", "language", "source", "note"])
def test_half_a_character_is_named_by_its_line(tmp_path, field):
    path = tmp_path / "corpus.jsonl"
    lines = [dict.fromkeys(REQUIRED, name) for name in "ab"]
    lines[1][field] = "x\ud83d"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(UserError, match=rf"corpus\.jsonl:2: field '{field}' has an unpaired"):
        load_corpus(path)
