"""All operations of the grammar."""

from knm.embedded.grammar.model import Catalogue
from knm.embedded.grammar.operations import compound, lists, numbers, strings

CATALOGUE = Catalogue(
    operation for module in (lists, numbers, strings, compound) for operation in module.operations()
)

__all__ = ["CATALOGUE"]
