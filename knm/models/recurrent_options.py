"""How a recurrent LM is made and trained: options, without a model library."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from knm.option_fields import Option


class Cell(StrEnum):
    """What a layer is made of."""

    LSTM = "lstm"
    GRU = "gru"


@dataclass(frozen=True, kw_only=True)
class RecurrentOptions:
    """Sizes and training of a recurrent LM; lengths are tokens."""

    cell: Annotated[Cell, Option("what layers are made of")] = Cell.LSTM
    hidden_size: Annotated[int, Option("width of states and embeddings", "N", least=1)] = 512
    layers: Annotated[int, Option("how many layers", "N", least=1)] = 2
    dropout: Annotated[float, Option("share of a state that is left out", "P", least=0, most=1)] = (
        0.1
    )
    vocab_size: Annotated[
        int, Option("tokens of a tokenizer that is trained on the corpus", "N", least=260)
    ] = 8192
    learning_rate: Annotated[float, Option("peak learning rate", "R", above=0)] = 3e-3
    weight_decay: Annotated[float, Option("of matrices", "R", least=0)] = 0.01
    epochs: Annotated[int, Option("times through the corpus", "N", least=1)] = 8
    step_tokens: Annotated[int, Option("tokens of a step, with padding", "N", least=1)] = 2048
    seed: Annotated[int, Option("of weights and of the order of steps", "N")] = 0
