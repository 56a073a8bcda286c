"""Which slots hold keys and values of which prompts' beginnings, so that none is computed twice."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Held:
    """The first `length` tokens of a prompt, whose keys and values lie in `slot`."""

    slot: int
    length: int


@dataclass(frozen=True)
class Beginnings:
    """A prompt's tokens, and the lengths and keys of those beginnings that are looked for.

    Lengths ascend; the last is the whole. Hashing takes longer than looking up: it is done once.
    """

    tokens: tuple[int, ...]
    keys: tuple[tuple[int, int], ...]


class PrefixIndex:
    """Finds the slot that holds the longest beginning of a prompt.

    A slot holds what was written into it until it is given another prompt, whether or not it is
    taken meanwhile.
    """

    def __init__(self, unit: int | None) -> None:
        """Beginnings are whole multiples of `unit` tokens, or whole prompts; None: these alone."""
        self._unit = unit
        self._prompts: dict[int, Beginnings] = {}
        self._slots: defaultdict[int, dict[int, None]] = defaultdict(dict)

    def beginnings(self, prompt: Sequence[int]) -> Beginnings:
        """What of a prompt can be put here, or found."""
        tokens = tuple(prompt)
        return Beginnings(tokens, tuple(self._keys(tokens)))

    def put(self, slot: int, prompt: Beginnings) -> None:
        """`slot` now holds `prompt`, and no longer what it held."""
        self.drop(slot)
        self._prompts[slot] = prompt
        for _, key in prompt.keys:
            self._slots[key][slot] = None

    def drop(self, slot: int) -> None:
        """`slot` holds nothing that can be used."""
        held = self._prompts.pop(slot, None)
        for _, key in () if held is None else held.keys:
            holders = self._slots[key]
            holders.pop(slot, None)
            if not holders:
                del self._slots[key]

    def find(self, prompt: Beginnings) -> Held | None:
        """Where the longest beginning of `prompt` lies that any slot holds."""
        for length, key in reversed(prompt.keys):
            for slot in self._slots.get(key, ()):
                # Keys are hashes: what they promise is looked at.
                if self._prompts[slot].tokens[:length] == prompt.tokens[:length]:
                    return Held(slot, length)
        return None

    def _keys(self, prompt: tuple[int, ...]) -> Iterator[tuple[int, int]]:
        """Lengths, ascending, and a key of each beginning."""
        key, start = 0, 0
        for end in range(self._unit or len(prompt), len(prompt), self._unit or 1):
            key = hash((key, *prompt[start:end]))
            start = end
            yield end, key
        if prompt:
            yield len(prompt), hash((key, *prompt[start:]))
