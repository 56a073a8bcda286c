"""An off-domain corpus: small Lua libraries of utility functions, without input and output.

The counterpart of the contest tasks of `knm.embedded.grammar`: same language, another domain. A
datastore mined from it is a control, which should not help with contest problems.
"""

from knm.embedded.utility.drawing import draw_utilities

__all__ = ["draw_utilities"]
