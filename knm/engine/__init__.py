"""Engines: prompts in, completions out.

`open_engine` gives the one that a model can have: slots that are decoded together, in fixed shapes,
so that a completion depends on its request alone; or plain `generate`. Importing this package loads
no model library: what needs one is loaded when it is first named.
"""

from typing import TYPE_CHECKING

from knm.engine.cache import CompletionCache, completion_key
from knm.engine.configuration import EngineConfiguration
from knm.engine.records import (
    ContextExceeded,
    Event,
    GenerationOptions,
    OpenedEngine,
    Scores,
    StreamingEngine,
    TokenScore,
)
from knm.ondemand import load_on_demand

if TYPE_CHECKING:
    from knm.engine.architectures import ARCHITECTURES, UnsupportedModelError
    from knm.engine.opening import LocalEngine, open_engine, open_setup, open_writer
    from knm.engine.plain import PlainEngine
    from knm.engine.setup import EngineSetup, describe_setup
    from knm.engine.slots import SlotEngine
else:
    __getattr__ = load_on_demand(
        __name__,
        {
            "architectures": ["ARCHITECTURES", "UnsupportedModelError"],
            "opening": ["LocalEngine", "open_engine", "open_setup", "open_writer"],
            "plain": ["PlainEngine"],
            "setup": ["EngineSetup", "describe_setup"],
            "slots": ["SlotEngine"],
        },
    )

__all__ = [
    "ARCHITECTURES",
    "CompletionCache",
    "ContextExceeded",
    "EngineConfiguration",
    "EngineSetup",
    "Event",
    "GenerationOptions",
    "LocalEngine",
    "OpenedEngine",
    "PlainEngine",
    "Scores",
    "SlotEngine",
    "StreamingEngine",
    "TokenScore",
    "UnsupportedModelError",
    "completion_key",
    "describe_setup",
    "open_engine",
    "open_setup",
    "open_writer",
]
