import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knm.corpora import CorpusRecord, decontaminate, translation_request
from knm.corpora.decontamination import normalize_statement
from knm.corpora.translation_requests import without_solution
from knm.errors import UserError
from knm.problems import Problem, extract_program
from knm.testcases import TestCase

PROGRAM = "n = int(input())\nprint(n + 1)"


class NoTests:
    def load(self) -> tuple[TestCase, ...]:
        raise AssertionError("nobody asks for tests here")


def python(statement: str, program: str = PROGRAM) -> CorpusRecord:
    return CorpusRecord("p-1", statement, program, "python", "test", problem="p")


HEADING = without_solution("") + translation_request(python("")).rpartition("```python")[0]
STATEMENTS = st.lists(
    st.one_of(
        st.text("aZ {}\n", max_size=8),
        st.sampled_from([HEADING, HEADING[:-1], HEADING[:20], HEADING[2:], "\nExample:\n", "\n"]),
    ),
    max_size=5,
).map("".join)


@given(STATEMENTS, st.text("ab(){}= \n", max_size=30))
@example("Samples: {statement}", "print('{display}')")
@example(HEADING, PROGRAM)
def test_a_request_holds_statement_and_program_and_is_compared_by_the_statement(statement, program):
    record = python(statement, program)
    request = translation_request(record)
    assert request.startswith(statement + "\n\n# Solution\nThis Python 3 program ")
    assert request.endswith(f"```python\n{program.rstrip(chr(10))}\n```")
    assert normalize_statement(request) == normalize_statement(statement)
    # Asked once more, as where a corpus of requests is translated again.
    assert normalize_statement(translation_request(python(request))) == normalize_statement(request)


def test_the_program_is_found_in_a_request():
    assert extract_program(translation_request(python("Add one.")), "python") == PROGRAM


def test_a_statement_that_is_no_request_is_all_there():
    statement = "Mix it.\n\n# Solution\nThis acid program solves nothing."
    assert without_solution(statement) == statement


def test_requests_are_kept_clear_of_a_problem_and_problems_of_requests_too():
    record, plain = python("Add one."), Problem("x", "ADD one!", NoTests())
    request = python(translation_request(record))
    asked = Problem("x-1", translation_request(python("ADD one!", "print(2)")), NoTests())
    for one in (record, request):
        for problem in (plain, asked):
            assert [removal.other for removal in decontaminate([one], [problem]).removed] == [
                problem.question_id
            ]


def test_a_language_that_nobody_knows_is_named():
    with pytest.raises(UserError, match="unknown language 'klingon'"):
        translation_request(CorpusRecord("p", "Add.", "x", "klingon", "test"))
