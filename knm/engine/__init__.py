"""Engines: prompts in, completions out."""

from knm.engine.batched import BatchedEngine
from knm.engine.records import (
    Completion,
    Engine,
    GenerationOptions,
    Interventions,
    NeighbourUse,
    Request,
    TokenChange,
)

__all__ = [
    "BatchedEngine",
    "Completion",
    "Engine",
    "GenerationOptions",
    "Interventions",
    "NeighbourUse",
    "Request",
    "TokenChange",
]
