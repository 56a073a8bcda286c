"""Corrections row by row, and what a preset adds to the mixture."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from knm.errors import UserError
from knm.retrieval import LMOutput, Preset, Retriever, resolve_preset
from tests.datastore.tiny import HIDDEN, VOCAB, tiny_model
from tests.retrieval.stores import retriever_of, store_of

LM_TOKEN, OTHER = 3, 7


def correct(support: float | None, votes_for_lm: int) -> tuple[int, float]:
    """The token and weight where so many of ten equally near neighbours say what the LM says."""
    values = [LM_TOKEN] * votes_for_lm + [OTHER] * (10 - votes_for_lm)
    preset = Preset("supported", lmbda=0.97, temperature=1.0, k=10, support=support)
    retriever = Retriever(store_of(np.zeros((10, HIDDEN)), values), preset)
    retriever.attach(tiny_model().model)
    logits = torch.zeros(1, VOCAB)
    logits[0, LM_TOKEN] = 1.0
    lm = LMOutput.read(logits)
    correction = retriever.correct(torch.zeros(1, HIDDEN), lm)
    if float(correction.weight) == 0:
        torch.testing.assert_close(correction.logits, logits)
    return int(correction.token), round(float(correction.weight), 6)


@pytest.mark.parametrize(
    ("support", "votes_for_lm", "expected"),
    [
        (None, 0, (OTHER, 0.97)),
        (None, 4, (OTHER, 0.97)),
        (0.05, 0, (OTHER, 0.97)),
        (0.05, 1, (LM_TOKEN, 0.0)),
        (0.45, 4, (OTHER, 0.97)),
        (0.45, 5, (LM_TOKEN, 0.0)),
        (1.0, 9, (LM_TOKEN, 0.97)),
        (1.0, 10, (LM_TOKEN, 0.0)),
    ],
)
def test_the_lms_token_stands_where_neighbours_give_it_the_share(support, votes_for_lm, expected):
    assert correct(support, votes_for_lm) == expected


@pytest.mark.parametrize("name", ["v1", "v3", "dense", "nest"])
def test_a_corrected_row_does_not_depend_on_the_other_rows(store, name):
    retriever = retriever_of(store, name)
    draw = torch.Generator().manual_seed(0)
    hidden = torch.randn(40, 32, generator=draw)
    logits = torch.randn(40, VOCAB, generator=draw) * 6
    together = retriever.correct(hidden, LMOutput.read(logits))
    for row in range(40):
        part = slice(row, row + 1)
        alone = retriever.correct(hidden[part], LMOutput.read(logits[part]))
        assert torch.equal(alone.logits, together.logits[part])
        assert torch.equal(alone.searched, together.searched[part])
        assert torch.equal(alone.neighbours.ids, together.neighbours.ids[part])


def test_a_row_of_nan_keeps_its_logits(store):
    retriever = retriever_of(store, lmbda=0.9)
    hidden, logits = torch.randn(3, 32), torch.randn(3, VOCAB)
    hidden[1] = torch.nan
    correction = retriever.correct(hidden, LMOutput.read(logits))
    assert torch.equal(correction.logits[1], logits[1])
    assert not torch.equal(correction.logits[0], logits[0])
    logits[1] = torch.nan
    assert retriever.correct(hidden, LMOutput.read(logits)).logits[1].isnan().all()


def test_a_preset_that_names_a_key_kind_refuses_another(store):
    preset = replace(resolve_preset("v1"), key_kind="last-layer")
    with pytest.raises(UserError, match=r"'final-norm'.*'last-layer'"):
        Retriever(store, preset)
