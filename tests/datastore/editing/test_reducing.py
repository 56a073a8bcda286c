import numpy as np
import pytest

from knm.datastore.editing import PCAOptions, pca_datastore, train_pca
from knm.errors import UserError
from tests.datastore.editing.stores import random_store, written
from tests.retrieval.stores import store_of


def low_rank(rows: int, rank: int, dim: int, noise: float = 0.0) -> np.ndarray:
    draw = np.random.default_rng(0)
    keys = draw.standard_normal((rows, rank)) * np.arange(rank, 0, -1)
    spread = np.linalg.qr(draw.standard_normal((dim, rank)))[0]
    moved: np.ndarray = keys @ spread.T + 3 + noise * draw.standard_normal((rows, dim))
    return moved


def test_as_many_dimensions_as_the_keys_vary_in_keep_all_distances():
    store = store_of(low_rank(300, 4, 12))
    projection, explained = train_pca(store, PCAOptions(4))
    assert explained == pytest.approx(1.0, abs=1e-3)
    keys = store.read_keys(slice(None))
    projected = projection.apply(keys)
    before = np.square(keys[:50, None] - keys[None, :50]).sum(-1)
    after = np.square(projected[:50, None] - projected[None, :50]).sum(-1)
    np.testing.assert_allclose(after, before, rtol=0.01, atol=0.01)


def test_explained_variance_is_the_share_that_the_kept_dimensions_have():
    store = store_of(low_rank(2000, 4, 12))
    keys = store.read_keys(slice(None)).astype(np.float64)
    variances = np.sort(np.linalg.eigvalsh(np.cov(keys.T)))[::-1]
    _, explained = train_pca(store, PCAOptions(2))
    assert explained == pytest.approx(variances[:2].sum() / variances.sum())


def test_whitened_keys_have_unit_covariance():
    store = store_of(low_rank(2000, 4, 12, noise=0.1))
    projection, _ = train_pca(store, PCAOptions(5, whiten=True))
    projected = projection.apply(store.read_keys(slice(None)))
    np.testing.assert_allclose(np.cov(projected.T), np.eye(5), atol=1e-3)


def test_training_reads_a_sample_that_the_seed_draws():
    store = store_of(low_rank(500, 4, 12, noise=0.1))
    one, again, other = (
        train_pca(store, PCAOptions(3, training_rows=100, seed=seed))[0] for seed in (0, 0, 1)
    )
    assert one.info == again.info != other.info


def test_the_lineage_tells_how_it_was_trained(tmp_path):
    source = random_store(tmp_path / "source")
    reduced = pca_datastore(source, tmp_path / "out", PCAOptions(3, seed=5))
    arguments = reduced.manifest.lineage[-1]["arguments"]
    assert (arguments["dim"], arguments["whiten"], arguments["seed"]) == (3, False, 5)
    assert arguments["trained_on"] == len(source)
    assert 0.4 < arguments["explained_variance"] < 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (PCAOptions(0), "--dim 0"),
        (PCAOptions(13), "--dim 13: must be from 1 to the keys' width, 12"),
        (PCAOptions(11, whiten=True), "vary in"),
    ],
)
def test_dimensions_that_are_not_there_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        # Multiples of 1/8: float16 holds them without an error that would add dimensions.
        train_pca(store_of((low_rank(300, 4, 12) * 0 + np.arange(300)[:, None]) / 8), options)


def test_an_empty_datastore_cannot_train(tmp_path):
    with pytest.raises(UserError, match="at least 2 entries, and there are 0"):
        train_pca(written(tmp_path / "empty", np.empty((0, 6)), []), PCAOptions(2))
