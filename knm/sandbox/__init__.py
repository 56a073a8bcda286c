"""Running programs on test inputs, isolated, and saying what became of them.

The near side (this package) holds the expected outputs and judges; the far side (`jailed`) is a
process that runs programs and knows nothing else.
"""

from knm.sandbox.backends import open_sandbox
from knm.sandbox.local import SandboxUnavailable
from knm.sandbox.types import Judgement, Limits, Sandbox, Verdict, make_limits

__all__ = [
    "Judgement",
    "Limits",
    "Sandbox",
    "SandboxUnavailable",
    "Verdict",
    "make_limits",
    "open_sandbox",
]
