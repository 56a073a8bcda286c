"""Who may see what: splits of the grammar by composition, and the two languages' shares.

A composition (input shape and sequence of operations) belongs to exactly one split, so that no
program, statement or pipeline of a bench problem stands in any training text or datastore.
"""

import random
from collections.abc import Mapping
from functools import cache

from knm.embedded.grammar import BUCKETS, CATALOGUE, Type

SPLIT_BUCKETS: Mapping[str, frozenset[int]] = {
    "bench": frozenset({0}),
    "dev": frozenset({1}),
    "corpus": frozenset({2, 3, 4}),
    "corpus-dev": frozenset({5}),
    "corpus-test": frozenset({6}),
    "train": frozenset(range(7, BUCKETS)),
}
"""Split name -> values of `Task.bucket` that belong to it."""

PYTHON_ONLY_SHARE = 1 / 3
RARE_SHARE = 0.25
RARE_WEIGHT = 0.03


@cache
def lua_weights(seed: int = 0) -> Mapping[str, float]:
    """How often the LM's training mix shows each operation in Lua, relative to Python.

    A third of the operations, spread evenly over input types, occur in Python only (weight 0)
    and a quarter is rare: the LM knows these algorithms but not how Lua writes them. Which ones
    depends on `seed`, so that model organisms of several seeds lack different things.
    """
    rng = random.Random(f"operations that Lua training text lacks {seed}")
    weights: dict[str, float] = {}
    for kind in Type:
        names = sorted(operation.name for operation in CATALOGUE.accepting(kind))
        rng.shuffle(names)
        missing = round(PYTHON_ONLY_SHARE * len(names))
        rare = round(RARE_SHARE * len(names))
        for index, name in enumerate(names):
            weights[name] = (
                0.0 if index < missing else RARE_WEIGHT if index < missing + rare else 1.0
            )
    return weights
