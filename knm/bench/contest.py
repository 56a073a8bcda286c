"""The datastore of the packaged contest programs, mined for the LM that it is first asked for with.

The programs are a LM's own that passed, each with a statement that a LM wrote of the program alone
(`knm/embedded/corpora/lua_contest/README.md`). Hidden states are a model's own, so each model has
its own datastore, in each template, and one for each problem set that some of the programs are left
out for.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from knm.errors import UserError, named
from knm.options import EngineOptions, RunOptions, ServedEngineOptions
from knm.packaged import CONTEST, CONTEST_PRESET, CONTEST_PROGRAMS
from knm.problems.records import STDIN

if TYPE_CHECKING:
    from knm.corpora import Decontamination
    from knm.engine import EngineSetup
    from knm.models import ModelIdentity, Placement

_PROMPT: Final = "contest"
"""The template where who asks has none, or one of its own, as a server's clients."""

_OF_A_LAUNCHER: Final = frozenset({"RANK", "LOCAL_RANK", "WORLD_SIZE"})
"""What would make mining wait for other processes."""


def objection_to_contest(options: RunOptions) -> str | None:
    """Why the packaged programs are of no use to a run; None if they may be.

    Raises:
        UserError: there is no such language or template.
    """
    from knm.languages.language import DEFAULT_LANGUAGE, language_prompt
    from knm.problems import load_template

    if language_prompt(options.language).fence != language_prompt(DEFAULT_LANGUAGE).fence:
        return f"the packaged programs are Lua, and {named('language')} is {options.language}"
    template = load_template(options.prompt)
    if not template.chat or template.kind not in (None, STDIN):
        return (
            "the packaged programs are answers to a chat that asks for whole programs, and "
            f"{named('prompt')} {template.name} is no such"
        )
    return None


def programs_of(problems: str, corpus: Path = CONTEST_PROGRAMS) -> "Decontamination":
    """Which of the programs a problem set asks for.

    Raises:
        UserError: the problem set cannot be read.
    """
    from knm.corpora import decontaminate_stream, stream_corpus
    from knm.problems import load_problems

    return decontaminate_stream(stream_corpus(corpus), load_problems(problems))


def contest_store(
    options: EngineOptions | ServedEngineOptions,
    identity: "ModelIdentity",
    placement: "Placement",
    datastores: Path,
    corpus: Path = CONTEST_PROGRAMS,
) -> tuple[Path, tuple[str, ...]]:
    """Where the datastore for a model and a run lies, and the arguments of `knm mine` that fill it.

    Its name tells it from those of others; of problem sets that ask for none of the programs all
    have the same.

    Raises:
        UserError: the run asks for other programs, or its template or problem set cannot be read.
    """
    from knm.corpora import summarize_corpus
    from knm.hashing import hash_json
    from knm.problems import load_template

    prompt, without = _PROMPT, None
    leaving_out: tuple[str, ...] = ("--no-decontaminate",)
    if isinstance(options, RunOptions):
        objection = objection_to_contest(options)
        if objection is not None:
            raise UserError(
                f"{named('knn')}: {objection}: mine a datastore of your own with `knm mine` and "
                f"name it with {named('datastore')}"
            )
        prompt = options.prompt
        asked = programs_of(options.problems, corpus)
        if asked.removed:
            leaving_out, without = ("--problems", options.problems), asked.problem_set_hash
    told = hash_json(
        [
            identity.weights_hash,
            identity.tokenizer_hash,
            identity.config_hash,
            identity.dtype,
            load_template(prompt).content_hash,
            summarize_corpus(corpus).content_hash,
            without,
        ]
    )
    return (
        datastores / f"{CONTEST}-{Path(identity.name).name}-{told[:8]}",
        (
            *("--model", options.model, "--corpus", str(corpus), "--prompt", prompt),
            *("--knn-preset", CONTEST_PRESET, "--dtype", placement.dtype),
            *("--device", placement.device, *leaving_out),
        ),
    )


def ensure_mined(setup: "EngineSetup", notify: Callable[[str], None]) -> None:
    """Mine or resume the datastore of a setup by its `mining` unless it is there; say so first.

    A process of its own does it, so that the memory of the device is free afterwards.

    Raises:
        UserError: mining failed; the message has what was said.
    """
    directory = setup.datastore
    assert directory is not None
    if _finished(directory):
        return
    notify(
        f"mining the packaged contest programs with {setup.model} into {directory}, once: half a "
        "minute on a GPU, on a CPU as long as reading two million tokens takes it"
    )
    shown = sys.stderr.isatty()  # then its progress bar is seen
    done = subprocess.run(
        [sys.executable, "-m", "knm.cli", "mine", *setup.mining, "--out", str(directory)],
        stdout=subprocess.DEVNULL,
        stderr=None if shown else subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name not in _OF_A_LAUNCHER},
        text=True,
        errors="replace",
    )
    if done.returncode == 0 or _finished(directory):  # another run may have been faster
        return
    said = "what it said stands above" if shown else done.stderr.strip()[-2000:]
    again = f"; to begin anew, remove {directory}" if directory.exists() else ""
    raise UserError(f"mining the packaged contest programs failed: {said}{again}")


def _finished(directory: Path) -> bool:
    from knm.datastore import Manifest

    with suppress(UserError):
        return Manifest.load(directory).finished
    return False
