import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from knm.corpora import load_corpus
from knm.datastore.domain import describe_prompts, is_foreign, prompt_score
from knm.packaged import EMBEDDED_CORPUS

WORDS = st.lists(
    st.sampled_from(["sum", "list", "print", "of", "the", "two", "input", "a", "b", "c"]),
    min_size=1,
)


def statements(name):
    return [record.statement for record in load_corpus(EMBEDDED_CORPUS.parent / name)]


def test_held_out_prompts_of_the_corpus_are_at_home_and_utility_functions_are_foreign():
    domain = describe_prompts(statements("lua_cp/train.jsonl"))
    assert domain is not None
    assert not is_foreign(domain, statements("lua_cp/test.jsonl"))
    assert is_foreign(domain, statements("lua_utility/train.jsonl"))


def test_contest_problems_are_foreign_to_utility_functions():
    domain = describe_prompts(statements("lua_utility/train.jsonl"))
    assert domain is not None
    assert is_foreign(domain, statements("lua_cp/test.jsonl"))


def test_few_prompts_and_prompts_without_words_tell_nothing():
    assert describe_prompts(["Print the sum."] * 5) is None
    assert describe_prompts(["12 34"] * 50) is None


@given(st.lists(WORDS, min_size=30, max_size=60))
def test_nearly_all_own_prompts_score_above_the_bound(prompts):
    texts = [" ".join(words) for words in prompts]
    domain = describe_prompts(texts)
    assume(domain is not None)
    assert domain is not None
    scores = [score for text in texts if (score := prompt_score(domain, text)) is not None]
    assert sum(score < domain.low for score in scores) <= max(1, 0.02 * len(scores))
    assert sum(domain.shares.values()) == pytest.approx(1.0)
