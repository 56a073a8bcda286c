import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.datastore.project import principal_axes
from knm.datastore.transforms import KeyTransform, parse_key_transform
from knm.errors import UserError

KEYS = np.random.default_rng(0).normal(size=(200, 6)) * [9, 5, 2, 1, 0.5, 0] + 3


def axes_of_keys():
    return principal_axes(lambda: iter([KEYS]))


def transformed(name):
    projection = parse_key_transform(name).fit(6, axes_of_keys)
    assert projection is not None
    return projection.apply(KEYS.astype(np.float32))


@given(st.sampled_from(["pca", "whitened", "whitened-cosine"]), st.integers(1, 10**8))
def test_a_transform_is_read_as_it_is_written(name, dim):
    assert parse_key_transform(f"{name}-{dim}") == KeyTransform(name, dim)
    assert str(KeyTransform(name, dim)) == f"{name}-{dim}"


@pytest.mark.parametrize("text", ["", "pca", "pca-0", "cosine-4", "none-1", "pca-3-4", "PCA-3"])
def test_another_is_refused_with_those_there_are(text):
    with pytest.raises(UserError, match="none of none, cosine, pca-N, whitened-N, whitened-cos"):
        parse_key_transform(text)


def test_axes_are_found_only_for_what_needs_them():
    def none():
        raise AssertionError

    assert parse_key_transform("none").fit(6, none) is None
    assert parse_key_transform("cosine").fit(6, none) is not None
    with pytest.raises(UserError, match="pca-7"):
        parse_key_transform("pca-7").fit(6, none)


def test_cosine_keeps_directions():
    lengths = np.linalg.norm(KEYS, axis=1, keepdims=True)
    np.testing.assert_allclose(transformed("cosine"), KEYS / lengths, atol=1e-6)


def test_a_pca_keeps_the_distances_along_its_axes():
    kept = transformed("pca-5")  # the sixth dimension never varies
    np.testing.assert_allclose(
        np.linalg.norm(kept[0] - kept[1:], axis=1),
        np.linalg.norm(KEYS[0] - KEYS[1:], axis=1),
        rtol=1e-4,
    )


def test_whitened_dimensions_vary_alike_and_are_no_more_than_vary():
    whitened = transformed("whitened-6")
    assert whitened.shape == (200, 5)
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(5), atol=1e-4)
    lengths = np.linalg.norm(transformed("whitened-cosine-3"), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-6)


def test_more_dimensions_than_there_are_are_refused():
    with pytest.raises(UserError, match="pca-7: keys have 6 dimensions"):
        transformed("pca-7")


def test_keys_that_are_all_the_same_cannot_be_whitened():
    same = np.ones((4, 3))
    with pytest.raises(UserError, match="all keys are the same"):
        parse_key_transform("whitened-2").fit(3, lambda: principal_axes(lambda: iter([same])))
