"""All operations of the grammar."""

from knm.corpora.grammar.model import Catalogue
from knm.corpora.grammar.operations import compound, lists, numbers, strings

CATALOGUE = Catalogue(
    operation for module in (lists, numbers, strings, compound) for operation in module.operations()
)

__all__ = ["CATALOGUE"]
