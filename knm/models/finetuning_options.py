"""How a copy of a LM is trained: options and their checks, without a model library."""

from dataclasses import dataclass, replace
from typing import Final

from knm.errors import UserError, named

MANY_PROGRAMS: Final = 4_000
LARGE_WIDTH: Final = 512
"""Hidden size from which on a model is a real LM: small steps, blocks computed again."""


@dataclass(frozen=True)
class FinetuningOptions:
    """How a copy is trained.

    None takes what did best on dev for a corpus of that size: 5 epochs of batches of 32 for
    thousands of programs, 4 of 64 for more. The learning rate goes by the model: 1e-3 for a small
    one (3e-4 is as good), 1e-5 for a real LM. `lora` is the rank of the low-rank updates that are
    trained instead of all weights, with a learning rate of 2e-4 for a real LM.

    Raises:
        UserError: a value is not above 0.
    """

    learning_rate: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    seed: int = 0
    lora: int | None = None

    def __post_init__(self) -> None:
        for name in ("learning_rate", "epochs", "batch_size", "lora"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UserError(f"{named(name)} {value}: must be above 0")

    def filled_for(self, programs: int, hidden_size: int) -> "FinetuningOptions":
        """With the defaults for a corpus of so many programs and a model of that width."""
        epochs, batch_size = (4, 64) if programs > MANY_PROGRAMS else (5, 32)
        rate = 1e-3 if hidden_size < LARGE_WIDTH else 1e-5 if self.lora is None else 2e-4
        return replace(
            self,
            learning_rate=self.learning_rate or rate,
            epochs=self.epochs or epochs,
            batch_size=self.batch_size or batch_size,
        )
