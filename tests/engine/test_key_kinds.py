import pytest
import torch

from knm.datastore import MiningOptions, mine
from knm.engine import GenerationOptions, PlainEngine
from knm.models import EncodedExample
from knm.records import Request
from knm.retrieval import Correction, DecodingContext, LMOutput, Retriever, resolve_preset
from tests.engine.random_models import DEVICES, HIDDEN, KINDS, number_requests, random_model
from tests.engine.test_slots import by_id, engine_of

KEY_KINDS = [
    "final-norm",
    "last-layer",
    "last-mlp-input",
    "layer-1",
    "final-norm+layer-2+last-mlp-input",
]
TOKENS = 12


class Recorder(Retriever):
    """Keeps the rows that it is asked about."""

    asked: list[torch.Tensor]

    def correct(
        self,
        hidden: torch.Tensor,
        lm: LMOutput,
        context: DecodingContext | None = None,
        admitted: torch.Tensor | None = None,
    ) -> Correction:
        self.asked.append(hidden.detach().clone())
        return super().correct(hidden, lm, context, admitted)


def mined_answer(loaded, kind, tmp_path, answer=None):
    """A request, and a datastore of its prompt and `answer` (default: what the model answers)."""
    request = number_requests(1, longest=20)[0]
    if answer is None:
        (done,) = engine_of(loaded, tokens=TOKENS).complete([request])
        answer = done.text
    prompt = [int(word) for word in request.prompt.split()]
    ids = (*prompt, *map(int, answer.split()), 1)
    example = EncodedExample("text", ids, len(prompt))
    options = MiningOptions(key_kind=kind, key_dtype="bfloat16")
    store = mine(loaded, [example], tmp_path, options, corpus_hash="corpus")
    return request, store


@pytest.mark.parametrize("architecture", KINDS)
@pytest.mark.parametrize("kind", KEY_KINDS)
def test_queries_are_the_keys_that_were_mined_from_the_same_text(architecture, kind, tmp_path):
    loaded = random_model(architecture)
    request, store = mined_answer(loaded, kind, tmp_path)
    retriever = Recorder(store, resolve_preset("v1", lmbda=0.0))
    retriever.asked = []
    engine_of(loaded, tokens=TOKENS, retriever=retriever).complete([request])
    steps = len(store) - 1
    queries = torch.stack([rows[0] for rows in retriever.asked])[:steps].float().cpu()
    keys = torch.from_numpy(store.read_keys(slice(0, steps)))
    assert keys.shape == (steps, HIDDEN * len(kind.split("+")))
    torch.testing.assert_close(queries, keys, rtol=0.01, atol=0.02)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", KEY_KINDS)
def test_a_text_that_was_mined_is_found_and_written(kind, device, tmp_path):
    loaded = random_model(device=device)
    answer = " 4 8 15 16 23 42 8 15 4"
    request, store = mined_answer(loaded, kind, tmp_path, answer)
    preset = resolve_preset("v1", lmbda=0.99, temperature=1e-3)
    retriever = Retriever(store, preset, device=device)
    (done,) = engine_of(loaded, tokens=TOKENS, retriever=retriever).complete([request])
    assert (done.text, done.finish_reason) == (answer, "stop")


@pytest.mark.parametrize("kind", KEY_KINDS[1:])
def test_weight_0_is_the_baseline_by_any_key(kind, tmp_path):
    loaded = random_model()
    _, store = mined_answer(loaded, kind, tmp_path)
    requests = number_requests(4)
    plain = engine_of(loaded).complete(requests)
    zero = engine_of(loaded, retriever=Retriever(store, resolve_preset("v1", lmbda=0.0)))
    assert [done.text for done in zero.complete(requests)] == [done.text for done in plain]


@pytest.mark.parametrize("kind", KEY_KINDS[1:])
def test_both_engines_correct_alike_by_any_key(kind, tmp_path):
    loaded = random_model()
    _, store = mined_answer(loaded, kind, tmp_path)
    retriever = Retriever(store, resolve_preset("v1", lmbda=0.8, temperature=50.0))
    requests = [*number_requests(2), Request("short", "7 9", chat=False)]
    ours = by_id(engine_of(loaded, tokens=TOKENS, retriever=retriever).complete(requests))
    plain = PlainEngine(loaded, GenerationOptions(TOKENS), retriever)
    theirs = by_id(plain.complete(requests))
    assert {name: done[:3] for name, done in ours.items()} == {
        name: done[:3] for name, done in theirs.items()
    }
    assert any(done[3].argmax_changes for done in ours.values())
