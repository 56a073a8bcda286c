"""Measuring a model and a datastore without a sandbox, and looking for settings that do well.

Teacher-forced: every token of a corpus's programs is predicted from the right text before it. This
takes seconds where a run of the bench takes minutes, and is what settings are tuned by; a sweep
gives the last word to Pass@1 on problems of split dev.
"""

from typing import TYPE_CHECKING

from knm.ondemand import load_on_demand

if TYPE_CHECKING:
    from knm.metrics.completion import CompletionEvaluation, evaluate_completion
    from knm.metrics.corpus_evaluation import (
        CorpusEvaluation,
        EvaluationOptions,
        evaluate_corpus,
    )
    from knm.metrics.discrimination import KeyComparison, compare_keys
    from knm.metrics.heatmap import choose_axes, write_heat_map
    from knm.metrics.keyed import DiscriminationOptions
    from knm.metrics.scoring import OBJECTIVES, Objective
    from knm.metrics.searching import SEARCHES
    from knm.metrics.space import parse_space, read_space
    from knm.metrics.sweep import Finals, Sweep, SweepData, SweepResult
    from knm.metrics.sweep_terminal import render_sweep
    from knm.metrics.terminal import render_completion, render_evaluation, render_keys
else:
    __getattr__ = load_on_demand(
        __name__,
        {
            "completion": ["CompletionEvaluation", "evaluate_completion"],
            "corpus_evaluation": ["CorpusEvaluation", "EvaluationOptions", "evaluate_corpus"],
            "discrimination": ["KeyComparison", "compare_keys"],
            "heatmap": ["choose_axes", "write_heat_map"],
            "keyed": ["DiscriminationOptions"],
            "scoring": ["OBJECTIVES", "Objective"],
            "searching": ["SEARCHES"],
            "space": ["parse_space", "read_space"],
            "sweep": ["Finals", "Sweep", "SweepData", "SweepResult"],
            "sweep_terminal": ["render_sweep"],
            "terminal": ["render_completion", "render_evaluation", "render_keys"],
        },
    )

__all__ = [
    "OBJECTIVES",
    "SEARCHES",
    "CompletionEvaluation",
    "CorpusEvaluation",
    "DiscriminationOptions",
    "EvaluationOptions",
    "Finals",
    "KeyComparison",
    "Objective",
    "Sweep",
    "SweepData",
    "SweepResult",
    "choose_axes",
    "compare_keys",
    "evaluate_completion",
    "evaluate_corpus",
    "parse_space",
    "read_space",
    "render_completion",
    "render_evaluation",
    "render_keys",
    "render_sweep",
    "write_heat_map",
]
