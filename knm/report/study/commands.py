"""The command that makes a run of the same settings, from what its report holds."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from knm.option_fields import OptionField, options_of
from knm.options import RunOptions
from knm.outputs import shown_path
from knm.packaged import EMBEDDED, EMBEDDED_PROBLEMS
from knm.report.document import Report

_OPTIONS: Final[Mapping[str, OptionField]] = {
    option.name: option for option in options_of(RunOptions)
}


def commands_of(report: Report) -> Iterator[str]:
    """The lines to type for a run of these settings, into a file of the report's name."""
    environment = report.section.get("environment") or {}
    if environment.get("imported"):
        yield f"knm report import {shlex.quote(str(environment['imported']))} --out {_out(report)}"
        return
    if environment.get("judged"):
        name = shlex.quote(str(environment["judged"]))
        yield f"knm judge --completions {name} --out {_out(report)}"
        return
    words = ["pytest", "bench"]
    for name, value in _settings(report.configuration):
        option = _OPTIONS.get(name)
        if option is None or value is None or value == option.default:
            continue
        words += [option.flag] if value is True else [option.flag, str(value)]
    yield f"{shlex.join(words)} --results {_out(report)}"


def _out(report: Report) -> str:
    return shlex.quote(str(shown_path(report.path)))


def _settings(configuration: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    problems = configuration.get("problems")
    yield "model", configuration.get("model")
    yield "problems", EMBEDDED if problems == EMBEDDED_PROBLEMS.name else problems
    for name in ("limit", "prompt", "language", "max_new_tokens", "samples", "sandbox"):
        yield name, configuration.get(name)
    yield from (configuration.get("subset") or {}).items()
    sampling = configuration.get("sampling") or {}
    if sampling.get("temperature"):
        yield "temperature", sampling["temperature"]
        yield "top_p", None if sampling.get("top_p") == 1.0 else sampling.get("top_p")
        yield "seed", sampling.get("seed") or None
    limits = configuration.get("limits") or {}
    yield "time_limit", limits.get("cpu_seconds")
    yield "memory_limit", limits.get("memory_bytes") and limits["memory_bytes"] >> 20
    knn = configuration.get("knn")
    if isinstance(knn, dict):
        yield "knn", True
        yield "datastore", None if knn.get("datastore") == EMBEDDED else knn.get("datastore")
        preset = knn.get("preset")
        if isinstance(preset, dict):
            yield "knn_preset", preset.get("name")
            yield "knn_k", preset.get("k")
