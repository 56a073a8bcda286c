"""One evaluation run, free of pytest: options, set-up, evaluation of a problem, failure text."""

from knm.harness.candidates import export_candidates
from knm.harness.completions import CompletionService
from knm.harness.engines import (
    EngineAddress,
    RunEngine,
    ensure_datastore,
    find_engine,
    objection_to_set,
    prepare_engine,
)
from knm.harness.evaluation import Completions, Evaluation, evaluate
from knm.harness.failures import render_failure
from knm.harness.judging import JudgeOptions, judge_file
from knm.harness.options import OPTIONS, Option, RunOptions, make_options
from knm.harness.run import BenchRun, cache_directory, prepare_run
from knm.harness.service import serve_engine

__all__ = [
    "OPTIONS",
    "BenchRun",
    "CompletionService",
    "Completions",
    "EngineAddress",
    "Evaluation",
    "JudgeOptions",
    "Option",
    "RunEngine",
    "RunOptions",
    "cache_directory",
    "ensure_datastore",
    "evaluate",
    "export_candidates",
    "find_engine",
    "judge_file",
    "make_options",
    "objection_to_set",
    "prepare_engine",
    "prepare_run",
    "render_failure",
    "serve_engine",
]
