"""Programs of one language to another by a LM: tested (`knm corpus translate`), or as problems."""

from knm.gathering.translation.outcome import Translated
from knm.gathering.translation.problems import (
    ToTranslate,
    ToTranslateOptions,
    make_problems_to_translate,
)
from knm.gathering.translation.running import TranslateOptions, translate

__all__ = [
    "ToTranslate",
    "ToTranslateOptions",
    "TranslateOptions",
    "Translated",
    "make_problems_to_translate",
    "translate",
]
