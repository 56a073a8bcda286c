from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.metrics.beams import search_beams
from knm.metrics.continuing import LMContinuation
from knm.metrics.measuring import measure
from knm.metrics.states import read_blocks, target_counts
from knm.models import EncodedExample, parse_key_kind
from knm.retrieval import PRESETS, Preset, Retriever, vary_preset
from tests.datastore.tiny import VOCAB, examples, mine_tiny, tiny_model

END = 0


class Chain:
    """Texts whose next token depends on the last one and on the case, as random tables say."""

    def __init__(self, tables: torch.Tensor) -> None:
        self.tables = tables  # (cases, V + 1, V): the last row is for a text that begins
        self.case = torch.arange(len(tables))
        self.last = torch.full((len(tables),), tables.shape[2])

    def log_probs(self):
        return self.tables[self.case, self.last]

    def extend(self, texts, tokens):
        self.case, self.last = self.case[texts], tokens


def tables(seed: int, cases: int, vocabulary: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (cases, vocabulary + 1, vocabulary)
    return (3 * torch.randn(shape, generator=generator)).double().log_softmax(-1)


def every_text(table: torch.Tensor, length: int):
    """All texts that end with `END` or after `length` tokens, and their log-probabilities."""
    vocabulary = table.shape[1]
    for tokens in product(range(vocabulary), repeat=length):
        cut = tokens.index(END) + 1 if END in tokens else length
        text = tokens[:cut]
        before = (vocabulary, *text[:-1])
        yield text, sum(float(table[a, b]) for a, b in zip(before, text, strict=True))


def search(chain, cases, beams, length):
    return search_beams(
        chain, cases, beams=beams, most_tokens=length, ends=lambda tokens: tokens[-1] == END
    )


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(1, 4), st.integers(1, 3))
def test_enough_beams_find_the_likeliest_of_all_texts(seed, vocabulary, length, cases):
    drawn = tables(seed, cases, vocabulary)
    found = search(Chain(drawn), cases, vocabulary**length, length)
    for table, (best, *_) in zip(drawn, found, strict=True):
        texts = dict(every_text(table, length))
        # Texts of the same steps in another order are equally likely.
        assert texts[best.tokens] == pytest.approx(max(texts.values()))
        assert best.log_prob == pytest.approx(texts[best.tokens])


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 6))
def test_one_beam_is_greedy(seed, vocabulary, length):
    (table,) = tables(seed, 1, vocabulary)
    ((beam,),) = search(Chain(table[None]), 1, 1, length)
    last: int = vocabulary
    greedy: list[int] = []
    while len(greedy) < length and END not in greedy:
        last = int(table[last].argmax())
        greedy.append(last)
    assert list(beam.tokens) == greedy
    assert beam.ended == (END in greedy)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_beams_are_ordered_and_different(seed, beams):
    (found,) = search(Chain(tables(seed, 1, 4)), 1, beams, 3)
    assert len({beam.tokens for beam in found}) == len(found)
    assert [b.log_prob for b in found] == sorted((b.log_prob for b in found), reverse=True)


PROMPTS = [EncodedExample(e.record_id, e.ids[:-2], e.target_start) for e in examples(5, seed=3)]


def test_one_beam_of_a_model_is_what_it_generates_greedily():
    loaded = tiny_model()
    found = search_beams(
        LMContinuation(loaded, PROMPTS),
        len(PROMPTS),
        beams=1,
        most_tokens=6,
        ends=lambda tokens: tokens[-1] == 1,
    )
    for prompt, (beam,) in zip(PROMPTS, found, strict=True):
        ids = torch.tensor([prompt.ids])
        written = loaded.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=6,
            do_sample=False,
            eos_token_id=1,
            pad_token_id=0,
        )
        assert list(beam.tokens) == written[0, ids.shape[1] :].tolist()


def test_beams_of_a_model_find_the_likeliest_two_tokens():
    loaded = tiny_model()
    found = search_beams(
        LMContinuation(loaded, PROMPTS[:2]),
        2,
        beams=VOCAB,
        most_tokens=2,
        ends=lambda tokens: False,
    )
    for prompt, (best, *_) in zip(PROMPTS[:2], found, strict=True):
        ids = torch.tensor([(*prompt.ids, token) for token in range(VOCAB)])
        with torch.inference_mode():
            logits = loaded.model(ids).logits.log_softmax(-1)
        pairs = logits[0, -2][:, None] + logits[:, -1]
        assert divmod(int(pairs.argmax()), VOCAB) == best.tokens
        assert best.log_prob == pytest.approx(float(pairs.max()), abs=1e-4)


@pytest.mark.parametrize(
    "preset",
    [
        Preset("static", weight=0.6, temperature=5.0, k=4),
        vary_preset(
            PRESETS["bayes"], {"temperature": 5.0, "weight_options": {"window": 3}}, "bayes"
        ),
    ],
    ids=lambda preset: preset.name,
)
def test_a_continuation_says_what_teacher_forcing_says(tmp_path, preset):
    loaded = tiny_model()
    retriever = Retriever(mine_tiny(tmp_path / "store"), preset)
    whole = examples(5, seed=3)
    blocks = read_blocks(loaded, whole, parse_key_kind("final-norm"))
    _, (measured,) = measure(loaded, blocks, [retriever], int(target_counts(whole).sum()))
    ends = target_counts(whole).cumsum()

    prompts = [EncodedExample(e.record_id, e.ids[:-2], e.target_start) for e in whole]
    continuation = LMContinuation(loaded, prompts, retriever)
    backwards = torch.arange(len(whole)).flip(0)
    for place in (2, 1):
        right = torch.tensor([example.ids[-place] for example in whole])
        said = continuation.log_probs()
        if place == 1:
            right = right[backwards]
        said = said[torch.arange(len(whole)), right]
        expected = torch.from_numpy(measured.corrected.log_prob[ends - place]).float()
        if place == 1:
            expected = expected[backwards]
        torch.testing.assert_close(said, expected, atol=1e-4, rtol=1e-4)
        # The texts change places as they go on.
        continuation.extend(backwards, right[backwards])
