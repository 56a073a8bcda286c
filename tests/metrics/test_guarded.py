"""Programs behind prompts that are not the datastore's to answer are measured as the LM's alone."""

import numpy as np
import pytest

from knm.metrics.measuring import measure
from knm.metrics.states import read_blocks, target_counts
from knm.models import EncodedExample, parse_key_kind
from tests.engine.random_models import VOCABULARY, random_model
from tests.engine.test_guarded import CLOSING, OPENING, PRESETS, retriever_on

FRAME = tuple(map(int, OPENING)), tuple(map(int, CLOSING))


def examples() -> list[EncodedExample]:
    """Of different lengths, every other one behind a prompt that is put as the datastore's are."""
    draw = np.random.default_rng(3)
    made = []
    for number in range(6):
        words = tuple(draw.integers(12, VOCABULARY, 4 + number).tolist())
        prompt = (*FRAME[0], *words, *FRAME[1]) if number % 2 == 0 else words
        target = tuple(draw.integers(2, VOCABULARY, 8 - number).tolist())
        made.append(EncodedExample(f"e{number}", (*prompt, *target), len(prompt)))
    return made


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("batch_tokens", [20, 500])
def test_each_example_is_measured_by_its_own_prompt(name, batch_tokens):
    loaded, chosen, retriever = random_model(), examples(), retriever_on("cpu", PRESETS[name])
    counts = target_counts(chosen)
    blocks = read_blocks(loaded, chosen, parse_key_kind("final-norm"), batch_tokens=batch_tokens)
    lm, (found,) = measure(loaded, blocks, [retriever], int(counts.sum()))
    own = np.repeat(np.arange(len(chosen)) % 2 == 0, counts)
    assert not found.searched[~own].any()
    assert found.searched[own].all()
    assert (found.weight[own] > 0).any()
    assert (found.weight[~own] == 0).all()
    assert (found.corrected.token[~own] == lm.token[~own]).all()
    # The LM's head is asked in batches of another shape where a preset looks back.
    np.testing.assert_allclose(found.corrected.log_prob[~own], lm.log_prob[~own], atol=1e-5)
    assert (found.corrected.log_prob[own] != lm.log_prob[own]).any()


def test_a_whole_set_of_another_kind_is_the_lms_alone():
    loaded, chosen, retriever = random_model(), examples(), retriever_on("cpu", PRESETS["mixture"])
    assert retriever.withhold_from(["a", "a a"]) is None
    assert "another kind" in (retriever.withhold_from(["strange", "b", "a"]) or "")
    blocks = read_blocks(loaded, chosen, parse_key_kind("final-norm"))
    lm, (found,) = measure(loaded, blocks, [retriever], int(target_counts(chosen).sum()))
    assert not found.searched.any()
    np.testing.assert_array_equal(found.corrected.log_prob, lm.log_prob)
