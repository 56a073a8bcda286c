"""Running programs on test inputs, isolated, and saying what became of them.

The near side (this package) holds the expected outputs and judges; the far side (`jailed`) is a
process that runs programs and knows nothing else.
"""

from knm.sandbox.backends import Sandbox, open_sandbox
from knm.sandbox.judging import judge_completion
from knm.sandbox.local import SandboxUnavailable
from knm.sandbox.verdicts import Judgement, Limits, Verdict

__all__ = [
    "Judgement",
    "Limits",
    "Sandbox",
    "SandboxUnavailable",
    "Verdict",
    "judge_completion",
    "open_sandbox",
]
