"""Runs as one self-contained HTML page, and each of its charts as an SVG or PNG file."""

from knm.report.formats import ChartFormat
from knm.report.page.asked import Asked, find_asked
from knm.report.page.export import write_charts, write_page
from knm.report.page.runs import Bench, join_runs

__all__ = [
    "Asked",
    "Bench",
    "ChartFormat",
    "find_asked",
    "join_runs",
    "write_charts",
    "write_page",
]
