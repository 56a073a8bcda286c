"""What a sweep can be asked for, told without a model library."""

from enum import StrEnum


class SearchKind(StrEnum):
    """How a sweep chooses what to try."""

    GRID = "grid"
    RANDOM = "random"
    OPTUNA = "optuna"


class ObjectiveKind(StrEnum):
    """What a sweep maximises before Pass@1."""

    ACCURACY = "accuracy"
    PERPLEXITY = "perplexity"
    NET_GAIN = "net-gain"
