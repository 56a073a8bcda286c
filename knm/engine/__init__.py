"""Engines: prompts in, completions out.

`open_engine` gives the one that a model can have: slots that are decoded together, in fixed shapes,
so that a completion depends on its request alone; or plain `generate`. A weight of retrieval, text
and stop rules are in here; HTTP, caches and problems are not.
"""

from knm.engine.architectures import ARCHITECTURES, UnsupportedModelError
from knm.engine.opening import LocalEngine, open_engine
from knm.engine.plain import PlainEngine
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
from knm.engine.slots import SlotEngine

__all__ = [
    "ARCHITECTURES",
    "GREEDY",
    "Completion",
    "Engine",
    "Event",
    "GenerationOptions",
    "Interventions",
    "LocalEngine",
    "NeighbourUse",
    "PlainEngine",
    "Request",
    "Sampling",
    "SlotEngine",
    "StreamingEngine",
    "TokenChange",
    "UnsupportedModelError",
    "open_engine",
]
