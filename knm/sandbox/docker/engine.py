"""The few calls of the Docker engine that are needed, and errors that a user can mend."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from knm.errors import named
from knm.sandbox.docker.ownership import MARK, is_leftover
from knm.sandbox.local import SandboxUnavailable

TIMEOUT_SECONDS = 300.0
DEFAULT_PLACE = "unix:///var/run/docker.sock"
ALTERNATIVES = f"start one, or name another in DOCKER_HOST, or use {named('sandbox')} local"


@dataclass(frozen=True)
class Image:
    """What is known of an image."""

    name: str
    id: str
    digest: str
    labels: Mapping[str, str]
    entrypoint: Sequence[str]


class Attachment:
    """The connection to a container's streams."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.connection: socket.socket = getattr(stream, "_sock", stream)

    def close(self) -> None:
        """End the connection, which ends the container's standard input."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        response = getattr(self.stream, "_response", None)  # owns the stream, in some transports
        if response is not None:
            response.close()
        self.stream.close()
        self.connection.close()


class Engine:
    """A connection to the Docker engine that the environment names.

    One call at a time: the client's connections are not made for several threads.

    Raises:
        SandboxUnavailable: none answers there.
    """

    def __init__(self) -> None:
        import docker

        self.lock = threading.RLock()
        self.errors = docker.errors
        try:
            self.api = docker.from_env(timeout=TIMEOUT_SECONDS).api
            # The client keeps connections by the path asked for, and each container has its own.
            self.api.headers["Connection"] = "close"
            self.version: str = self.api.version()["Version"]
        except (docker.errors.DockerException, OSError) as error:
            place = os.environ.get("DOCKER_HOST") or DEFAULT_PLACE
            raise SandboxUnavailable(
                f"no Docker engine answers at {place} ({error}): {ALTERNATIVES}"
            ) from None

    @contextlib.contextmanager
    def calling(self, what: str) -> Iterator[None]:
        """Call alone, and turn the engine's errors into those of the sandbox."""
        with self.lock:
            try:
                yield
            except (self.errors.DockerException, OSError) as error:
                reason = getattr(error, "explanation", None) or error
                raise SandboxUnavailable(f"the Docker engine could not {what}: {reason}") from None

    def image(self, name: str) -> Image | None:
        """The image of that name, if it is there. It is never pulled."""
        with self.calling(f"look for image {name}"):
            try:
                data = self.api.inspect_image(name)
            except self.errors.ImageNotFound:
                return None
        config = data["Config"]
        return Image(
            name,
            data["Id"],
            next(iter(data.get("RepoDigests") or ()), ""),
            config.get("Labels") or {},
            config.get("Entrypoint") or (),
        )

    def create(self, image: str, options: Mapping[str, Any], host: Mapping[str, Any]) -> str:
        """Make a container with an open standard input that ends with the first client."""
        with self.calling("make a container"):
            host_config = self.api.create_host_config(**host)
            made = self.api.create_container(
                image, stdin_open=True, use_config_proxy=False, host_config=host_config, **options
            )
        return str(made["Id"])

    def attach(self, container: str) -> Attachment:
        """Connect to the streams of a container that has not been started yet."""
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        with self.calling("attach to a container"):
            return Attachment(self.api.attach_socket(container, params=streams))

    def start(self, container: str) -> None:
        """Start a container."""
        with self.calling("start a container"):
            self.api.start(container)

    def remove(self, container: str) -> None:
        """Kill and remove a container, which may be on its way already."""
        with self.calling("remove a container"):
            try:
                self.api.remove_container(container, force=True, v=True)
            except self.errors.APIError as error:
                if error.status_code not in {404, 409}:
                    raise

    def containers(self, label: str) -> dict[str, dict[str, str]]:
        """The labels of each container, running or not, that has `label`."""
        with self.calling("list containers"):
            found = self.api.containers(all=True, filters={"label": label})
        return {entry["Id"]: entry["Labels"] for entry in found}

    def discard(self, containers: Iterable[str]) -> None:
        """Remove each container that can be removed; others are left to a later `reap`."""
        for container in containers:
            with contextlib.suppress(SandboxUnavailable):
                self.remove(container)

    def discard_labelled(self, label: str) -> None:
        """Remove every container that has `label`."""
        with contextlib.suppress(SandboxUnavailable):
            self.discard(self.containers(label))

    def reap(self) -> None:
        """Remove what dead runs have left behind."""
        found = self.containers(MARK)
        self.discard(name for name, labels in found.items() if is_leftover(labels))

    def close(self) -> None:
        """Close the connections."""
        self.api.close()
