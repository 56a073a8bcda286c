"""Datastores of hidden states: file format, mining, editing, calibration and Faiss indexes.

A datastore is a directory of plain `.npy` files and a manifest. What is not in here: how a model is
loaded (`knm.models`) and how neighbours change what it says (`knm.retrieval`). Opening one loads no
model library: what mines and edits is loaded when it is first named.
"""

from typing import TYPE_CHECKING

from knm.datastore.arrays import KEY_DTYPES, PROVENANCE_DTYPE
from knm.datastore.faiss_index import build_index
from knm.datastore.faiss_kinds import IndexKind, IndexOptions
from knm.datastore.manifest import (
    FORMAT_VERSION,
    Calibration,
    DistanceSummary,
    IndexInfo,
    Manifest,
    MiningStatistics,
    OutcomePolicy,
    ProjectionInfo,
    Tally,
    TrialsInfo,
)
from knm.datastore.mining_options import POSITIONS, MiningOptions
from knm.datastore.origins import RecordOrigin, count_known
from knm.datastore.projection import Projection
from knm.datastore.store import Datastore
from knm.ondemand import load_on_demand

if TYPE_CHECKING:
    from knm.datastore.examples import CorpusExamples, ExampleSource
    from knm.datastore.mining import mine
    from knm.datastore.project import project_datastore
else:
    __getattr__ = load_on_demand(
        __name__,
        {
            "project": ["project_datastore"],
            "examples": ["CorpusExamples", "ExampleSource"],
            "mining": ["mine"],
        },
    )

__all__ = [
    "FORMAT_VERSION",
    "KEY_DTYPES",
    "POSITIONS",
    "PROVENANCE_DTYPE",
    "Calibration",
    "CorpusExamples",
    "Datastore",
    "DistanceSummary",
    "ExampleSource",
    "IndexInfo",
    "IndexKind",
    "IndexOptions",
    "Manifest",
    "MiningOptions",
    "MiningStatistics",
    "OutcomePolicy",
    "Projection",
    "ProjectionInfo",
    "RecordOrigin",
    "Tally",
    "TrialsInfo",
    "build_index",
    "count_known",
    "mine",
    "project_datastore",
]
