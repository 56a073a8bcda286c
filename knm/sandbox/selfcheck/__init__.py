"""The self-check: attacks and known answers that every sandbox must pass, and their reporting."""

from knm.sandbox.selfcheck.checking import Checker, Report, Result, all_cases, as_json, run_suite
from knm.sandbox.selfcheck.terminal import render

__all__ = ["Checker", "Report", "Result", "all_cases", "as_json", "render", "run_suite"]
