from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from knm.engine import GenerationOptions, open_engine
from knm.engine.phases import Phase, recorded
from knm.records import Request, Sampling
from knm.retrieval import Retriever, resolve_preset
from tests.engine.random_models import HIDDEN, VOCABULARY, number_requests, random_model
from tests.retrieval.stores import store_of


class Notes:
    """Counts phases by what they lie in, and steps."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[Phase, ...]] = Counter()
        self.steps = 0
        self._open: tuple[Phase, ...] = ()

    @contextmanager
    def phase(self, name: Phase, steps: int) -> Iterator[None]:
        self._open += (name,)
        self.seen[self._open] += 1
        self.steps += steps
        yield
        self._open = self._open[:-1]


def test_every_kind_of_work_is_marked_and_nothing_is_written_otherwise():
    draw = np.random.default_rng(0)
    store = store_of(draw.standard_normal((40, HIDDEN)), draw.integers(2, VOCABULARY, 40))
    retriever = Retriever(store, resolve_preset("v1"))
    loaded, requests = random_model(), number_requests(3)
    requests.append(Request("drawn", requests[0].prompt, chat=False, sampling=Sampling(1.0)))

    def texts() -> list[str]:
        engine = open_engine(loaded, GenerationOptions(6, 2), retriever, notify=lambda line: None)
        return [done.text for done in engine.complete(requests)]

    unseen = texts()
    notes = Notes()
    with recorded(notes):
        assert texts() == unseen
    assert notes.seen[Phase.PREFILL,] >= 1
    assert notes.seen[Phase.DECODE, Phase.SEARCH] == notes.steps
    assert notes.steps >= 12  # four requests of six tokens in two slots
    assert notes.seen[Phase.DECODE, Phase.SAMPLE] >= 6
    before = notes.steps
    assert texts() == unseen
    assert notes.steps == before
