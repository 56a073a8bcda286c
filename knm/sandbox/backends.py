"""The registry of sandboxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from knm.errors import UserError
from knm.languages.execution import Execution
from knm.sandbox.local import LocalSandbox
from knm.sandbox.types import Limits, Sandbox
from knm.sandbox.worker import Jail


@dataclass(frozen=True)
class Backend:
    """How sandboxes of one kind are opened, and what may follow its name after a colon."""

    open: Callable[[Execution, Limits, str], Sandbox]
    detail: str | None = None


def open_local(language: Execution, limits: Limits, _: str) -> Sandbox:
    """A jail on this host."""
    return LocalSandbox(language, limits, Jail.NAMESPACES)


def open_unsafe(language: Execution, limits: Limits, _: str) -> Sandbox:
    """No jail."""
    return LocalSandbox(language, limits, Jail.NONE)


def open_docker(language: Execution, limits: Limits, image: str) -> Sandbox:
    """Containers of an image, ours if none is named."""
    from knm.sandbox.docker.backend import DockerSandbox  # not where there is no docker package
    from knm.sandbox.docker.image import IMAGE

    return DockerSandbox(language, limits, image or IMAGE)


BACKENDS = {
    "local": Backend(open_local),
    "unsafe": Backend(open_unsafe),
    "docker": Backend(open_docker, "IMAGE"),
}


def open_sandbox(
    spec: str = "local", *, language: str = "lua", limits: Limits | None = None
) -> Sandbox:
    """Open the sandbox that `spec` names.

    Args:
        spec: `local` (a jail on this host), `docker` (containers of our image), `docker:IMAGE`
            (of any that speaks the Agnostics protocol) or `unsafe` (no jail, for debugging).
        language: a name that `knm.languages.language.runnable_names` lists, or the path of a YAML
            file.
        limits: per test; the defaults of `Limits` if none are given.

    Raises:
        SandboxUnavailable: the system denies what the backend needs.
        UserError: there is no such backend or language, or nothing says how its programs are run.
    """
    name, colon, detail = spec.partition(":")
    from knm.languages.language import load_language  # a container has no descriptions to find

    backend = BACKENDS.get(name)
    if backend is None or bool(colon) > bool(backend.detail and detail):
        raise UserError(f"unknown sandbox {spec!r}; choose from {', '.join(backend_names())}")
    return backend.open(load_language(language).execution, limits or Limits(), detail)


def backend_names() -> list[str]:
    """What `open_sandbox` accepts."""
    plain = sorted(BACKENDS)
    return plain + [f"{name}:{BACKENDS[name].detail}" for name in plain if BACKENDS[name].detail]
