"""One evaluation run, free of pytest: options, set-up, evaluation of a problem, failure text."""

from knm.harness.evaluation import CompletionService, Evaluation, evaluate
from knm.harness.failures import render_failure
from knm.harness.options import OPTIONS, Option, RunOptions, make_options
from knm.harness.run import BenchRun, prepare_run

__all__ = [
    "OPTIONS",
    "BenchRun",
    "CompletionService",
    "Evaluation",
    "Option",
    "RunOptions",
    "evaluate",
    "make_options",
    "prepare_run",
    "render_failure",
]
