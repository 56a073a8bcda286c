"""Choosing the engine for a model."""

import sys
from collections.abc import Callable
from typing import Protocol

from knm.engine.architectures import UnsupportedModelError
from knm.engine.plain import PlainEngine
from knm.engine.records import Engine, GenerationOptions, StreamingEngine
from knm.engine.slots import SlotEngine
from knm.models import LoadedModel
from knm.retrieval import Retriever


class LocalEngine(Engine, StreamingEngine, Protocol):
    """An engine of this process: it streams, and it completes."""


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
    if retriever is not None:
        retriever.attach(loaded.model, loaded.tokenizer)
        notify(retriever.search_choice.line)
    try:
        return SlotEngine(loaded, options, retriever, notify)
    except UnsupportedModelError as reason:
        notify(
            f"model {loaded.identity.name!r} is decoded by plain `generate`, one prompt at a "
            f"time, which is slow: {reason}"
        )
        return PlainEngine(loaded, options, retriever)
