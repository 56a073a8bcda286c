import shutil

import numpy as np
import pytest
import torch

from knm.datastore import Datastore, Projection, project_datastore
from knm.datastore.arrays import encode_keys
from knm.datastore.project import PCAOptions, pca_datastore, train_pca
from knm.errors import UserError
from knm.retrieval import LMOutput, Neighbours, Retriever, TorchSearcher, corrected, resolve_preset
from tests.datastore.stores import random_store, written
from tests.datastore.test_projection import random_projection
from tests.datastore.tiny import HIDDEN, examples, mine_tiny, tiny_model
from tests.retrieval.stores import store_of


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Datastore:
    return mine_tiny(tmp_path_factory.mktemp("source"))


@pytest.fixture
def projection() -> Projection:
    return random_projection(HIDDEN, 8)


@pytest.fixture
def projected(source, projection, tmp_path) -> Datastore:
    return project_datastore(source, projection, tmp_path / "projected", arguments={"why": "test"})


def test_keys_are_projected_and_the_rest_is_kept(source, projected, projection):
    keys = source.read_keys(slice(None))
    expected = (keys - projection.mean) @ projection.matrix
    np.testing.assert_allclose(projected.read_keys(slice(None)), expected, rtol=1e-3, atol=1e-3)
    assert np.array_equal(projected.values, source.values)
    assert np.array_equal(projected.provenance, source.provenance)
    assert projected.record_ids == source.record_ids


def test_the_manifest_tells_widths_projection_and_lineage(source, projected, projection):
    manifest = projected.manifest
    assert (manifest.dim, manifest.query_dim, source.manifest.query_dim) == (8, HIDDEN, HIDDEN)
    assert manifest.projection == projection.info
    (entry,) = manifest.lineage
    assert entry["operation"] == "pca"
    assert entry["arguments"] == {"dim": 8, "hash": projection.info.hash, "why": "test"}
    assert [parent["content_hash"] for parent in entry["parents"]] == [source.content_hash]
    assert manifest.calibration is not None
    assert manifest.calibration != source.manifest.calibration


def test_the_content_hash_includes_the_projection(source, projected, projection, tmp_path):
    """Keys rounded to the same float16 are not the same content under another projection."""
    nearly = Projection("pca", projection.mean, np.nextafter(projection.matrix, np.float32(9)))
    other = project_datastore(source, nearly, tmp_path / "other")
    assert np.array_equal(other.values, projected.values)
    assert other.content_hash != projected.content_hash


def neighbours_of(retriever: Retriever, hidden: torch.Tensor, k: int) -> Neighbours:
    return retriever._search(hidden, LMOutput.read(torch.zeros(len(hidden), 2)), k)


def test_queries_are_projected_before_the_search(source, projected, projection):
    preset = resolve_preset("v1", lmbda=1.0)
    hidden = torch.from_numpy(source.read_keys(slice(0, 30)))
    retriever = Retriever(projected, preset, device="cpu")
    found = neighbours_of(retriever, hidden, 4)
    asked = torch.from_numpy(projection.apply(hidden.numpy()))
    expected = TorchSearcher(projected, torch.device("cpu")).search(asked, 4)
    assert torch.equal(found.ids, expected.ids)
    torch.testing.assert_close(found.distances, expected.distances, rtol=1e-3, atol=1e-3)


def test_a_projected_row_does_not_depend_on_the_others_to_the_bit(projected):
    retriever = Retriever(projected, resolve_preset("v1"), device="cpu")
    hidden = torch.randn(37, HIDDEN, generator=torch.Generator().manual_seed(0))
    together = neighbours_of(retriever, hidden, 4)
    hidden[5] = torch.nan
    disturbed = neighbours_of(retriever, hidden, 4)
    assert (disturbed.ids[5] == -1).all()
    for row in (0, 6, 15, 16, 36):
        alone = neighbours_of(retriever, hidden[row : row + 1], 4)
        assert torch.equal(alone.distances[0], together.distances[row])
        assert torch.equal(disturbed.distances[row], together.distances[row])


def test_a_model_is_corrected_from_a_projected_datastore(projected):
    """At weight 1 the model says what was stored where it meets its own text again."""
    loaded = tiny_model()
    retriever = Retriever(projected, resolve_preset("v1", lmbda=1.0))
    example = examples()[0]
    with corrected(loaded.model, retriever), torch.no_grad():
        said = loaded.model(torch.tensor([example.ids])).logits[0].argmax(-1)
    start = example.target_start
    assert said[start - 1 : -1].tolist() == list(example.ids[start:])


def test_projecting_twice_searches_through_both(source, projected, tmp_path):
    second = random_projection(8, 3, seed=5, kind="metric")
    twice = project_datastore(projected, second, tmp_path / "twice")
    assert [entry["operation"] for entry in twice.manifest.lineage] == ["pca", "metric"]
    assert (twice.manifest.query_dim, twice.manifest.dim) == (HIDDEN, 3)
    hidden = torch.from_numpy(source.read_keys(slice(0, 20)))
    nearest = neighbours_of(Retriever(twice, resolve_preset("v1"), device="cpu"), hidden, 1)
    scale = float(np.square(twice.read_keys(slice(None))).sum(1).mean())
    assert (nearest.distances[:, 0] < 1e-4 * scale).all()


def test_a_projection_of_another_width_is_refused(source, tmp_path):
    with pytest.raises(UserError, match="32 dimensions, the projection takes 9"):
        project_datastore(source, random_projection(9, 2), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_lost_projection_is_named(projected, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(projected.path, copy)
    (copy / "projection.npz").unlink()
    with pytest.raises(UserError, match=r"copy/projection\.npz: missing"):
        Datastore.open(copy)


def test_a_finished_result_is_left_alone_and_another_is_refused(source, projected, projection):
    before = (projected.path / "manifest.json").stat().st_mtime_ns
    arguments = {"why": "test"}
    project_datastore(source, projection, projected.path, arguments=arguments)
    assert (projected.path / "manifest.json").stat().st_mtime_ns == before
    with pytest.raises(UserError, match="holds a datastore with other"):
        project_datastore(source, random_projection(HIDDEN, 8, seed=3), projected.path)


def test_keys_too_large_for_float16_are_refused():
    keys = np.array([[1.0, 70_000.0]], np.float32)
    with pytest.raises(UserError, match="key_dtype bfloat16"):
        encode_keys(keys, "float16")


def test_bfloat16_keys_are_rounded_as_torch_does():
    keys = np.random.default_rng(0).standard_normal((40, 9)).astype(np.float32)
    keys[0, :3] = [1.00390625, 1.01171875, 0.0]  # two halves between neighbours, and zero
    expected = torch.from_numpy(keys).bfloat16().view(torch.int16).numpy().view(np.uint16)
    assert np.array_equal(encode_keys(keys, "bfloat16"), expected)


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
        (PCAOptions(0), "dim 0"),
        (PCAOptions(13), "dim 13: must be from 1 to the keys' width, 12"),
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
