import pytest
import torch

from knm.languages.tables import compile_tables
from knm.retrieval import DecodingContext
from knm.retrieval.conditions import TypeCondition

TOKENS = (b"```lua\n", b"local", b" x", b" =", b" 'a", b"'")
FENCE, LOCAL, X, EQUALS, OPEN, CLOSE = range(len(TOKENS))


def condition(*types: str) -> TypeCondition:
    return TypeCondition.of(compile_tables("lua", TOKENS), types, "cpu")


def test_a_token_is_admitted_by_its_type_where_it_would_stand():
    admit = condition("identifier", "literal")
    context = DecodingContext.allocate(3, 0, "cpu")
    voted = torch.tensor([X, EQUALS, -1])
    assert admit.admits(context, voted).tolist() == [False] * 3  # prose so far
    admit.advance(context, torch.full((3,), FENCE))
    assert admit.admits(context, voted).tolist() == [True, False, False]
    admit.advance(context, torch.tensor([LOCAL, OPEN, OPEN]))
    # row 0 goes on with its name; the others are in a string, where all is literal
    assert admit.admits(context, torch.tensor([EQUALS, X, CLOSE])).tolist() == [
        False,
        True,
        True,
    ]


def test_a_row_that_begins_anew_is_in_prose():
    admit = condition("outside")
    context = DecodingContext.allocate(2, 0, "cpu")
    admit.advance(context, torch.tensor([FENCE, FENCE]))
    context.reset([1])
    assert admit.admits(context, torch.tensor([X, X])).tolist() == [False, True]


@pytest.mark.parametrize("types", [(), ("comment",)])
def test_types_that_do_not_come_admit_nothing(types):
    context = DecodingContext.allocate(len(TOKENS), 0, "cpu")
    admit = condition(*types)
    admit.advance(context, torch.full((len(TOKENS),), FENCE))
    assert not admit.admits(context, torch.arange(len(TOKENS))).any()
