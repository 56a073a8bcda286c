"""How the embedded LM is made: sizes, data mix and optimisation, in one record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Recipe:
    """Everything that `knm train` needs. Times are seconds, lengths are tokens."""

    name: str
    # architecture (Qwen3)
    vocab_size: int = 2048
    hidden_size: int = 320
    layers: int = 8
    heads: int = 5
    key_value_heads: int = 5
    head_dim: int = 64
    intermediate_size: int = 960
    max_positions: int = 2048
    # data
    python_samples: int = 300_000
    lua_samples: int = 8_000
    max_length: int = 768
    # optimisation
    epochs: int = 3
    batch_tokens: int = 49_152
    learning_rate: float = 1.5e-3
    warmup_steps: int = 150
    weight_decay: float = 0.05
    seed: int = 0


RECIPES: Final[Mapping[str, Recipe]] = {
    recipe.name: recipe
    for recipe in (
        Recipe("embedded"),
        # Seconds on a CPU: for tests, and to see the whole path work.
        Recipe(
            "tiny",
            vocab_size=512,
            hidden_size=32,
            layers=2,
            heads=2,
            key_value_heads=1,
            head_dim=16,
            intermediate_size=64,
            python_samples=60,
            lua_samples=20,
            epochs=1,
            batch_tokens=2048,
            warmup_steps=5,
        ),
    )
}
