"""Engines: prompts in, completions out.

Importing this package loads no model library: what needs one is loaded when it is first named.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from knm.engine.cache import CompletionCache, completion_key
from knm.engine.configuration import EngineConfiguration
from knm.engine.records import (
    GREEDY,
    Completion,
    Engine,
    Event,
    GenerationOptions,
    Interventions,
    NeighbourUse,
    Request,
    Sampling,
    StreamingEngine,
    TokenChange,
)

if TYPE_CHECKING:
    from knm.engine.batched import BatchedEngine
    from knm.engine.queued import QueuedEngine
    from knm.engine.setup import EngineSetup, OpenedEngine, describe_setup, open_setup

_HEAVY: Final = {
    "BatchedEngine": "knm.engine.batched",
    "EngineSetup": "knm.engine.setup",
    "OpenedEngine": "knm.engine.setup",
    "QueuedEngine": "knm.engine.queued",
    "describe_setup": "knm.engine.setup",
    "open_setup": "knm.engine.setup",
}


def __getattr__(name: str) -> Any:
    if name in _HEAVY:
        return getattr(import_module(_HEAVY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "GREEDY",
    "BatchedEngine",
    "Completion",
    "CompletionCache",
    "Engine",
    "EngineConfiguration",
    "EngineSetup",
    "Event",
    "GenerationOptions",
    "Interventions",
    "NeighbourUse",
    "OpenedEngine",
    "QueuedEngine",
    "Request",
    "Sampling",
    "StreamingEngine",
    "TokenChange",
    "completion_key",
    "describe_setup",
    "open_setup",
]
