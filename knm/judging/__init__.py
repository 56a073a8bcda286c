"""From completions to results: programs are taken out, run on a problem's tests and judged.

Where completions come from is the caller's: a run of the bench, a file, or an engine in this
process (`knm.judging.trials`). Loads no model library.
"""

from knm.judging.attempts import Completions, decode, evaluate
from knm.judging.candidates import export_candidates
from knm.judging.failure_text import render_failure
from knm.judging.files import JudgeOptions, judge_file
from knm.judging.keeping import JudgementCache, KeepingSandbox

__all__ = [
    "Completions",
    "JudgeOptions",
    "JudgementCache",
    "KeepingSandbox",
    "decode",
    "evaluate",
    "export_candidates",
    "judge_file",
    "render_failure",
]
