"""Correcting a frozen LM from a datastore while it decodes.

A `Retriever` joins a searcher, a weight and a fusion as a `Preset` says; `corrected` puts it into a
model for the length of a `with` block. What is not in here: how datastores are made
(`knm.datastore`) and how text is generated (`knm.engine`). Importing this package loads no model
library: what needs one is loaded when it is first named.
"""

from typing import TYPE_CHECKING

from knm.ondemand import load_on_demand
from knm.retrieval.preset_files import check_preset_name

if TYPE_CHECKING:
    from knm.retrieval.context import DecodingContext
    from knm.retrieval.evidence import DenseLogits, LMOutput, MixedLogits, MovedLogits
    from knm.retrieval.fusions import FUSIONS, CorrectedLogits, Fusion, FusionKind, MixtureFusion
    from knm.retrieval.neighbours import LikelyTable, Neighbours
    from knm.retrieval.parameters import Parameter
    from knm.retrieval.predictions import (
        HeadPredictions,
        LikelyTokens,
        MinedPredictions,
        Predictions,
    )
    from knm.retrieval.presets import (
        DEFAULT_PRESET,
        PRESETS,
        Preset,
        read_preset,
        resolve_preset,
        vary_preset,
        write_preset,
    )
    from knm.retrieval.residual import ResidualFusion, SparseResidualFusion
    from knm.retrieval.retriever import Correction, Retriever
    from knm.retrieval.searchers import (
        SEARCHERS,
        FaissSearcher,
        Searcher,
        SearcherChoice,
        TorchSearcher,
        choose_searcher,
        open_searcher,
    )
    from knm.retrieval.votes import NO_TOKEN, Votes
    from knm.retrieval.weights import (
        WEIGHTS,
        BayesWeight,
        ConfidenceWeight,
        DistanceWeight,
        StaticWeight,
        Weight,
        WeightKind,
    )
    from knm.retrieval.wrapper import CorrectedHead, Observer, StepTrace, corrected
else:
    __getattr__ = load_on_demand(
        __name__,
        {
            "context": ["DecodingContext"],
            "evidence": ["DenseLogits", "LMOutput", "MixedLogits", "MovedLogits"],
            "fusions": ["CorrectedLogits", "FUSIONS", "Fusion", "FusionKind", "MixtureFusion"],
            "neighbours": ["LikelyTable", "Neighbours"],
            "parameters": ["Parameter"],
            "predictions": [
                "HeadPredictions",
                "LikelyTokens",
                "MinedPredictions",
                "Predictions",
            ],
            "presets": [
                "DEFAULT_PRESET",
                "PRESETS",
                "Preset",
                "read_preset",
                "resolve_preset",
                "vary_preset",
                "write_preset",
            ],
            "residual": ["ResidualFusion", "SparseResidualFusion"],
            "retriever": ["Correction", "Retriever"],
            "searchers": [
                "FaissSearcher",
                "SEARCHERS",
                "Searcher",
                "SearcherChoice",
                "TorchSearcher",
                "choose_searcher",
                "open_searcher",
            ],
            "votes": ["NO_TOKEN", "Votes"],
            "weights": [
                "BayesWeight",
                "ConfidenceWeight",
                "DistanceWeight",
                "StaticWeight",
                "WEIGHTS",
                "Weight",
                "WeightKind",
            ],
            "wrapper": ["CorrectedHead", "Observer", "StepTrace", "corrected"],
        },
    )

__all__ = [
    "DEFAULT_PRESET",
    "FUSIONS",
    "NO_TOKEN",
    "PRESETS",
    "SEARCHERS",
    "WEIGHTS",
    "BayesWeight",
    "ConfidenceWeight",
    "CorrectedHead",
    "CorrectedLogits",
    "Correction",
    "DecodingContext",
    "DenseLogits",
    "DistanceWeight",
    "FaissSearcher",
    "Fusion",
    "FusionKind",
    "HeadPredictions",
    "LMOutput",
    "LikelyTable",
    "LikelyTokens",
    "MinedPredictions",
    "MixedLogits",
    "MixtureFusion",
    "MovedLogits",
    "Neighbours",
    "Observer",
    "Parameter",
    "Predictions",
    "Preset",
    "ResidualFusion",
    "Retriever",
    "Searcher",
    "SearcherChoice",
    "SparseResidualFusion",
    "StaticWeight",
    "StepTrace",
    "TorchSearcher",
    "Votes",
    "Weight",
    "WeightKind",
    "check_preset_name",
    "choose_searcher",
    "corrected",
    "open_searcher",
    "read_preset",
    "resolve_preset",
    "vary_preset",
    "write_preset",
]
