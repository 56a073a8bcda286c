"""Reports of runs: their schema, the stream beside them, statistics, totals, comparison, text."""

from knm.report.diff import Difference, ReportDiff, Side, diff_reports, regressed
from knm.report.document import Report, knm_section, load_report
from knm.report.environment import environment_info
from knm.report.schema import SCHEMA_VERSION, ProblemResult
from knm.report.statistics import mcnemar_exact, pass_at_k, wilson_interval
from knm.report.stream import ResultStream, read_stream, stream_path
from knm.report.summary import KnnUse, Throughput, Totals, summarize
from knm.report.terminal import render_diff, render_summary

__all__ = [
    "SCHEMA_VERSION",
    "Difference",
    "KnnUse",
    "ProblemResult",
    "Report",
    "ReportDiff",
    "ResultStream",
    "Side",
    "Throughput",
    "Totals",
    "diff_reports",
    "environment_info",
    "knm_section",
    "load_report",
    "mcnemar_exact",
    "pass_at_k",
    "read_stream",
    "regressed",
    "render_diff",
    "render_summary",
    "stream_path",
    "summarize",
    "wilson_interval",
]
