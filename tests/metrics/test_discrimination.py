import numpy as np
import pytest
import torch

from knm.corpora import CorpusRecord
from knm.datastore.transforms import parse_key_transform
from knm.errors import UserError
from knm.metrics.discrimination import measure_keys
from knm.metrics.keyed import (
    DiscriminationOptions,
    KeyedPositions,
    draw_queries,
    draw_records,
    key_positions,
)
from knm.metrics.states import target_counts
from knm.models import parse_key_kind
from knm.models.keys import join_key_kinds
from tests.datastore.tiny import HIDDEN, examples, tiny_model

EXAMPLES = examples(9, seed=5)
KNOWING, NOISE = parse_key_kind("layer-1"), parse_key_kind("layer-2")
CPU = torch.device("cpu")


def record(number, problem=None):
    return CorpusRecord(f"record-{number}", "", "", "lua", "made", problem=problem)


RECORDS = [record(number) for number in range(9)]


def made(count=400, problems=10, tokens=5, *, seed=0):
    """Positions whose first four columns tell the right token, and the next four nothing."""
    draw = np.random.default_rng(seed)
    right = draw.integers(tokens, size=count)
    wrong = draw.random(count) < 0.3
    predicted = np.where(wrong, (right + 1) % tokens, right)
    places = draw.normal(size=(tokens, 4))
    knows = places[right] + 0.01 * draw.normal(size=(count, 4))
    states = np.concatenate([knows, draw.normal(size=(count, 4))], 1)
    groups = draw.integers(problems, size=count)
    return KeyedPositions(torch.from_numpy(states).float(), right, predicted, groups)


def compared(keyed, transforms=("none",), **options):
    queries = draw_queries(keyed, DiscriminationOptions(**options))
    columns = {NOISE: [4, 5, 6, 7], KNOWING: [0, 1, 2, 3]}
    chosen = [parse_key_transform(name) for name in transforms]
    return measure_keys(keyed, columns, chosen, queries, CPU)


def test_keys_that_know_come_before_noise():
    knowing, noise = compared(made())
    assert (knowing.keys, noise.keys) == ("layer-1", "layer-2")
    assert (knowing.area, knowing.mended, knowing.spoilt) == (1, 1, 0)
    assert (knowing.behind, knowing.behind_interval) == (0, (0, 0))
    low, high = noise.interval
    assert low < 0.5 < high
    assert noise.spoilt > 0.5
    assert noise.behind == noise.area - 1
    assert noise.behind_interval[1] < 0


def test_every_kind_is_measured_by_every_transform():
    found = compared(made(), ("none", "pca-2", "whitened-cosine-3"))
    assert {(one.keys, one.transform, one.dim) for one in found} == {
        (kind, *transform)
        for kind in ("layer-1", "layer-2")
        for transform in (("none", 4), ("pca-2", 2), ("whitened-cosine-3", 3))
    }
    assert [one.area for one in found] == sorted((one.area for one in found), reverse=True)


def test_a_problem_says_nothing_of_itself():
    # Each problem has a place and a token of its own: only its own entries would mend.
    draw = np.random.default_rng(1)
    groups = np.repeat(np.arange(8), 20)
    states = torch.from_numpy(100.0 * groups[:, None] + draw.normal(size=(160, 8))).float()
    predicted = np.where(np.arange(160) % 2, groups, groups + 50)
    found = compared(KeyedPositions(states, groups, predicted, groups))
    assert {one.mended for one in found} == {0}
    assert {one.spoilt for one in found} == {1}


def test_as_many_right_positions_as_mistakes_are_asked_at():
    keyed = made()
    queries = draw_queries(keyed, DiscriminationOptions(most_mistakes=30))
    assert len(np.unique(queries)) == 60
    assert keyed.wrong[queries].sum() == 30
    every = draw_queries(keyed, DiscriminationOptions())
    assert keyed.wrong[every].sum() == keyed.wrong.sum() == len(every) / 2


def test_an_lm_without_mistakes_is_told():
    keyed = made()
    sound = KeyedPositions(keyed.states, keyed.right, keyed.right, keyed.groups)
    with pytest.raises(UserError, match="the LM is right at all 400 positions"):
        draw_queries(sound, DiscriminationOptions())


@pytest.mark.parametrize("most", [25, 60, 10**6])
def test_records_are_drawn_whole_within_the_bound(most):
    counts = target_counts(EXAMPLES)
    chosen = draw_records(EXAMPLES, RECORDS, DiscriminationOptions(most_entries=most))
    assert sum(counts[chosen]) <= most
    assert chosen == sorted(chosen)
    assert (len(chosen) == 9) == (most >= counts.sum())


@pytest.mark.parametrize("problems", [["a"] * 9, ["a"] * 8 + ["b"]])
def test_records_of_one_problem_are_refused(problems):
    records = [record(number, problem) for number, problem in enumerate(problems)]
    if "b" in problems:
        assert len(draw_records(EXAMPLES, records, DiscriminationOptions())) == 9
    else:
        with pytest.raises(UserError, match="fewer than two problems"):
            draw_records(EXAMPLES, records, DiscriminationOptions())


def test_one_pass_keys_all_kinds_as_each_alone():
    loaded = tiny_model()
    kinds = [parse_key_kind(name) for name in ("layer-1", "last-mlp-input+final-norm", "layer-2")]
    whole = join_key_kinds([*kinds, kinds[0]])
    together = key_positions(loaded, RECORDS, EXAMPLES, whole, batch_tokens=60)
    assert together.states.shape[1] == 4 * HIDDEN
    for kind in kinds:
        alone = key_positions(loaded, RECORDS, EXAMPLES, kind, batch_tokens=60)
        torch.testing.assert_close(
            together.states[:, kind.places_in(whole, HIDDEN)], alone.states, atol=0, rtol=0
        )
        np.testing.assert_array_equal(together.predicted, alone.predicted)
    counts = target_counts(EXAMPLES)
    np.testing.assert_array_equal(together.groups, np.repeat(np.arange(9), counts))
    assert together.right[: counts[0]].tolist() == list(EXAMPLES[0].ids[-counts[0] :])


def test_states_that_are_not_finite_are_told():
    loaded = tiny_model()
    loaded.model.model.norm.weight.data.fill_(torch.inf)
    with pytest.raises(UserError, match="states that are not finite"):
        key_positions(loaded, RECORDS, EXAMPLES, parse_key_kind("final-norm"))
