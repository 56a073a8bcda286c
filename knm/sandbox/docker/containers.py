"""A warm container, and a pool of them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from knm.sandbox.docker.conversation import Conversation
from knm.sandbox.docker.engine import Engine
from knm.sandbox.docker.flags import host_options, widest
from knm.sandbox.types import Limits


class Container:
    """A running container that answers requests. Not for several threads at once.

    Args:
        engine: that runs it.
        image: its image.
        limits: the widest that a program in it may be given.
        options: further arguments of `create_container`.

    Raises:
        SandboxUnavailable: the engine refuses.
    """

    def __init__(
        self, engine: Engine, image: str, limits: Limits, options: Mapping[str, Any]
    ) -> None:
        self.engine = engine
        self.limits = limits
        self.id = engine.create(image, options, host_options(limits))
        try:
            # Attached first, so that nothing which it says is missed.
            self.attachment = engine.attach(self.id)
            engine.start(self.id)
        except BaseException:
            engine.discard([self.id])
            raise
        self.conversation = Conversation(self.attachment.connection)

    def ask(self, line: bytes, seconds: float) -> bytes:
        """Send one line and return the answer.

        Raises:
            ContainerLost: it did not come in time, or not properly.
        """
        return self.conversation.ask(line, time.monotonic() + seconds)

    def close(self) -> None:
        """Hang up and remove the container."""
        self.attachment.close()
        self.engine.discard([self.id])


class Pool:
    """Warm containers, made when they are needed, at most `size` at a time.

    Args:
        start: makes a container for programs within limits.
        size: how many threads can hold one at once; others wait.
    """

    def __init__(self, start: Callable[[Limits], Container], size: int) -> None:
        self.start = start
        self.slots = threading.Semaphore(size)
        self.idle: list[Container] = []
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def lend(self, limits: Limits) -> Iterator[Container]:
        """A container for programs within limits. It is not used again after an exception."""
        with self.slots:
            container = self.take(limits)
            try:
                yield container
            except BaseException:
                container.close()
                raise
            with self.lock:
                self.idle.append(container)

    def take(self, limits: Limits) -> Container:
        """An idle container, or a new one."""
        with self.lock:
            container = self.idle.pop() if self.idle else None
        if container is None:
            return self.start(limits)
        wide = widest(container.limits, limits)
        if wide == container.limits:
            return container
        container.close()
        return self.start(wide)

    def close(self) -> None:
        """Remove the idle containers. A later `lend` would make others."""
        with self.lock:
            idle, self.idle = self.idle, []
        for container in idle:
            container.close()
