"""Where what comes with the package lies, by name: paths alone, whatever made the files.

The code that made them is `knm.embedded`; who reads them needs none of it.
"""

from pathlib import Path
from typing import Final

EMBEDDED: Final = "embedded"
"""The name of the packaged model, of its datastore and of the packaged problem set."""

_DIRECTORY: Final = Path(__file__).parent / "embedded"

EMBEDDED_MODEL: Final = _DIRECTORY / "model"
"""Directory of a model as any other."""

EMBEDDED_CORPUS: Final = _DIRECTORY / "corpora" / "lua_cp"
"""Directory of the packaged corpus: `train.jsonl`, `dev.jsonl`, `test.jsonl`."""

UTILITY_CORPUS: Final = _DIRECTORY / "corpora" / "lua_utility"
"""Directory of the packaged corpus of another domain: `train.jsonl`."""

CONTEST: Final = "contest"
"""The name of the packaged contest programs as a corpus, and of a LM's datastore of them."""

CONTEST_PROGRAMS: Final = _DIRECTORY / "corpora" / "lua_contest" / "train.jsonl.gz"
"""Lua programs that a real LM wrote and that passed, with statements that a LM wrote of them."""

CONTEST_PRESET: Final = "residual"
"""What a datastore of them is searched by if nobody says: made for a LM's own programs."""

EMBEDDED_PROBLEMS: Final = _DIRECTORY / "problems"
"""Directory of the packaged problem set."""


def find_corpus(named: str | Path | None, split: str = "train") -> Path:
    """The corpus that a user names: a file, or `contest` where there is none of that name.

    Without a name it is the part `split` of the packaged corpus.
    """
    if named is None:
        return EMBEDDED_CORPUS / f"{split}.jsonl"
    path = Path(named)
    return CONTEST_PROGRAMS if str(path) == CONTEST and not path.exists() else path


def preset_of(corpus: Path) -> str | None:
    """The preset that datastores of a packaged corpus are made for; None of any other."""
    return CONTEST_PRESET if corpus.resolve() == CONTEST_PROGRAMS.resolve() else None
