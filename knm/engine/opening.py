"""Choosing the engine for a model, and loading what a setup names."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

from knm.datastore import Datastore
from knm.engine.architectures import UnsupportedModelError
from knm.engine.records import GenerationOptions, OpenedEngine, StreamingEngine
from knm.engine.scoring import ScoringEngine
from knm.engine.setup import EngineSetup
from knm.engine.slots import SlotEngine
from knm.engine.stopping import end_tokens
from knm.models import LoadedModel, load_bare, load_model
from knm.models.encoding import render_context
from knm.records import Completion, Request
from knm.retrieval import Retriever


class LocalEngine(StreamingEngine, Protocol):
    """An engine of this process: it streams, and it completes."""

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion per request, in their order. Raises what went wrong with any of them."""
        ...


def _print_notice(line: str) -> None:
    print(f"knm: {line}", file=sys.stderr)


def open_engine(
    loaded: LoadedModel,
    options: GenerationOptions,
    retriever: Retriever | None = None,
    notify: Callable[[str], None] = _print_notice,
) -> LocalEngine:
    """The fastest engine that decodes this model; `notify` is told what a user should know.

    Raises:
        UserError: the datastore's keys are not as wide as the model's hidden states, or the preset
            cannot work with them.
    """
    if not end_tokens(loaded):
        notify(
            f"model {loaded.identity.name!r} names no end token: every completion goes on to its "
            "limit; add eos_token to its tokenizer_config.json"
        )
    if retriever is not None:
        retriever.attach(loaded.model, loaded.tokenizer)
        assert retriever.search_choice is not None
        notify(retriever.search_choice.line)
    try:
        return SlotEngine(loaded, options, retriever, notify)
    except UnsupportedModelError as reason:
        notify(
            f"model {loaded.identity.name!r} is decoded by plain `generate`, one prompt at a "
            f"time, which is slow: {reason}"
        )
        from knm.engine.plain import PlainEngine  # with what the model library computes by

        return PlainEngine(loaded, options, retriever)


def open_retriever(setup: EngineSetup, loaded: LoadedModel) -> Retriever | None:
    """What corrects the model by the setup's datastore, if it has one.

    Raises:
        UserError: the datastore is another model's, or the preset cannot work with it.
    """
    if setup.preset is None or setup.datastore is None:
        return None
    store = Datastore.open(setup.datastore, expect=loaded.identity)
    return Retriever(store, setup.preset, device=loaded.device)


def open_writer(setup: EngineSetup) -> OpenedEngine:
    """As `open_setup`, sooner where it can be, for who asks for completions and nothing else.

    Raises:
        UserError: as `open_setup`.
    """
    loaded = None if setup.datastore is not None else load_bare(setup.model, setup.placement)
    if loaded is not None and end_tokens(loaded):
        with suppress(UnsupportedModelError):
            engine = SlotEngine(loaded, setup.generation, None, _print_notice)
            return OpenedEngine(engine, partial(render_context, loaded.tokenizer))
    return open_setup(setup)


def open_setup(setup: EngineSetup) -> OpenedEngine:
    """Load the model and, with kNN, the datastore.

    Raises:
        UserError: something is not there, cannot be loaded or does not fit together.
    """
    loaded = load_model(setup.model, dtype=setup.placement.dtype, device=setup.placement.device)
    retriever = open_retriever(setup, loaded)
    engine = open_engine(loaded, setup.generation, retriever)
    scoring = ScoringEngine(engine, loaded, retriever)
    return OpenedEngine(scoring, partial(render_context, loaded.tokenizer))
