"""Running programs on test inputs, isolated, and saying what became of them.

The near side (this package) holds the expected outputs and judges; the far side (`jailed`) is a
process that runs programs and knows nothing else.

Importing this package loads nothing that runs programs: who reads verdicts alone does without.
"""

from typing import TYPE_CHECKING

from knm.ondemand import load_on_demand
from knm.sandbox.types import SIGNAL, Judgement, Limits, Sandbox, Verdict, make_limits

if TYPE_CHECKING:
    from knm.sandbox.backends import open_sandbox
    from knm.sandbox.local import SandboxUnavailable
else:
    __getattr__ = load_on_demand(
        __name__, {"backends": ["open_sandbox"], "local": ["SandboxUnavailable"]}
    )

__all__ = [
    "SIGNAL",
    "Judgement",
    "Limits",
    "Sandbox",
    "SandboxUnavailable",
    "Verdict",
    "make_limits",
    "open_sandbox",
]
