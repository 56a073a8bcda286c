"""Reading and writing of test inputs, for the modules that hold problems with many cases."""

from collections.abc import Callable, Iterable, Iterator, Sequence


def integers(text: str) -> Iterator[int]:
    """All numbers of an input, in reading order."""
    return map(int, text.split())


def row(values: Iterable[object]) -> str:
    """One line: the values with single spaces between them."""
    return " ".join(map(str, values))


def batch(cases: Sequence[str]) -> str:
    """An input of many cases: their number on the first line, then the cases."""
    return "\n".join([str(len(cases)), *cases])


def answer_each(text: str, solve: Callable[[Iterator[int]], object]) -> str:
    """Answer an input of many cases made of numbers; `solve` takes one case's numbers."""
    numbers = integers(text)
    return "\n".join(str(solve(numbers)) for _ in range(next(numbers)))
