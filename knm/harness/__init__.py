"""One evaluation run, free of pytest: options, set-up, evaluation of a problem, failure text."""

from knm.harness.candidates import export_candidates
from knm.harness.evaluation import CompletionService, Evaluation, evaluate
from knm.harness.failures import render_failure
from knm.harness.judging import JudgeOptions, judge_file
from knm.harness.options import OPTIONS, Option, RunOptions, make_options
from knm.harness.run import BenchRun, prepare_run

__all__ = [
    "OPTIONS",
    "BenchRun",
    "CompletionService",
    "Evaluation",
    "JudgeOptions",
    "Option",
    "RunOptions",
    "evaluate",
    "export_candidates",
    "judge_file",
    "make_options",
    "prepare_run",
    "render_failure",
]
