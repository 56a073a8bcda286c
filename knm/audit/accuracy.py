"""Token accuracy: how often the next token of a reference program is the likeliest one."""

from collections.abc import Sequence

import numpy as np

from knm.metrics.measuring import measure
from knm.metrics.states import read_blocks
from knm.models import FINAL_NORM, EncodedExample, LoadedModel, parse_key_kind
from knm.retrieval import Retriever


def token_accuracy(
    loaded: LoadedModel, retriever: Retriever | None, examples: Sequence[EncodedExample]
) -> float | None:
    """The share of all answers' tokens that are foreseen when all before them are right.

    None where there are no examples.
    """
    if not examples:
        return None
    right = np.array([token for each in examples for token in each.ids[each.target_start :]])
    retrievers = [] if retriever is None else [retriever]
    kind = parse_key_kind(FINAL_NORM) if retriever is None else retriever.key_kind
    blocks = read_blocks(loaded, examples, kind)
    lm, measured = measure(loaded, blocks, retrievers, len(right))
    foreseen = measured[0].corrected if measured else lm
    return float((foreseen.token == right).mean())
