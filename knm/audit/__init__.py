"""The trust ladder: does a datastore help, and would a useless one have looked the same?

One model, corpus, preset and problem set; the rows of `ROWS` are controls, rivals and ceiling.
Choosing rows loads no model library: what runs them is loaded when it is first named.
"""

from typing import TYPE_CHECKING

from knm.audit.rows import ROWS, Role, Row
from knm.ondemand import load_on_demand

if TYPE_CHECKING:
    from knm.audit.checks import Check
    from knm.audit.results import Comparison, Line, RowResult
    from knm.audit.running import Audit, run_audit
    from knm.audit.seeds import Agreement, audit_models
    from knm.audit.stores import STORES, Materials, build_store
    from knm.audit.workbench import AuditSettings
else:
    __getattr__ = load_on_demand(
        __name__,
        {
            "checks": ["Check"],
            "results": ["Comparison", "Line", "RowResult"],
            "running": ["Audit", "run_audit"],
            "seeds": ["Agreement", "audit_models"],
            "stores": ["STORES", "Materials", "build_store"],
            "workbench": ["AuditSettings"],
        },
    )

__all__ = [
    "ROWS",
    "STORES",
    "Agreement",
    "Audit",
    "AuditSettings",
    "Check",
    "Comparison",
    "Line",
    "Materials",
    "Role",
    "Row",
    "RowResult",
    "audit_models",
    "build_store",
    "run_audit",
]
