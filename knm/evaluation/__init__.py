"""Measuring a model and a datastore without a sandbox, and looking for settings that do well.

Teacher-forced: every token of a corpus's programs is predicted from the right text before it. This
takes seconds where a run of the bench takes minutes, and is what settings are tuned by; a sweep
gives the last word to Pass@1 on problems of split dev.
"""

from typing import TYPE_CHECKING

from knm.ondemand import load_on_demand

if TYPE_CHECKING:
    from knm.evaluation.corpus_evaluation import (
        CorpusEvaluation,
        EvaluationOptions,
        evaluate_corpus,
    )
    from knm.evaluation.terminal import render_evaluation
else:
    __getattr__ = load_on_demand(
        __name__,
        {
            "corpus_evaluation": ["CorpusEvaluation", "EvaluationOptions", "evaluate_corpus"],
            "terminal": ["render_evaluation"],
        },
    )

__all__ = [
    "CorpusEvaluation",
    "EvaluationOptions",
    "evaluate_corpus",
    "render_evaluation",
]
