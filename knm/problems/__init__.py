"""Problems: records, loading, safe decoding of their tests, prompts, extraction of programs."""

from knm.problems.codec import DEFAULT_MAX_BYTES, decode_private_tests, encode_private_tests
from knm.problems.extraction import extract_program, fence_program
from knm.problems.loading import load_problems, problems_path
from knm.problems.prompts import TEMPLATES, PromptTemplate, load_template, sample_prompts
from knm.problems.records import BrokenProblem, FieldValue, Problem, ProblemSet, TestSource
from knm.problems.selection import ALL, Selection
from knm.testcases import TestCase

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
]
