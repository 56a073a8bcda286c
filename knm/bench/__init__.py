"""The bench: one run of a model over a problem set, as a test run of pytest.

Not to be confused with the folder `bench/` beside this package, which is what a user runs pytest
on. All but the plugin's own modules is free of pytest: `knm serve`, `knm eval` and `knm sweep` take
their engines from here too. Loaded on demand, because pytest loads `entry` in every project.
"""

from typing import TYPE_CHECKING

from knm.ondemand import load_on_demand

if TYPE_CHECKING:
    from knm.bench.completions import CompletionService
    from knm.bench.engines import (
        RunEngine,
        ensure_datastore,
        find_engine,
        objection_to_set,
        prepare_engine,
    )
    from knm.bench.options import OPTIONS, make_options
    from knm.bench.plugin import assert_accepted
    from knm.bench.run import BenchRun, cache_directory, prepare_run
    from knm.bench.service import serve_engine
else:
    __getattr__ = load_on_demand(
        __name__,
        {
            "completions": ("CompletionService",),
            "engines": (
                "RunEngine",
                "ensure_datastore",
                "find_engine",
                "objection_to_set",
                "prepare_engine",
            ),
            "options": ("OPTIONS", "make_options"),
            "plugin": ("assert_accepted",),
            "run": ("BenchRun", "cache_directory", "prepare_run"),
            "service": ("serve_engine",),
        },
    )

__all__ = [
    "OPTIONS",
    "BenchRun",
    "CompletionService",
    "RunEngine",
    "assert_accepted",
    "cache_directory",
    "ensure_datastore",
    "find_engine",
    "make_options",
    "objection_to_set",
    "prepare_engine",
    "prepare_run",
    "serve_engine",
]
