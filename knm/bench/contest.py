"""The datastore of the packaged contest programs, mined for the LM that it is first asked for with.

The programs are a LM's own that passed, each with a statement that a LM wrote of the program alone
(`knm/embedded/corpora/lua_contest/README.md`). Hidden states are a model's own, so each model has
its own datastore, in each template and for each problem set that some of the programs are left out
for.
"""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from knm.errors import UserError, named
from knm.options import EngineOptions, RunOptions, ServedEngineOptions
from knm.packaged import CONTEST, CONTEST_PROGRAMS
from knm.problems.records import STDIN

if TYPE_CHECKING:
    from knm.engine import EngineSetup
    from knm.models import ModelIdentity, Placement

PRESET: Final = "residual"
"""What it is searched by if nobody says: the one that was made for a LM's own programs."""

_PROMPT: Final = "contest"
"""The template where a server is asked in whichever one its clients have."""


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


def contest_directory(
    options: EngineOptions | ServedEngineOptions,
    identity: "ModelIdentity",
    datastores: Path,
    corpus: Path = CONTEST_PROGRAMS,
) -> Path:
    """Where the datastore for a model and a run lies; its name tells it from those of others.

    Raises:
        UserError: the run asks for other programs, or its template or problem set cannot be read.
    """
    from knm.corpora import decontaminate_stream, stream_corpus, summarize_corpus
    from knm.hashing import hash_json
    from knm.problems import load_problems, load_template

    left_out: frozenset[str] = frozenset()
    if isinstance(options, RunOptions):
        objection = objection_to_contest(options)
        if objection is not None:
            raise UserError(
                f"{named('knn')}: {objection}: mine a datastore of your own with `knm mine` and "
                f"name it with {named('datastore')}"
            )
        problems = load_problems(options.problems)
        left_out = decontaminate_stream(stream_corpus(corpus), problems).left_out
    told = hash_json(
        [
            identity.weights_hash,
            identity.tokenizer_hash,
            identity.config_hash,
            identity.dtype,
            load_template(_template(options)).content_hash,
            summarize_corpus(corpus).content_hash,
            sorted(left_out),
        ]
    )
    return datastores / f"{CONTEST}-{Path(identity.name).name}-{told[:8]}"


def contest_mining(
    options: EngineOptions | ServedEngineOptions,
    placement: "Placement",
    corpus: Path = CONTEST_PROGRAMS,
) -> tuple[str, ...]:
    """The arguments of `knm mine` that make it, but for where."""
    leaving_out = (
        ("--problems", options.problems)
        if isinstance(options, RunOptions)
        else ("--no-decontaminate",)
    )
    return (
        *("--model", options.model, "--corpus", str(corpus), "--prompt", _template(options)),
        *("--dtype", placement.dtype, "--device", placement.device, *leaving_out),
    )


def ensure_mined(setup: "EngineSetup", notify: Callable[[str], None]) -> None:
    """Mine or resume the datastore of a setup by its `mining` unless it is there; say so first.

    A process of its own does it, so that the memory of the device is free afterwards.

    Raises:
        UserError: mining failed; the message has what was said.
    """
    from knm.datastore import Manifest

    assert setup.datastore is not None
    with suppress(UserError):
        if Manifest.load(setup.datastore).finished:
            return
    notify(
        f"mining the packaged contest programs with {setup.model} into {setup.datastore}, once: "
        "half a minute on a GPU, on a CPU as long as reading two million tokens takes it"
    )
    shown = sys.stderr.isatty()  # then its progress bar is seen
    done = subprocess.run(
        [sys.executable, "-m", "knm.cli", "mine", *setup.mining, "--out", str(setup.datastore)],
        stdout=subprocess.DEVNULL,
        stderr=None if shown else subprocess.PIPE,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        said = "what it said stands above" if shown else done.stderr.strip()[-2000:]
        raise UserError(f"{setup.datastore}: mining the packaged contest programs failed: {said}")


def _template(options: EngineOptions | ServedEngineOptions) -> str:
    return options.prompt if isinstance(options, RunOptions) else _PROMPT
