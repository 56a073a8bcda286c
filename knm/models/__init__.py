"""Causal LMs: names, identity, loading and encoding. `knm.embedded.training` makes one.

Importing this package loads no model library: what needs one is loaded when it is first named.
"""

from typing import TYPE_CHECKING

from knm.models.keys import FINAL_NORM, KeyKind, Tap, parse_key_kind
from knm.models.placement import (
    DTYPES,
    Placement,
    check_dtype,
    launching_on,
    resolve_placement,
)
from knm.ondemand import load_on_demand

if TYPE_CHECKING:
    from knm.models.capture import block_count, capturing, join_states
    from knm.models.context import check_fits, context_length
    from knm.models.encoding import (
        ChatEncoding,
        CorpusEncoding,
        EncodedExample,
        RawEncoding,
        encode_corpus,
        encode_example,
        encode_prompt,
    )
    from knm.models.identity import ModelIdentity, find_model, identify_model
    from knm.models.loading import (
        LoadedModel,
        load_bare,
        load_model,
        load_tokenizer,
        read_tokenizer,
    )
else:
    __getattr__ = load_on_demand(
        __name__,
        {
            "capture": ["block_count", "capturing", "join_states"],
            "context": ["check_fits", "context_length"],
            "encoding": [
                "ChatEncoding",
                "CorpusEncoding",
                "EncodedExample",
                "RawEncoding",
                "encode_corpus",
                "encode_example",
                "encode_prompt",
            ],
            "identity": ["ModelIdentity", "find_model", "identify_model"],
            "loading": [
                "LoadedModel",
                "load_bare",
                "load_model",
                "load_tokenizer",
                "read_tokenizer",
            ],
        },
    )

__all__ = [
    "DTYPES",
    "FINAL_NORM",
    "ChatEncoding",
    "CorpusEncoding",
    "EncodedExample",
    "KeyKind",
    "LoadedModel",
    "ModelIdentity",
    "Placement",
    "RawEncoding",
    "Tap",
    "block_count",
    "capturing",
    "check_dtype",
    "check_fits",
    "context_length",
    "encode_corpus",
    "encode_example",
    "encode_prompt",
    "find_model",
    "identify_model",
    "join_states",
    "launching_on",
    "load_bare",
    "load_model",
    "load_tokenizer",
    "parse_key_kind",
    "read_tokenizer",
    "resolve_placement",
]
