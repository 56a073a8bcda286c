"""`knm corpus import`: corpora out of what others have published, in files or behind an API.

Each kind of source has an importer; what it finds is checked, matched with problems, cleaned and
judged by the same code for all.
"""

from knm.gathering.importing.found import Found, Importer, Origin, Skip, Skips
from knm.gathering.importing.running import IMPORTERS, Imported, ImportOptions, import_corpus
from knm.gathering.importing.verifying import Verifying

__all__ = [
    "IMPORTERS",
    "Found",
    "ImportOptions",
    "Imported",
    "Importer",
    "Origin",
    "Skip",
    "Skips",
    "Verifying",
    "import_corpus",
]
