"""A small typed grammar of competitive-programming tasks.

One task renders as an English statement, a Python program, a Lua program and tests. The grammar
knows nothing of models or corpora: `knm.embedded` draws training mixes and problem sets from it.
"""

from knm.embedded.grammar.model import Catalogue, Operation, Type
from knm.embedded.grammar.operations import CATALOGUE
from knm.embedded.grammar.oracle import OutOfBounds, answer, draw_test
from knm.embedded.grammar.programs import Style, render_program
from knm.embedded.grammar.shapes import SHAPES, Drawn, Shape
from knm.embedded.grammar.statements import render_statement
from knm.embedded.grammar.tasks import BUCKETS, Task, bucket_of, draw_task

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
