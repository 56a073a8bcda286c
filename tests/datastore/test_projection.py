from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from knm.datastore import Projection
from knm.errors import UserError
from knm.retrieval.projecting import QueryProjector


def random_projection(source: int, dim: int, seed: int = 0, kind: str = "pca") -> Projection:
    draw = np.random.default_rng(seed)
    matrix = draw.standard_normal((source, dim)).astype(np.float32)
    return Projection(kind, draw.standard_normal(source).astype(np.float32), matrix)


def test_a_saved_projection_is_read_back_to_the_bit(tmp_path):
    projection = random_projection(7, 3)
    projection.save(tmp_path)
    read = Projection.load(tmp_path, projection.info)
    assert read.info == projection.info
    assert np.array_equal(read.mean, projection.mean)
    assert np.array_equal(read.matrix, projection.matrix)


def test_its_hash_depends_on_every_number_and_on_the_kind():
    one = random_projection(5, 2)
    others = [
        replace(one, mean=one.mean + 1),
        replace(one, matrix=one.matrix * 2),
        replace(one, kind="metric"),
        replace(one, kind="whitening"),
    ]
    assert len({each.info.hash for each in (one, *others)}) == 5


def test_another_projection_than_the_manifest_names_is_refused(tmp_path):
    random_projection(5, 2).save(tmp_path)
    with pytest.raises(UserError, match=r"projection\.npz: not the projection"):
        Projection.load(tmp_path, random_projection(5, 2, seed=1).info)


def test_a_missing_or_damaged_file_is_named(tmp_path):
    info = random_projection(5, 2).info
    with pytest.raises(UserError, match=r"projection\.npz: missing"):
        Projection.load(tmp_path, info)
    (tmp_path / "projection.npz").write_bytes(b"no archive")
    with pytest.raises(UserError, match=r"projection\.npz: damaged"):
        Projection.load(tmp_path, info)


def test_pickled_arrays_are_never_loaded(tmp_path):
    with (tmp_path / "projection.npz").open("wb") as file:
        np.savez(file, kind=np.array(["pca"], object), mean=np.zeros(2), matrix=np.zeros((2, 1)))
    with pytest.raises(UserError, match="damaged"):
        Projection.load(tmp_path, random_projection(2, 1).info)


@pytest.mark.parametrize("matrix", [np.zeros((4, 2)), np.zeros((3, 0)), np.full((3, 2), np.nan)])
def test_what_cannot_be_applied_is_refused(matrix):
    with pytest.raises(UserError, match="projection"):
        Projection("pca", np.zeros(3, np.float32), matrix.astype(np.float32))


@given(source=st.integers(2, 12), seed=st.integers(0, 99))
def test_two_projections_in_one_are_those_after_each_other(source, seed):
    middle = max(1, source - 1)
    first = random_projection(source, middle, seed)
    second = random_projection(middle, max(1, middle - 1), seed + 1, "metric")
    keys = np.random.default_rng(seed).standard_normal((6, source)).astype(np.float32)
    whole = first.then(second)
    assert whole.kind == "metric"
    expected = second.apply(first.apply(keys))
    # The mean of the whole is a least-squares solution: as exact as the first map is regular.
    conditioned = np.linalg.cond(first.matrix)
    np.testing.assert_allclose(whole.apply(keys), expected, rtol=0, atol=1e-4 * conditioned)


def test_projections_of_unlike_widths_do_not_compose():
    with pytest.raises(UserError, match="takes 4 dimensions, the keys have 3"):
        random_projection(5, 3).then(random_projection(4, 2))


@given(seed=st.integers(0, 99), count=st.integers(1, 40))
def test_a_whitening_gives_directions_in_memory_and_on_a_device_alike(seed, count):
    projection = random_projection(6, 3, seed, "whitening")
    keys = np.random.default_rng(seed + 100).standard_normal((count, 6)).astype(np.float32)
    keys[0] = projection.mean
    projected = projection.apply(keys)
    linear = replace(projection, kind="pca").apply(keys)
    assert not projected[0].any()
    np.testing.assert_allclose(np.linalg.norm(projected[1:], axis=1), 1, atol=1e-5)
    lengths = np.linalg.norm(linear, axis=1, keepdims=True)
    np.testing.assert_allclose(projected * lengths, linear, rtol=1e-4, atol=1e-5)
    queries = QueryProjector(projection, "cpu")(torch.from_numpy(keys)).numpy()
    np.testing.assert_allclose(queries, projected, atol=1e-5)


def test_nothing_follows_a_whitening():
    with pytest.raises(UserError, match=r"length 1.*mine again"):
        random_projection(5, 3, kind="whitening").then(random_projection(3, 2))
