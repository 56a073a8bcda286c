from itertools import combinations

from knm.corpora import SPLIT_BUCKETS, lua_weights
from knm.corpora.grammar import BUCKETS, CATALOGUE, Type


def test_splits_share_no_composition_and_cover_all():
    for first, second in combinations(SPLIT_BUCKETS.values(), 2):
        assert not first & second
    assert frozenset().union(*SPLIT_BUCKETS.values()) == frozenset(range(BUCKETS))


def test_a_third_of_the_operations_is_missing_from_lua_and_some_of_each_type_are_there():
    weights = lua_weights()
    missing = sum(weight == 0 for weight in weights.values())
    assert 0.3 < missing / len(CATALOGUE) < 0.37
    for kind in Type:
        known = [weights[operation.name] for operation in CATALOGUE.accepting(kind)]
        assert not known or max(known) == 1.0
