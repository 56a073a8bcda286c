import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.metrics.next_line import complete_lines, draw_cases, edit_similarity
from knm.models import encode_corpus, encode_prompt
from knm.problems import fence_program, load_template
from knm.retrieval import Retriever, resolve_preset

words = st.text(alphabet="abc ", max_size=8)
TEMPLATE = load_template("task")


@pytest.mark.parametrize(
    ("a", "b", "similarity"),
    [("", "", 1), ("abc", "", 0), ("kitten", "sitting", 1 - 3 / 7), ("abc", "abc", 1)],
)
def test_similarity_counts_edits(a, b, similarity):
    assert edit_similarity(a, b) == pytest.approx(similarity)


@given(words, words)
def test_similarity_is_symmetric_and_one_only_for_equal_texts(a, b):
    assert edit_similarity(a, b) == edit_similarity(b, a)
    assert (edit_similarity(a, b) == 1) == (a == b)
    assert 0 <= edit_similarity(a, b) <= 1


@given(words, words, st.integers(0, 8))
def test_similarity_of_one_edit(a, b, place):
    changed = a[:place] + "x" + a[place:]
    assert edit_similarity(a, changed) == pytest.approx(1 - 1 / len(changed))


@pytest.fixture(scope="module")
def encoded(embedded, dev_records):
    return encode_corpus(embedded.tokenizer, dev_records, TEMPLATE)


def test_a_cut_program_and_its_next_line_are_as_they_were(embedded, encoded, dev_records):
    cases = draw_cases(embedded, encoded, dev_records, TEMPLATE, 12)
    programs = {r.id: fence_program(r.program, r.language) for r in dev_records}
    for case in cases:
        before = embedded.tokenizer.decode(case.request.prefix)
        program = programs[case.request.id]
        assert program.startswith(before + case.expected)
        assert program[len(before + case.expected)] == "\n"
        assert case.expected.count("\n") == 1
        assert case.expected.strip()


def test_what_is_asked_before_a_cut_is_what_stands_before_the_program(embedded, dev_records):
    template = load_template("ag-livecodebench-x")  # has a text of the system's
    examples = encode_corpus(embedded.tokenizer, dev_records, template)
    whole = {example.record_id: example.ids for example in examples}
    for case in draw_cases(embedded, examples, dev_records, template, 4):
        asked = case.request
        head = encode_prompt(embedded.tokenizer, asked.prompt, asked.system, asked.chat_arguments)
        before = (*head, *asked.prefix)
        assert whole[asked.id][: len(before)] == before


def test_every_program_is_cut_once_before_any_is_cut_twice(embedded, encoded, dev_records):
    four = draw_cases(embedded, encoded, dev_records, TEMPLATE, 4)
    assert {case.request.id for case in four} == {record.id for record in dev_records}
    assert draw_cases(embedded, encoded, dev_records, TEMPLATE, 9)[:4] == four
    assert draw_cases(embedded, encoded, dev_records, TEMPLATE, 9, seed=1)[:4] != four


def test_more_lines_than_there_are_is_a_user_error(embedded, encoded, dev_records):
    with pytest.raises(UserError, match="next_line 10000: the corpus has"):
        draw_cases(embedded, encoded, dev_records, TEMPLATE, 10_000)


def test_lines_are_completed_alike_at_weight_zero(embedded, encoded, dev_records, small_store):
    cases = draw_cases(embedded, encoded, dev_records, TEMPLATE, 4)
    plain = complete_lines(embedded, cases)
    zero = Retriever(small_store, resolve_preset("dense", lmbda=0.0))
    assert complete_lines(embedded, cases, zero) == plain
    assert plain.cases == 4
    assert 0 <= plain.exact <= plain.similarity <= 1
    # The embedded LM knows what comes next most of the time.
    assert plain.similarity > 0.4
