import threading
import time

import pytest

from knm.engine import Event
from knm.records import Request
from knm.serving.errors import EngineFailed, QueueFull
from knm.serving.loop import EngineLoop
from tests.serving.scripted import ScriptedEngine


class Inbox:
    """Gathers the events of one subscription."""

    def __init__(self, expected: int) -> None:
        self.events: list[tuple[int, Event]] = []
        self._missing = expected
        self._done = threading.Event()

    def __call__(self, place: int, event: Event) -> None:
        self.events.append((place, event))
        if event.completion is not None or event.error is not None:
            self._missing -= 1
            if not self._missing:
                self._done.set()

    def wait_for(self, count: int) -> None:
        give_up = time.monotonic() + 10
        while len(self.events) < count:
            assert time.monotonic() < give_up
            time.sleep(0.001)

    def texts(self) -> dict[int, str]:
        assert self._done.wait(10)
        return {place: event.completion.text for place, event in self.events if event.completion}

    def errors(self) -> list[Exception]:
        assert self._done.wait(10)
        return [event.error for _, event in self.events if event.error]


def requests(*prompts: str) -> list[Request]:
    return [Request(prompt, prompt, max_new_tokens=3) for prompt in prompts]


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def loop(engine):
    running = EngineLoop(engine.opened, capacity=4)
    yield running
    engine.gate.set()
    running.close()


def test_nothing_is_opened_before_it_is_needed(loop):
    assert loop.status == "unloaded"
    inbox = Inbox(1)
    loop.submit(requests("a"), inbox)
    inbox.texts()
    assert loop.status == "ready"


def test_each_request_gets_its_own_completion(loop):
    inbox = Inbox(3)
    loop.submit(requests("a", "b", "c"), inbox)
    assert inbox.texts() == {0: "a 0 1 2", 1: "b 0 1 2", 2: "c 0 1 2"}


def test_equal_requests_are_decoded_once_and_answered_each(loop, engine):
    engine.gate.clear()
    inboxes = [Inbox(2), Inbox(1)]
    loop.submit(requests("a", "b"), inboxes[0])
    loop.submit(requests("b"), inboxes[1])
    engine.gate.set()
    assert inboxes[0].texts()[1] == inboxes[1].texts()[0] == "b 0 1 2"
    assert len(engine.submitted) == 2


def test_who_comes_late_gets_the_text_from_its_beginning(loop, engine):
    first = Inbox(1)
    loop.submit([Request("a", "a", max_new_tokens=100_000)], first)
    first.wait_for(1)
    late = Inbox(1)
    subscription = loop.submit([Request("a", "a", max_new_tokens=100_000)], late)
    late.wait_for(3)
    loop.withdraw(subscription)
    assert late.events[0][1].text.startswith("a 0")


def test_what_nobody_waits_for_any_more_is_cancelled(loop, engine):
    engine.gate.clear()
    kept = Inbox(1)
    loop.submit(requests("a"), kept)
    gone = loop.submit(requests("a", "b"), Inbox(2))
    loop.withdraw(gone)
    engine.gate.set()
    assert kept.texts() == {0: "a 0 1 2"}
    assert loop.pending == 0
    assert loop.counters.cancelled == 1


def test_what_is_withdrawn_on_its_way_to_the_engine_is_cancelled_there(loop, engine):
    kept, entering, go_on = Inbox(1), threading.Event(), threading.Event()
    submit_all = engine.submit_all

    def slowly(asked, **how):
        entering.set()
        assert go_on.wait(10)
        return submit_all(asked, **how)

    engine.submit_all = slowly
    gone = loop.submit(requests("a", "refuse"), Inbox(2))
    assert entering.wait(10)
    loop.submit(requests("b"), kept)  # while prompts are turned into tokens nobody waits
    loop.withdraw(gone)
    assert loop.pending == 1
    go_on.set()
    assert kept.texts() == {0: "b 0 1 2"}
    assert engine.cancelled == [1]
    assert loop.status == "ready"


def test_more_than_the_capacity_is_refused_as_a_whole(loop, engine):
    engine.gate.clear()
    inbox = Inbox(3)
    loop.submit(requests("a", "b", "c"), inbox)
    with pytest.raises(QueueFull):
        loop.submit(requests("d", "e"), Inbox(2))
    engine.gate.set()
    assert len(inbox.texts()) == 3


def test_a_refused_request_leaves_the_others_alone(loop):
    inbox = Inbox(2)
    loop.submit(requests("refuse", "b"), inbox)
    assert [str(error) for error in inbox.errors()] == ["the prompt is empty"]
    assert inbox.texts() == {1: "b 0 1 2"}


def test_a_dead_engine_ends_everything_at_once_and_takes_nothing_more(loop, engine):
    engine.gate.clear()
    inbox = Inbox(2)
    loop.submit(requests("a", "die"), inbox)
    engine.gate.set()
    assert all(isinstance(error, EngineFailed) for error in inbox.errors())
    assert len(inbox.errors()) == 2
    assert loop.status == "failed"
    with pytest.raises(EngineFailed, match="CUDA error"):
        loop.submit(requests("b"), Inbox(1))


def test_an_engine_that_cannot_be_opened_is_a_dead_one():
    def fail():
        raise RuntimeError("no memory")

    loop = EngineLoop(fail, capacity=4)
    inbox = Inbox(1)
    loop.submit(requests("a"), inbox)
    assert "no memory" in str(inbox.errors()[0])
    with pytest.raises(EngineFailed, match="no memory"):
        loop.open()
