"""How a copy of a LM is trained: options and their checks, without a model library."""

from dataclasses import dataclass
from typing import Final

from knm.errors import UserError

MANY_PROGRAMS: Final = 4_000


@dataclass(frozen=True)
class FinetuningOptions:
    """How a copy is trained.

    None takes what did best on dev for a corpus of that size: 5 epochs of batches of 32 for
    thousands of programs, 4 of 64 for more. Learning rates from 3e-4 to 1e-3 are as good.

    Raises:
        UserError: a value is not above 0.
    """

    learning_rate: float = 1e-3
    epochs: int | None = None
    batch_size: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("learning_rate", "epochs", "batch_size"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UserError(f"--{name.replace('_', '-')} {value}: must be above 0")

    def filled_for(self, programs: int) -> "FinetuningOptions":
        """With the defaults for a corpus of so many programs."""
        epochs, batch_size = (4, 64) if programs > MANY_PROGRAMS else (5, 32)
        return FinetuningOptions(
            self.learning_rate, self.epochs or epochs, self.batch_size or batch_size, self.seed
        )
