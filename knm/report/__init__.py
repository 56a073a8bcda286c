"""Reports of runs: their schema, the stream beside them, statistics, totals, comparison, text."""

from knm.report.blame import Blame, blame, render_blame
from knm.report.diff import (
    Condition,
    ReportDiff,
    Side,
    diff_reports,
    outcome_line,
    parse_condition,
    regressed,
)
from knm.report.document import (
    Report,
    build_document,
    finish_stream,
    judged_test,
    load_report,
    portable_test,
)
from knm.report.explanation import Explanation, explain
from knm.report.flips import Divergence, Flip
from knm.report.header import RunHeader, environment_info
from knm.report.markdown import markdown_diff, markdown_matrix
from knm.report.marking import render_explanation
from knm.report.matrix import RunMatrix, compare_runs, render_matrix
from knm.report.noise import NoiseFloor, noise_between, noise_of_repeats
from knm.report.rates import ProblemRates, SampledComparison
from knm.report.schema import CONTEXT, SCHEMA_VERSION, ProblemResult, Sample, read_result
from knm.report.settings import Difference, refuse_unlike, setting_differences
from knm.report.stream import (
    ResultStream,
    Stream,
    read_stream,
    reserve_report,
    stream_path,
    stream_results,
)
from knm.report.summary import KnnUse, RunningTotals, Throughput, Totals, summarize
from knm.report.terminal import FlipView, render_diff, render_summary
from knm.report.validation import validate_document
from knm.statistics import (
    bootstrap_interval,
    mcnemar_exact,
    pass_at_k,
    wilson_interval,
)

__all__ = [
    "CONTEXT",
    "SCHEMA_VERSION",
    "Blame",
    "Condition",
    "Difference",
    "Divergence",
    "Explanation",
    "Flip",
    "FlipView",
    "KnnUse",
    "NoiseFloor",
    "ProblemRates",
    "ProblemResult",
    "Report",
    "ReportDiff",
    "ResultStream",
    "RunHeader",
    "RunMatrix",
    "RunningTotals",
    "Sample",
    "SampledComparison",
    "Side",
    "Stream",
    "Throughput",
    "Totals",
    "blame",
    "bootstrap_interval",
    "build_document",
    "compare_runs",
    "diff_reports",
    "environment_info",
    "explain",
    "finish_stream",
    "judged_test",
    "load_report",
    "markdown_diff",
    "markdown_matrix",
    "mcnemar_exact",
    "noise_between",
    "noise_of_repeats",
    "outcome_line",
    "parse_condition",
    "pass_at_k",
    "portable_test",
    "read_result",
    "read_stream",
    "refuse_unlike",
    "regressed",
    "render_blame",
    "render_diff",
    "render_explanation",
    "render_matrix",
    "render_summary",
    "reserve_report",
    "setting_differences",
    "stream_path",
    "stream_results",
    "summarize",
    "validate_document",
    "wilson_interval",
]
