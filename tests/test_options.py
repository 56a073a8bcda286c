import math

import pytest

from knm.errors import UserError
from knm.option_fields import check_options, options_of
from knm.options import EngineOptions, RunOptions, SamplingOptions, check_sampling


def test_options_tell_type_default_and_flag():
    found = {option.name: option for option in options_of(RunOptions)}
    assert (found["knn_k"].type, found["knn_k"].default, found["knn_k"].flag) == (
        int,
        None,
        "--knn-k",
    )
    assert found["knn_lambda"].known_as == "lmbda"
    assert {option.name for option in options_of(EngineOptions)} < found.keys()
    assert all(option.option.help for option in found.values())


def test_an_option_without_effect_names_what_gives_it_one():
    with pytest.raises(UserError, match="--knn-k has no effect without --knn: add --knn, or"):
        check_options(EngineOptions(knn_k=3))
    with pytest.raises(UserError, match="--datastore .* without --knn: add --knn, or"):
        check_options(RunOptions(datastore="mine"))
    check_options(EngineOptions(knn=True, knn_k=3))


@pytest.mark.parametrize("temperature", [-0.1, 2.1, math.nan, math.inf])
def test_temperatures_are_bounded(temperature):
    with pytest.raises(UserError, match="--temperature .*: must be at least 0 and at most 2"):
        check_options(SamplingOptions(temperature=temperature))


def test_several_greedy_samples_would_be_the_same():
    with pytest.raises(UserError, match="--samples 2 would be 2 times the same"):
        check_sampling(SamplingOptions(samples=2))
    check_sampling(SamplingOptions(samples=2, temperature=0.5))
