"""Correcting a frozen LM from a datastore while it decodes.

A `Retriever` joins a searcher, a weight and a fusion as a `Preset` says; `corrected` puts it into a
model for the length of a `with` block. What is not in here: how datastores are made
(`knm.datastore`) and how text is generated (`knm.engine`).
"""

from knm.retrieval.evidence import LMOutput, MixedLogits
from knm.retrieval.fusions import CorrectedLogits, Fusion, MixtureFusion
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.presets import DEFAULT_PRESET, PRESETS, Preset, resolve_preset
from knm.retrieval.searchers import (
    SEARCHERS,
    FaissSearcher,
    Searcher,
    SearcherChoice,
    TorchSearcher,
    choose_searcher,
    open_searcher,
)
from knm.retrieval.weights import WEIGHTS, ConfidenceWeight, StaticWeight, Weight
from knm.retrieval.wrapper import (
    CorrectedHead,
    Correction,
    Observer,
    Retriever,
    StepTrace,
    corrected,
)

__all__ = [
    "DEFAULT_PRESET",
    "PRESETS",
    "SEARCHERS",
    "WEIGHTS",
    "ConfidenceWeight",
    "CorrectedHead",
    "CorrectedLogits",
    "Correction",
    "FaissSearcher",
    "Fusion",
    "LMOutput",
    "MixedLogits",
    "MixtureFusion",
    "Neighbours",
    "Observer",
    "Preset",
    "Retriever",
    "Searcher",
    "SearcherChoice",
    "StaticWeight",
    "StepTrace",
    "TorchSearcher",
    "Weight",
    "choose_searcher",
    "corrected",
    "open_searcher",
    "resolve_preset",
]
