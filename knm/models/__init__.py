"""Causal LMs: names, identity, loading and encoding. `knm.models.training` makes one."""

from knm.models.encoding import EncodedExample, encode_corpus, encode_example, encode_prompt
from knm.models.identity import EMBEDDED, ModelIdentity, find_model, identify_model
from knm.models.loading import DTYPES, LoadedModel, Placement, load_model, resolve_placement

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
