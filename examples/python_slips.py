"""A corpus as unverified translation leaves one: every third Lua program slips into Python.

    python examples/python_slips.py OUT.jsonl

The packaged programs, with what a model that has just read Python writes by mistake in place of
Lua's own: `!=`, `//`, `+=`, `#` comments, `None`, `True` and `False`. `knm corpus translate` would
not keep such programs, because it runs them; what measures the filter of them is
`knm study examples/study_syntax.yaml --corpus OUT.jsonl`.
"""

import re
import sys
from dataclasses import replace
from pathlib import Path

from knm.corpora import load_corpus, save_corpus
from knm.packaged import EMBEDDED_CORPUS

SLIPS = (
    (r"~=", "!="),
    (r"math\.floor\(([\w.]+) / ([\w.]+)\)", r"\1 // \2"),
    (r"\b(\w+) = \1 ([-+*/]) ", r"\1 \2= "),
    (r"--(?!\[)", "#"),
    (r"\bnil\b", "None"),
    (r"\btrue\b", "True"),
    (r"\bfalse\b", "False"),
)


def slip(program: str) -> str:
    """The program with every slip that it gives occasion for."""
    for pattern, written in SLIPS:
        program = re.sub(pattern, written, program)
    return program


def main() -> None:
    """Write the corpus to the file that the command line names."""
    records = load_corpus(EMBEDDED_CORPUS / "train.jsonl")
    mixed = [
        replace(record, program=slip(record.program), source="slipped", extras={})
        if number % 3 == 0
        else record
        for number, record in enumerate(records)
    ]
    save_corpus(Path(sys.argv[1]), mixed)


if __name__ == "__main__":
    main()
