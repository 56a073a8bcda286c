import numpy as np
import pytest
import torch

from knm.datastore import MiningOptions
from tests.datastore.tiny import examples, mine_tiny, tiny_model

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.mark.parametrize("positions", ["all", "mistakes", "mistakes+correct:0.5"])
@pytest.mark.parametrize("kind", ["final-norm", "layer-1+last-mlp-input"])
def test_a_gpu_mines_what_a_cpu_mines(tmp_path, positions, kind):
    options = MiningOptions(positions=positions, batch_tokens=40, key_kind=kind)
    loaded = tiny_model()
    loaded.model.to("cuda")
    many = examples(60)
    here = mine_tiny(tmp_path / "cpu", options, examples=many)
    there = mine_tiny(tmp_path / "cuda", options, examples=many, loaded=loaded)
    fields = ["record", "offset", "predicted"]
    assert there.provenance[fields].tolist() == here.provenance[fields].tolist()
    assert np.array_equal(there.values, here.values)
    everything = slice(0, len(here))
    np.testing.assert_allclose(
        there.read_keys(everything), here.read_keys(everything), rtol=0.01, atol=0.02
    )
    assert here.likely is not None
    assert there.likely is not None
    assert np.array_equal(there.likely["tokens"][:, 0], there.provenance["predicted"])
    assert np.array_equal(there.likely["probabilities"][:, 0], there.provenance["probability"])
    np.testing.assert_allclose(
        there.likely["probabilities"], here.likely["probabilities"], atol=1e-3
    )
    again = mine_tiny(tmp_path / "again", options, examples=many, loaded=loaded)
    assert again.content_hash == there.content_hash
