"""A small typed grammar of competitive-programming tasks.

One task renders as an English statement, a Python program, a Lua program and tests. The grammar
knows nothing of models or corpora: `knm.corpora` draws training mixes and problem sets from it.
"""

from knm.corpora.grammar.model import Catalogue, Operation, Type
from knm.corpora.grammar.operations import CATALOGUE
from knm.corpora.grammar.oracle import OutOfBounds, answer, draw_test
from knm.corpora.grammar.programs import Style, render_program
from knm.corpora.grammar.shapes import SHAPES, Drawn, Shape
from knm.corpora.grammar.statements import render_statement
from knm.corpora.grammar.tasks import BUCKETS, Task, bucket_of, draw_task

__all__ = [
    "BUCKETS",
    "CATALOGUE",
    "SHAPES",
    "Catalogue",
    "Drawn",
    "Operation",
    "OutOfBounds",
    "Shape",
    "Style",
    "Task",
    "Type",
    "answer",
    "bucket_of",
    "draw_task",
    "draw_test",
    "render_program",
    "render_statement",
]
