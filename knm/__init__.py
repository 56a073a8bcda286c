"""kNM-LM bench: a frozen causal LM, corrected at decoding time from a datastore of its mistakes.

What is named here is the way in from Python (`docs/python.md`). Importing it loads nothing, since
the sandbox's processes import it too: each name is loaded when it is first used.
"""

TYPE_CHECKING = False  # type checkers know it by its name; `typing` itself would have to be loaded

__version__ = "0.1.0"

if TYPE_CHECKING:
    from knm.api import corrected, diff, judge, mine
    from knm.corpora import CorpusRecord
    from knm.datastore import Datastore, MiningOptions
    from knm.errors import UserError
    from knm.models import LoadedModel, load_model
    from knm.problems import Problem, TestCase, load_problems, load_template
    from knm.report import Report, ReportDiff, load_report
    from knm.retrieval import Preset, Retriever, resolve_preset
    from knm.sandbox import Judgement, Limits, Sandbox, SandboxUnavailable, Verdict, open_sandbox
else:
    _HOMES = {
        "api": ("corrected", "diff", "judge", "mine"),
        "corpora": ("CorpusRecord",),
        "datastore": ("Datastore", "MiningOptions"),
        "errors": ("UserError",),
        "models": ("LoadedModel", "load_model"),
        "problems": ("Problem", "TestCase", "load_problems", "load_template"),
        "report": ("Report", "ReportDiff", "load_report"),
        "retrieval": ("Preset", "Retriever", "resolve_preset"),
        "sandbox": (
            "Judgement",
            "Limits",
            "Sandbox",
            "SandboxUnavailable",
            "Verdict",
            "open_sandbox",
        ),
    }

    def __getattr__(name):
        for module, names in _HOMES.items():
            if name in names:
                from importlib import import_module

                return getattr(import_module(f"knm.{module}"), name)
        raise AttributeError(f"module 'knm' has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})


__all__ = [
    "CorpusRecord",
    "Datastore",
    "Judgement",
    "Limits",
    "LoadedModel",
    "MiningOptions",
    "Preset",
    "Problem",
    "Report",
    "ReportDiff",
    "Retriever",
    "Sandbox",
    "SandboxUnavailable",
    "TestCase",
    "UserError",
    "Verdict",
    "__version__",
    "corrected",
    "diff",
    "judge",
    "load_model",
    "load_problems",
    "load_report",
    "load_template",
    "mine",
    "open_sandbox",
    "resolve_preset",
]
