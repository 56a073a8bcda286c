"""Building the image from the package's own files, and knowing whether it is current."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import knm
from knm.errors import UserError, named
from knm.hashing import hash_bytes, hash_json
from knm.languages.language import load_language, runnable_names
from knm.sandbox.docker.engine import Engine, Image

IMAGE = "knm-sandbox"
BASE = "debian:12-slim"
IMPORTED_BASE = "knm-sandbox-base"
CONTEXT_LABEL = "knm.sandbox.context"
ENTRYPOINT = ["python3", "-I", "/opt/verifier", "/opt/verifier/languages"]

PACKAGE = Path(knm.__file__).parent
# The part of the package that needs the standard library alone.
SOURCES = (
    "__init__.py",
    "errors.py",
    "ondemand.py",
    "testcases.py",
    "languages/__init__.py",
    "languages/execution.py",
    "sandbox/*.py",
    "sandbox/jailed/*.py",
    "sandbox/jailed/*.lua",
)
MAIN = b"from knm.sandbox.container import main\n\nmain()\n"


def context_files() -> dict[str, bytes]:
    """The build context: the content of each file by its name."""
    sources = [path for pattern in SOURCES for path in sorted(PACKAGE.glob(pattern))]
    return {
        "Dockerfile": (PACKAGE / "sandbox" / "docker" / "Dockerfile").read_bytes(),
        "verifier/__main__.py": MAIN,
        **{f"verifier/knm/{path.relative_to(PACKAGE)}": path.read_bytes() for path in sources},
        **{
            f"verifier/languages/{name}.json": json.dumps(
                dict(load_language(name).execution.description)
            ).encode()
            for name in runnable_names()
        },
    }


def context_hash() -> str:
    """What an image that was built from this package's files says of itself."""
    return hash_json({name: hash_bytes(content) for name, content in context_files().items()})


def is_ours(image: Image) -> bool:
    """Whether our verifier is what an image runs, whatever the image is called."""
    return CONTEXT_LABEL in image.labels and list(image.entrypoint) == ENTRYPOINT


def is_current(image: Image) -> bool:
    """Whether an image of ours was built from the files that are here now."""
    return image.labels[CONTEXT_LABEL] == context_hash()


def build(engine: Engine, base: str, tag: str, say: Callable[[str], None]) -> Image:
    """Build our image.

    Args:
        engine: that builds.
        base: the image to begin with; it is pulled if it is not there.
        tag: what to call the image.
        say: is told what the engine says.

    Raises:
        UserError: the build failed.
    """
    labels = {
        "org.opencontainers.image.title": "kNM-LM bench sandbox",
        "org.opencontainers.image.version": knm.__version__,
        CONTEXT_LABEL: context_hash(),
    }
    with engine.calling("build the image"):
        messages = engine.api.build(
            fileobj=io.BytesIO(pack(context_files())),
            custom_context=True,
            tag=tag,
            buildargs={"BASE": base},
            labels=labels,
            # An engine without a bridge has no other network to fetch packages through.
            network_mode=None if engine.api.networks(names=["bridge"]) else "host",
            rm=True,
            forcerm=True,
            decode=True,
        )
        begun = False
        for message in messages:
            if "error" in message:
                raise UserError(failure_text(base, message["error"].strip(), begun=begun))
            text = message.get("stream", "")
            begun = begun or "--->" in text  # an image's id: that of the base is the first
            say(text)
    image = engine.image(tag)
    assert image is not None, "the engine has just built it"
    return image


def failure_text(base: str, reason: str, *, begun: bool) -> str:
    """Why a build failed, before or after it had begun on the base, and what helps."""
    if not begun:
        return (
            f"the base image {base} cannot be had ({reason}): name another that is there with "
            f"{named('base')}, or a root made by debootstrap with {named('rootfs')}"
        )
    return (
        f"the image could not be built ({reason}). If packages cannot be fetched, begin with a "
        f"root that holds them: {named('rootfs')}"
    )


def import_rootfs(engine: Engine, rootfs: Path) -> str:
    """Make a base image of a root directory, or of a tar file of one; its name.

    Raises:
        UserError: it cannot be read.
    """
    with open_rootfs(rootfs) as archive, engine.calling(f"import {rootfs}"):
        answer = engine.api.import_image(
            src=archive, repository=IMPORTED_BASE, tag="latest", stream_src=True
        )
    if "error" in answer:
        raise UserError(f"{named('rootfs')} {rootfs}: {answer}")
    return f"{IMPORTED_BASE}:latest"


@contextmanager
def open_rootfs(rootfs: Path) -> Iterator[IO[bytes]]:
    """The bytes of a tar archive of a root.

    Raises:
        UserError: there is no such thing, or not all of it can be read.
    """
    if rootfs.is_file():
        with rootfs.open("rb") as file:
            yield file
        return
    if not (rootfs / "bin").exists():
        raise UserError(
            f"{named('rootfs')} {rootfs}: neither the root of a system nor a tar file of one"
        )
    # What is mounted there, such as /proc, is no part of it.
    command = ["tar", "--numeric-owner", "--one-file-system", "-C", str(rootfs), "-c", "."]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as tar:
        assert tar.stdout is not None
        yield tar.stdout
    if tar.returncode:
        raise UserError(
            f"{named('rootfs')} {rootfs}: not all of it can be read (tar says why, above)"
        )


def pack(files: dict[str, bytes]) -> bytes:
    """A tar archive."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()
