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
    """How sandboxes of one kind are opened, and what may follow its name after a colon.

    To open one takes the language, the limits, what follows the name, and `keep_io`.
    """

    open: Callable[[Execution, Limits, str, bool], Sandbox]
    detail: str | None = None


def open_local(language: Execution, limits: Limits, _: str, keep_io: bool) -> Sandbox:
    """A jail on this host."""
    return LocalSandbox(language, limits, Jail.NAMESPACES, keep_io=keep_io)


def open_unsafe(language: Execution, limits: Limits, _: str, keep_io: bool) -> Sandbox:
    """No jail."""
    return LocalSandbox(language, limits, Jail.NONE, keep_io=keep_io)


def open_docker(language: Execution, limits: Limits, image: str, keep_io: bool) -> Sandbox:
    """Containers of an image, ours if none is named."""
    from knm.sandbox.docker.backend import DockerSandbox  # not where there is no docker package
    from knm.sandbox.docker.image import IMAGE

    return DockerSandbox(language, limits, image or IMAGE, keep_io=keep_io)


BACKENDS = {
    "local": Backend(open_local),
    "unsafe": Backend(open_unsafe),
    "docker": Backend(open_docker, "IMAGE"),
}


def open_sandbox(
    spec: str = "local",
    *,
    language: str = "lua",
    limits: Limits | None = None,
    keep_io: bool = False,
) -> Sandbox:
    """Open the sandbox that `spec` names.

    Args:
        spec: `local` (a jail on this host), `docker` (containers of our image), `docker:IMAGE`
            (of any that speaks the Agnostics protocol) or `unsafe` (no jail, for debugging).
        language: a name that `knm.languages.language.runnable_names` lists, or the path of a YAML
            file.
        limits: per test; the defaults of `Limits` if none are given.
        keep_io: whether judgements hold what a failing test read and wrote as a whole, and not its
            beginning alone.

    Raises:
        SandboxUnavailable: the system denies what the backend needs.
        UserError: there is no such backend or language, or nothing says how its programs are run.
    """
    backend, execution, detail = find_sandbox(spec, language)
    return backend.open(execution, limits or Limits(), detail, keep_io)


def find_sandbox(spec: str, language: str) -> tuple[Backend, Execution, str]:
    """What `open_sandbox` opens: the kind, what it runs, and what follows the kind's name.

    Raises:
        UserError: there is no such backend or language, or nothing says how its programs are run.
    """
    name, colon, detail = spec.partition(":")
    from knm.languages.language import load_language  # a container has no descriptions to find

    backend = BACKENDS.get(name)
    if backend is None or bool(colon) > bool(backend.detail and detail):
        raise UserError(f"unknown sandbox {spec!r}; choose from {', '.join(backend_names())}")
    return backend, load_language(language).execution, detail


def backend_names() -> list[str]:
    """What `open_sandbox` accepts."""
    plain = sorted(BACKENDS)
    return plain + [f"{name}:{BACKENDS[name].detail}" for name in plain if BACKENDS[name].detail]
