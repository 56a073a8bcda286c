"""New test inputs from known ones: values change, the form stays.

What the form promises cannot be read from an input (that the first number counts the rest, say), so
a change keeps the number of lines and of words in them, leaves a first line alone where others
follow, and takes its values from what stands nearby. Whether an input is sound is for the programs
to say that solve the problem.
"""

import random
import re
from collections.abc import Callable, Sequence
from typing import Final

_WORD: Final = re.compile(r"\S+")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_MOST_CHANGES: Final = 4

Lines = list[list[str]]
"""The words of each line."""


def mutate(inputs: Sequence[str], rng: random.Random) -> str:
    """A variation of one of `inputs`, perhaps that input itself where nothing can be varied."""
    text = rng.choice(inputs)
    lines = [_WORD.findall(line) for line in text.split("\n")]
    places = [place for place in _free_places(lines) if lines[place[0]][place[1]]]
    if not places:
        return text
    for _ in range(rng.randint(1, _MOST_CHANGES)):
        change = rng.choice(_CHANGES)
        change(lines, rng.choice(places), rng)
    return "\n".join(
        _put_back(line, words) for line, words in zip(text.split("\n"), lines, strict=True)
    )


def _free_places(lines: Lines) -> list[tuple[int, int]]:
    """Line and word of what may change: all, but for a first line that others follow."""
    filled = [number for number, words in enumerate(lines) if words]
    return [
        (number, place) for number in (filled[1:] or filled) for place in range(len(lines[number]))
    ]


def _near(lines: Lines, place: tuple[int, int], rng: random.Random) -> None:
    """A number becomes one nearby, of the same sign."""
    line, word = place
    if not _NUMBER.fullmatch(lines[line][word]):
        return
    value = int(lines[line][word])
    moved = value + rng.choice((-3, -2, -1, 1, 2, 3))
    moved = min(moved, -1) if value < 0 else max(moved, 1 if value else 0)
    lines[line][word] = str(moved)


def _among(lines: Lines, place: tuple[int, int], rng: random.Random) -> None:
    """A number becomes one between the least and the most of its line."""
    line, word = place
    numbers = [int(text) for text in lines[line] if _NUMBER.fullmatch(text)]
    if _NUMBER.fullmatch(lines[line][word]):
        lines[line][word] = str(rng.randint(min(numbers), max(numbers)))


def _swap(lines: Lines, place: tuple[int, int], rng: random.Random) -> None:
    """Two words of one kind in a line change places."""
    line, word = place
    words = lines[line]
    alike = [n for n in range(len(words)) if _is_number(words[n]) == _is_number(words[word])]
    other = rng.choice(alike)
    words[word], words[other] = words[other], words[word]


def _swap_lines(lines: Lines, place: tuple[int, int], rng: random.Random) -> None:
    """Two lines of as many words, not the first, change places."""
    line, _ = place
    alike = [n for n in range(1, len(lines)) if len(lines[n]) == len(lines[line])]
    if line and alike:
        other = rng.choice(alike)
        lines[line], lines[other] = lines[other], lines[line]


def _letters(lines: Lines, place: tuple[int, int], rng: random.Random) -> None:
    """A character of a word becomes another of its words' characters, or two change places."""
    line, word = place
    text = lines[line][word]
    if _is_number(text):
        return
    alphabet = sorted({c for words in lines for w in words if not _is_number(w) for c in w})
    at, other = rng.randrange(len(text)), rng.randrange(len(text))
    characters = list(text)
    if rng.random() < 0.5:
        characters[at], characters[other] = characters[other], characters[at]
    else:
        characters[at] = rng.choice([c for c in alphabet if _kind(c) == _kind(text[at])])
    lines[line][word] = "".join(characters)


_CHANGES: Final[Sequence[Callable[[Lines, tuple[int, int], random.Random], None]]] = (
    _near,
    _among,
    _swap,
    _swap_lines,
    _letters,
)


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _kind(character: str) -> tuple[bool, bool, bool]:
    return character.isupper(), character.islower(), character.isdigit()


def _put_back(line: str, words: Sequence[str]) -> str:
    """`line` with these words in place of its own; what is between them stays."""
    rest = iter(words)
    return _WORD.sub(lambda _: next(rest), line)
