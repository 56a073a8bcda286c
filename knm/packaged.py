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

EMBEDDED_PROBLEMS: Final = _DIRECTORY / "problems"
"""Directory of the packaged problem set."""
