"""What mining saw: how far it got, how fast, and where the LM was wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Tallies = Mapping[str, "Tally"]


@dataclass(frozen=True)
class Tally:
    """Target positions, and how many of them the LM got wrong."""

    positions: int = 0
    mistakes: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.positions + other.positions, self.mistakes + other.mistakes)


@dataclass(frozen=True)
class MiningStatistics:
    """Sums over the batches that were mined.

    The next batch is number `batch` of window `window`. `tokens` went through the model, without
    padding, in `seconds`; `full` says that the datastore's capacity ended the mining.
    """

    window: int = 0
    batch: int = 0
    tokens: int = 0
    seconds: float = 0.0
    positions: int = 0
    mistakes: int = 0
    by_token_type: Tallies = field(default_factory=dict)
    by_source: Tallies = field(default_factory=dict)
    full: bool = False

    @property
    def tokens_per_second(self) -> float:
        """Tokens that went through the model in a second of mining."""
        return self.tokens / self.seconds if self.seconds else 0.0

    def after(self, seen: "MiningStatistics") -> "MiningStatistics":
        """These and then `seen`: sums, and the place where `seen` ended."""
        return replace(
            seen,
            tokens=self.tokens + seen.tokens,
            seconds=self.seconds + seen.seconds,
            positions=self.positions + seen.positions,
            mistakes=self.mistakes + seen.mistakes,
            by_token_type=add_tallies([self.by_token_type, seen.by_token_type]),
            by_source=add_tallies([self.by_source, seen.by_source]),
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "MiningStatistics":
        """Read back what `asdict` gave."""
        tallies = {
            name: {key: Tally(**tally) for key, tally in data[name].items()}
            for name in ("by_token_type", "by_source")
        }
        return cls(**{**data, **tallies})


def add_tallies(parts: Iterable[Tallies]) -> dict[str, Tally]:
    """The sum of several tallies by name, in the order in which the names come."""
    total: dict[str, Tally] = {}
    for part in parts:
        for name, tally in part.items():
            total[name] = total.get(name, Tally()) + tally
    return total
