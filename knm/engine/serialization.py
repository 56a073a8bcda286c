"""Completions as plain JSON: in the cache, and between an engine and those who ask it."""

from dataclasses import asdict
from typing import Any

from knm.engine.records import Completion, Interventions, NeighbourUse, TokenChange


def completion_to_json(completion: Completion) -> dict[str, Any]:
    """Every field, plain JSON."""
    return asdict(completion)


def completion_from_json(value: dict[str, Any]) -> Completion:
    """Read back what `completion_to_json` gave. Raises KeyError or TypeError on anything else."""
    interventions = value["interventions"]
    return Completion(
        **{
            **value,
            "interventions": interventions and interventions_from_json(interventions),
            "tokens": tuple(value["tokens"]),
        }
    )


def interventions_from_json(value: dict[str, Any]) -> Interventions:
    """Read back what `Interventions.to_json` gave."""
    changes = tuple(map(_change, value["changes"]))
    return Interventions(**{**value, "weights": tuple(value["weights"]), "changes": changes})


def _change(value: dict[str, Any]) -> TokenChange:
    neighbours = tuple(NeighbourUse(**use) for use in value["neighbours"])
    return TokenChange(**{**value, "neighbours": neighbours})
