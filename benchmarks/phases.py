"""Where an engine's time goes: recorders of `knm.engine.phases`, by the host's clock or a GPU's."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from knm.engine.phases import Phase


class HostClock:
    """Seconds of each phase, without those of the phases inside it."""

    def __init__(self) -> None:
        self.seconds: defaultdict[Phase, float] = defaultdict(float)
        self.steps = 0
        self._inside = [0.0]  # seconds of phases within each open one

    @contextmanager
    def phase(self, name: Phase, steps: int) -> Iterator[None]:
        """Measure what runs inside."""
        self.steps += steps
        self._inside.append(0.0)
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - started
            self.seconds[name] += spent - self._inside.pop()
            self._inside[-1] += spent

    def start(self, *, parted: bool = False) -> None:  # noqa: ARG002
        """Forget what was measured."""
        self.seconds.clear()
        self.steps = 0

    def finish(self) -> None:
        """Everything is known at once."""


@dataclass(frozen=True)
class _Span:
    """Between two events of a stream: a phase, inside another or none."""

    name: Phase
    within: Phase | None
    start: Any
    end: Any


class DeviceClock:
    """The same by events in the GPU's stream, which nobody waits for.

    What lies within captured graphs leaves times of its last replay alone. With `parted` the device
    is therefore waited for after every run of steps, the times of its last step are read and
    multiplied. That slows the run: only the shares of a step count then. Of several graphs with the
    same phase the one captured last counts, so a parted run takes one kind of step.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[Phase, float] = defaultdict(float)
        self.steps = 0
        self.parted = False
        self._open: list[Phase] = []
        self._spans: list[_Span] = []
        self._captured: dict[Phase, _Span] = {}
        self._kept: list[_Span] = []  # every graph records its events, whether read or not

    @contextmanager
    def phase(self, name: Phase, steps: int) -> Iterator[None]:
        """Put events around what runs inside."""
        capturing = torch.cuda.is_current_stream_capturing()
        if Phase.CAPTURE in self._open and not capturing:  # trials before a capture
            yield
            return
        within = self._open[-1] if self._open else None
        span = _Span(name, within, _event(external=capturing), _event(external=capturing))
        self.steps += steps
        self._open.append(name)
        span.start.record()
        try:
            yield
        finally:
            span.end.record()
            self._open.pop()
        if capturing:
            self._captured[name] = span
            self._kept.append(span)
        else:
            self._spans.append(span)
        if self.parted and name is Phase.DECODE:
            torch.cuda.synchronize()
            for part in self._captured.values():
                self._add(part, steps)

    def start(self, *, parted: bool = False) -> None:
        """Forget what was measured, not what is in the graphs."""
        self.seconds.clear()
        self._spans.clear()
        self.steps, self.parted = 0, parted

    def finish(self) -> None:
        """Wait for the device and read the events."""
        torch.cuda.synchronize()
        for span in self._spans:
            self._add(span)
        self._spans.clear()

    def _add(self, span: _Span, times: int = 1) -> None:
        spent = span.start.elapsed_time(span.end) * times / 1e3
        self.seconds[span.name] += spent
        within = Phase.DECODE if span is self._captured.get(span.name) else span.within
        if within is not None:
            self.seconds[within] -= spent


def _event(*, external: bool) -> Any:
    """An event with a time; within a graph it is recorded at each replay."""
    if external:
        return torch.cuda.Event(enable_timing=True, external=True)  # type: ignore[no-untyped-call]
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]


Clock = HostClock | DeviceClock


def clock_of(device: torch.device) -> Clock:
    """The clock for engines on a device."""
    return DeviceClock() if device.type == "cuda" else HostClock()
