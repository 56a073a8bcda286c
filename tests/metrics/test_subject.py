from dataclasses import replace

import pytest

from knm.datastore import IndexInfo
from knm.hashing import hash_json
from knm.metrics.subject import determinants
from knm.retrieval import resolve_preset


@pytest.mark.parametrize(
    "field", ["weights_hash", "config_hash", "generation_hash", "tokenizer_hash", "dtype"]
)
def test_whatever_of_a_model_decides_completions_is_told(embedded, field):
    """Its generation_config.json too: that names the tokens that end a completion."""
    other = replace(embedded, identity=replace(embedded.identity, **{field: "another"}))
    assert determinants(other) != determinants(embedded)


def test_a_copy_of_a_model_and_another_name_of_a_preset_are_the_same(embedded, small_store):
    copy = replace(embedded, identity=replace(embedded.identity, name="copy"))
    assert determinants(copy) == determinants(embedded)
    dense = resolve_preset("dense")
    assert determinants(copy, replace(dense, name="mine"), small_store) == determinants(
        embedded, dense, small_store
    )
    assert determinants(embedded, replace(dense, lmbda=0.2), small_store) != determinants(
        embedded, dense, small_store
    )


def test_an_index_that_is_added_or_built_otherwise_is_another_search(embedded, small_store):
    dense = resolve_preset("dense")
    built = IndexInfo("ivf.index", 8, 2, 0, 300, 0.9, "1.0")
    found = [determinants(embedded, dense, small_store)]
    for index in (built, replace(built, nprobe=4), replace(built, faiss_version="2.0")):
        manifest = replace(small_store.manifest, indexes={"ivf": index})
        indexed = replace(small_store, manifest=manifest)
        found.append(determinants(embedded, dense, indexed))
        assert determinants(embedded, None, indexed) == determinants(embedded)
    assert len({hash_json(each) for each in found}) == 4
