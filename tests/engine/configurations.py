"""Configurations and completions for tests that load no model."""

from dataclasses import replace
from typing import Any

from knm.engine import EngineConfiguration
from knm.records import Completion, Interventions, Neighbour, Request, TokenChange

CONFIGURATION = EngineConfiguration(
    model="embedded",
    weights_hash="w" * 64,
    tokenizer_hash="t" * 64,
    config_hash="c" * 64,
    generation_hash="g" * 64,
    unapplied={},
    dtype="float32",
    device="cpu",
    hardware="x86_64 AVX2, 2 threads",
    batch_size=4,
    max_new_tokens=64,
    datastore="small",
    datastore_hash="d" * 64,
    preset={"name": "v2", "k": 16, "weight": 0.25},
    indexes={},
    calibration=None,
    guard=None,
    packages={"torch": "2.13.0"},
)
INTERVENTIONS = Interventions(
    steps=5,
    searched=4,
    argmax_changes=1,
    weights=(0, 0, 1, 3, 0, 0, 0, 0, 0, 0),
    changes=(TokenChange(2, 6, "//", "math", (Neighbour("math", 0.5, "lua_cp_1", 7),)),),
)


def with_datastore(
    configuration: EngineConfiguration, name: str, preset: Any, default: str
) -> EngineConfiguration:
    """The same, corrected by a datastore that nobody else has and that is for preset `default`."""
    return replace(
        configuration,
        preset=preset,
        datastore_preset=default,
        datastore=name,
        datastore_hash="d" * 64,
    )


def completion(request: Request, text: str = "print(1)", **changes: Any) -> Completion:
    """What an engine might answer."""
    answer = Completion(
        id=request.id,
        text=text,
        finish_reason="stop",
        prompt_tokens=3,
        completion_tokens=5,
        seconds=0.25,
        interventions=INTERVENTIONS,
    )
    return replace(answer, **changes)
