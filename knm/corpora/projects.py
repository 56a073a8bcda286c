"""Projects: directories that hold the source files of one, split into train, valid and test.

Each split is a corpus of its own, `train.jsonl` and so on, or the lists of lexemes of kNM-LM
(`knm.corpora.lexeme_lists`), which call the second split `dev`. Records of source files have an
empty statement.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from knm.corpora.lexeme_lists import SUFFIX
from knm.errors import UserError


class Split(StrEnum):
    """The source files of a project."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


PROJECT_SPLITS: Final[Mapping[str, tuple[str, ...]]] = {
    Split.TRAIN: ("train",),
    Split.VALID: ("valid", "dev"),
    Split.TEST: ("test",),
}
_SUFFIXES: Final = (".jsonl", ".jsonl.gz", SUFFIX)


def find_split(project: Path, split: str) -> Path:
    """The file of a project's split.

    Raises:
        UserError: there is none, or several.
    """
    names = [name + suffix for name in PROJECT_SPLITS[split] for suffix in _SUFFIXES]
    found = [project / name for name in names if (project / name).is_file()]
    if not found:
        raise UserError(f"{project}: holds no split {split}: it needs one of {', '.join(names)}")
    if len(found) > 1:
        raise UserError(
            f"{project}: {' and '.join(path.name for path in found)} are the same split: keep one"
        )
    return found[0]
