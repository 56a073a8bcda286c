"""Marks in the engine's work for whoever measures where its time goes; else they do nothing."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import StrEnum
from typing import Final, Protocol


class Phase(StrEnum):
    """A kind of work. `SEARCH` and `SAMPLE` are parts of a step, `CAPTURE` of what first needs it.

    `SEARCH` is all that a retriever does to logits; `CAPTURE` records a GPU's graphs.
    """

    PREFILL = "prefill"
    DECODE = "decode"
    SEARCH = "search"
    SAMPLE = "sample"
    CAPTURE = "capture"


class Recorder(Protocol):
    """Who measures."""

    def phase(self, name: Phase, steps: int) -> AbstractContextManager[None]:
        """Work of a phase: what runs inside. `steps` are those that decoding takes there."""
        ...


_NOBODY: Final = nullcontext()
_recorder: Recorder | None = None


def phase(name: Phase, steps: int = 0) -> AbstractContextManager[None]:
    """Mark what runs inside; phases may lie within each other."""
    return _NOBODY if _recorder is None else _recorder.phase(name, steps)


@contextmanager
def recorded(recorder: Recorder) -> Iterator[None]:
    """Let `recorder` measure the engines of this process meanwhile."""
    global _recorder
    before, _recorder = _recorder, recorder
    try:
        yield
    finally:
        _recorder = before
