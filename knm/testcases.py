"""A test case: what problems hold and sandboxes run. A leaf, so that either may be used alone."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class TestCase:
    """One run of a program: `input` on standard input, `output` expected on standard output."""

    __test__: ClassVar[bool] = False  # pytest would collect it by its name

    input: str
    output: str
