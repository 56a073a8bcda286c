"""`knm corpus translate`: programs of one language to another by a LM, each tested."""

from knm.gathering.translation.outcome import Translated
from knm.gathering.translation.running import TranslateOptions, translate

__all__ = ["TranslateOptions", "Translated", "translate"]
