"""Problems: records, loading, safe decoding of their tests, prompts, extraction of programs.

Importing this package loads the records alone: who reads results does without the rest.
"""

from typing import TYPE_CHECKING

from knm.ondemand import load_on_demand
from knm.problems.records import BrokenProblem, FieldValue, Problem, ProblemSet, TestSource
from knm.testcases import TestCase

if TYPE_CHECKING:
    from knm.problems.codec import DEFAULT_MAX_BYTES, decode_private_tests, encode_private_tests
    from knm.problems.extraction import extract_program, fence_program
    from knm.problems.loading import load_problems, problems_path, stream_rows
    from knm.problems.prompts import TEMPLATES, PromptTemplate, load_template, sample_prompts
    from knm.problems.selection import ALL, Selection
else:
    __getattr__ = load_on_demand(
        __name__,
        {
            "codec": ["DEFAULT_MAX_BYTES", "decode_private_tests", "encode_private_tests"],
            "extraction": ["extract_program", "fence_program"],
            "loading": ["load_problems", "problems_path", "stream_rows"],
            "prompts": ["TEMPLATES", "PromptTemplate", "load_template", "sample_prompts"],
            "selection": ["ALL", "Selection"],
        },
    )

__all__ = [
    "ALL",
    "DEFAULT_MAX_BYTES",
    "TEMPLATES",
    "BrokenProblem",
    "FieldValue",
    "Problem",
    "ProblemSet",
    "PromptTemplate",
    "Selection",
    "TestCase",
    "TestSource",
    "decode_private_tests",
    "encode_private_tests",
    "extract_program",
    "fence_program",
    "load_problems",
    "load_template",
    "problems_path",
    "sample_prompts",
    "stream_rows",
]
