"""Whether a datastore is of the language that a run writes."""

import sys
from dataclasses import replace

from knm.datastore import Datastore
from knm.retrieval import Preset

BOUNDED_KINDS = ("calibrated", "learned")
"""Kinds of weight that keep within what a datastore is known to be good for."""


def preset_within(preset: Preset, datastore: Datastore, language: str) -> Preset:
    """`preset`, with weight 0 where it keeps to what a datastore is good for and that is not this.

    A datastore was measured on text of its own languages; of another one it knows nothing, and its
    nearest key is always near something. Presets with a weight of their own are left alone.
    """
    known = {_family(origin.language) for origin in datastore.records if origin.language}
    if preset.weight_kind not in BOUNDED_KINDS or not known or _family(language) in known:
        return preset
    print(
        f"knm: {datastore.path.name} holds {', '.join(sorted(known))}, the run writes {language}: "
        f"preset {preset.name!r} does not use it",
        file=sys.stderr,
    )
    return replace(preset, weight=0.0)


def _family(language: str) -> str:
    """`lua` of `lua5.4`: dialects share most of their text."""
    return language.rstrip("0123456789.")
