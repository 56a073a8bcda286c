"""Causal LMs: names, identity, loading and encoding. `knm.models.training` makes one.

Importing this package loads no model library: what needs one is loaded when it is first named.
"""

from typing import TYPE_CHECKING

from knm.models.identity import EMBEDDED, ModelIdentity, find_model, identify_model
from knm.ondemand import load_on_demand

if TYPE_CHECKING:
    from knm.models.encoding import EncodedExample, encode_corpus, encode_example, encode_prompt
    from knm.models.loading import DTYPES, LoadedModel, Placement, load_model, resolve_placement
else:
    __getattr__ = load_on_demand(
        __name__,
        {
            "encoding": ["EncodedExample", "encode_corpus", "encode_example", "encode_prompt"],
            "loading": ["DTYPES", "LoadedModel", "Placement", "load_model", "resolve_placement"],
        },
    )

__all__ = [
    "DTYPES",
    "EMBEDDED",
    "EncodedExample",
    "LoadedModel",
    "ModelIdentity",
    "Placement",
    "encode_corpus",
    "encode_example",
    "encode_prompt",
    "find_model",
    "identify_model",
    "load_model",
    "resolve_placement",
]
