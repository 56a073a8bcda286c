from dataclasses import replace

import numpy as np
import pytest
import torch

from knm.datastore import Datastore
from knm.datastore.calibration import calibrate
from knm.errors import UserError
from knm.retrieval import LMOutput, Neighbours, Retriever, resolve_preset
from knm.retrieval.adapting import AdaptorOptions, train_adaptor
from knm.retrieval.adaptor import AdaptorNetwork, load_adaptor
from tests.datastore.tiny import examples, mine_tiny

CPU = torch.device("cpu")
OPTIONS = AdaptorOptions(sample=200, steps=60)


def learnable(tmp_path) -> Datastore:
    """A mined datastore whose entries near each other agree, so that neighbours are often right."""
    store = mine_tiny(tmp_path, examples=examples(80))
    draw = np.random.default_rng(0)
    centre = draw.integers(0, 40, len(store))
    keys = (
        draw.normal(size=(40, store.manifest.dim))[centre] * 4
        + draw.normal(size=(len(store), store.manifest.dim)) * 0.1
    )
    provenance = store.provenance.copy()
    provenance["predicted"] = np.where(centre < 10, 60, centre)
    provenance["probability"] = 0.9
    changed = replace(
        store,
        keys=keys.astype(np.float16),
        values=centre.astype(np.int32),
        provenance=provenance,
    )
    return replace(changed, manifest=replace(changed.manifest, calibration=calibrate(changed, CPU)))


def evidence(rows=5, k=4):
    draw = torch.Generator().manual_seed(3)
    lm = LMOutput.read(torch.randn(rows, 64, generator=draw) * 3)
    distances = torch.rand(rows, k, generator=draw).sort(1).values * 9
    ids = torch.randint(0, 50, (rows, k), generator=draw)
    return lm, Neighbours(distances, ids, ids % 7)


def weigh(network, lm, neighbours):
    return network.weight(lm.log_confidence, lm.token, neighbours)


def test_what_is_learned_beats_the_lm_and_a_static_weight_on_unseen_entries(tmp_path):
    figures = train_adaptor(learnable(tmp_path), CPU, AdaptorOptions(sample=400)).figures
    assert figures["loss_learned"] < figures["loss_lm"]
    assert figures["loss_learned"] < figures["loss_static"]


def test_training_is_reproducible_and_survives_the_file(tmp_path):
    store = learnable(tmp_path)
    adaptor = train_adaptor(store, CPU, OPTIONS)
    assert train_adaptor(store, CPU, OPTIONS) == adaptor
    adaptor.save(store.path)
    assert load_adaptor(store) == adaptor


def test_a_weight_is_a_share_and_depends_on_its_row_alone(tmp_path):
    network = AdaptorNetwork(train_adaptor(learnable(tmp_path), CPU, OPTIONS), CPU)
    lm, neighbours = evidence()
    together = weigh(network, lm, neighbours)
    assert ((together >= 0) & (together <= 1)).all()
    for row in range(5):
        alone = slice(row, row + 1)
        one = Neighbours(
            neighbours.distances[alone], neighbours.ids[alone], neighbours.values[alone]
        )
        assert weigh(network, LMOutput.read(lm.logits[alone]), one).equal(together[alone])


def test_an_adaptor_of_other_entries_is_refused(tmp_path):
    store = learnable(tmp_path)
    replace(train_adaptor(store, CPU, OPTIONS), content="another").save(store.path)
    with pytest.raises(UserError, match="other entries"):
        load_adaptor(store)


def test_the_learned_preset_asks_for_an_adaptor(tmp_path):
    with pytest.raises(UserError, match="knm calibrate"):
        Retriever(learnable(tmp_path), resolve_preset("learned"))


def test_the_learned_preset_is_silent_where_nothing_is_found(tmp_path):
    store = learnable(tmp_path)
    train_adaptor(store, CPU, OPTIONS).save(store.path)
    weight = resolve_preset("learned").build_weight(store)
    lm, _ = evidence()
    assert weight(lm, Neighbours.none(5, 4, CPU)).tolist() == [0.0] * 5


def test_entries_of_one_kind_teach_nothing(tmp_path):
    store = mine_tiny(tmp_path, examples=examples(1))
    with pytest.raises(UserError, match="too little to learn"):
        train_adaptor(store, CPU, OPTIONS)
