"""Programs as lists of lexemes, as the data of kNM-LM (Tang et al., ASE 2023) have them.

`train.txt` holds a program a line, a JSON list of its lexemes from `<s>` to `</s>`, literals
replaced by names such as `<STR_LIT>`; `train_type.txt` beside it the lexemes' types, likewise. Such
a file is read as a corpus: the program is the lexemes with a space between them.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError
from knm.jsonio import read_lines

SUFFIX: Final = ".txt"
LEXEMES: Final = "lexemes"
TYPES: Final = "lexeme_types"
"""Fields of a record: the lexemes of its program, and the type of each."""

_LANGUAGE: Final = "java"
_ENDS: Final = frozenset({"<s>", "</s>"})


def read_lexeme_lists(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and record of each program, of the project that the directory is called by.

    Raises:
        UserError: a file is missing, or a line is no list of lexemes, or of as many types.
    """
    beside = path.with_name(f"{path.stem}_type{SUFFIX}")
    types = _read(beside) if beside.exists() else None
    project = path.resolve().parent.name
    for number, lexemes in _read(path):
        kept = [place for place, lexeme in enumerate(lexemes) if lexeme not in _ENDS]
        own = [lexemes[place] for place in kept]
        value: dict[str, Any] = {
            "id": f"{project}/{path.stem}:{number}",
            "statement": "",
            "program": " ".join(own),
            "language": _LANGUAGE,
            "source": project,
            LEXEMES: own,
        }
        if types is not None:
            line, kinds = next(types, (number, []))
            if len(kinds) != len(lexemes):
                raise UserError(
                    f"{beside}:{line}: {len(kinds)} types, {path}:{number} has {len(lexemes)} "
                    "lexemes: the two files have to go together, line by line"
                )
            value[TYPES] = [kinds[place] for place in kept]
        yield number, value


def _read(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in read_lines(path):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}:{number}: no JSON: {error}") from None
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise UserError(
                f"{path}:{number}: expected a JSON list of texts, the lexemes of a program"
            )
        yield number, value
