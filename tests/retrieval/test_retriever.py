"""What a preset adds to the mixture: the LM's token stands where neighbours support it."""

import numpy as np
import pytest
import torch

from knm.retrieval import LMOutput, Preset, Retriever
from tests.datastore.tiny import HIDDEN, VOCAB, tiny_model
from tests.retrieval.stores import store_of

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
