"""The sandbox whose programs run in containers."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

from knm.errors import named
from knm.sandbox.docker.containers import Container, Pool
from knm.sandbox.docker.conversation import ContainerLost
from knm.sandbox.docker.dialects import Dialect, OwnDialect, PlainDialect
from knm.sandbox.docker.engine import Engine, Image
from knm.sandbox.docker.flags import USER, describe_flags
from knm.sandbox.docker.image import IMAGE, is_current, is_ours
from knm.sandbox.docker.ownership import RUN, owner_labels
from knm.sandbox.local import ATTEMPTS, SandboxUnavailable
from knm.sandbox.types import Judgement, Limits, Verdict

if TYPE_CHECKING:
    from knm.languages.execution import Execution
    from knm.testcases import TestCase


class DockerSandbox:
    """Runs programs in a pool of warm containers; one that is lost is replaced.

    Unlike other sandboxes it may be used by several threads at once. Containers of earlier runs
    that are dead are removed when it is opened, its own when it is closed or this process ends.

    Args:
        language: of the programs.
        limits: per test.
        image: ours (under whatever name), or any that speaks the Agnostics protocol.
        size: of the pool.
        keep_io: see `Sandbox.judge`.

    Raises:
        SandboxUnavailable: there is no engine or no such image, or the image does not answer.
    """

    def __init__(
        self,
        language: Execution,
        limits: Limits,
        image: str = IMAGE,
        size: int = 1,
        *,
        keep_io: bool = False,
    ) -> None:
        self.language = language
        self.limits = limits
        self.keep_io = keep_io
        self.engine = Engine()
        self.engine.reap()
        self.image = find_image(self.engine, image)
        self.labels = owner_labels()
        self.pool = Pool(self.start, size)
        label = f"{RUN}={self.labels[RUN]}"
        self.shut_down = weakref.finalize(self, shut_down, self.engine, label, os.getpid())
        try:
            self.dialect, self.told = self.first_words()
        except BaseException:
            self.close()
            raise

    def judge(
        self,
        program: str,
        tests: Sequence[TestCase],
        *,
        limits: Limits | None = None,
        keep_io: bool | None = None,
    ) -> Judgement:
        """Run a program on tests until one fails. See `Sandbox.judge`."""
        if not tests:
            return Judgement(Verdict.BROKEN_PROBLEM, message="the problem has no tests")
        limits = limits or self.limits
        keep_io = self.keep_io if keep_io is None else keep_io
        trouble = ""
        for _ in range(ATTEMPTS):
            try:
                with self.pool.lend(limits) as container:
                    return self.dialect.judge(container, program, tests, limits, keep_io=keep_io)
            except (ContainerLost, SandboxUnavailable) as error:
                trouble = str(error)
        return Judgement(Verdict.SANDBOX_FAULT, message=trouble, tests_total=len(tests))

    def describe(self) -> dict[str, str]:
        """Backend, image, language, interpreter version, engine and limits, for the report."""
        limits = self.limits
        return {
            "backend": "docker",
            "image": self.image.name,
            "image_id": self.image.id,
            **({"image_digest": self.image.digest} if self.image.digest else {}),
            "engine": self.engine.version,
            "language": self.language.name,
            **self.told,
            "cpu_seconds": f"{limits.cpu_seconds:g}",
            "wall_seconds": f"{limits.wall_seconds:g}",
            "memory_bytes": str(limits.memory_bytes),
            "output_bytes": str(limits.output_bytes),
            **describe_flags(limits, self.dialect.user or "the image's own"),
        }

    def close(self) -> None:
        """Remove all containers. The next judgement would start another."""
        self.pool.close()
        self.engine.discard_labelled(f"{RUN}={self.labels[RUN]}")
        self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, limits: Limits) -> Container:
        """A new container, for programs within limits."""
        options = {**self.dialect.options(), "labels": self.labels, "hostname": "sandbox"}
        return Container(self.engine, self.image.id, limits, options)

    def first_words(self) -> tuple[Dialect, dict[str, str]]:
        """The dialect in which the image answers, and what it says of itself.

        Raises:
            SandboxUnavailable: it answers in none.
        """
        trouble = ""
        for dialect in self.dialects():
            self.dialect = dialect
            try:
                with self.pool.lend(self.limits) as container:
                    return dialect, dialect.describe(container)
            except ContainerLost as error:
                trouble = trouble or str(error)
        raise SandboxUnavailable(
            f"image {self.image.name} does not answer requests for {self.language.name}: {trouble}"
        )

    def dialects(self) -> Iterator[Dialect]:
        """Those to try, the strictest first: an image of others may insist on its own user."""
        if is_ours(self.image):
            yield OwnDialect(self.language)
            return
        yield PlainDialect(self.language, USER)
        yield PlainDialect(self.language, None)


def find_image(engine: Engine, name: str) -> Image:
    """The image to run, which is not pulled.

    Raises:
        SandboxUnavailable: it is not there, or not what it should be.
    """
    image = engine.image(name)
    if image is None:
        mend = "run `knm sandbox build`" if name == IMAGE else f"run `docker pull {name}`"
        raise SandboxUnavailable(
            f"image {name} is not there: {mend}, or use {named('sandbox')} local"
        )
    if is_ours(image):
        if not is_current(image):
            mend = "knm sandbox build" + ("" if name == IMAGE else f" --tag {name}")
            raise SandboxUnavailable(f"image {name} is out of date: run `{mend}`")
    elif name == IMAGE:
        raise SandboxUnavailable(
            f"image {name} is not one of ours: run `knm sandbox build`, or use it as docker:{name}"
        )
    return image


def shut_down(engine: Engine, label: str, owner: int) -> None:
    """Remove the containers of a sandbox that was not closed, when this process ends."""
    if os.getpid() == owner:  # and not a fork of it
        engine.discard_labelled(label)
