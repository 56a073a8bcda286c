"""Engines: prompts in, completions out.

Importing this package loads no model library: what needs one is loaded when it is first named.
"""

from typing import TYPE_CHECKING

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
from knm.ondemand import load_on_demand

if TYPE_CHECKING:
    from knm.engine.batched import BatchedEngine
    from knm.engine.queued import QueuedEngine
    from knm.engine.setup import EngineSetup, OpenedEngine, describe_setup, open_setup
else:
    __getattr__ = load_on_demand(
        __name__,
        {
            "batched": ["BatchedEngine"],
            "queued": ["QueuedEngine"],
            "setup": ["EngineSetup", "OpenedEngine", "describe_setup", "open_setup"],
        },
    )

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
