"""Whether reading a text takes time in proportion to its length, however it is made."""

import time
from collections.abc import Callable

from hypothesis import strategies as st

SIZES = [1 << exponent for exponent in range(12, 17)]
# Of processor time. What is quadratic takes many times as much at the last size.
SECONDS, SECONDS_A_CHARACTER = 0.1, 1e-5
ATTEMPTS = 3


def assert_linear(read: Callable[[str], object], head: str, pump: str, tail: str) -> None:
    """Read `head`, `pump` over and over, and `tail`, doubling the length.

    The bound on the time is generous and the fastest of a few attempts counts, so that neither a
    slow machine nor a busy one exceeds it.
    """
    for size in SIZES:
        text = head + pump * (size // len(pump)) + tail
        bound = SECONDS + SECONDS_A_CHARACTER * len(text)
        for _ in range(ATTEMPTS):
            started = time.thread_time()
            read(text)
            spent = time.thread_time() - started
            if spent <= bound:
                break
        assert spent <= bound, f"{spent:.1f} s for {len(text):,} characters of {pump!r}"


def pumped(fragments: list[str]) -> st.SearchStrategy[tuple[str, str, str]]:
    """Beginnings, repeated parts and ends that are made of fragments."""
    some = st.lists(st.sampled_from(fragments), max_size=3).map("".join)
    pump = st.lists(st.sampled_from(fragments), min_size=1, max_size=3).map("".join)
    return st.tuples(some, pump, some)
