"""The trust ladder: does a datastore help, and would a useless one have looked the same?

One model, corpus, preset and problem set; the rows of `ROWS` are controls, rivals and ceiling.
"""

from knm.harness.audit.checks import Check
from knm.harness.audit.results import Comparison, Line, RowResult
from knm.harness.audit.rows import ROWS, Role, Row
from knm.harness.audit.running import Audit, run_audit
from knm.harness.audit.seeds import Agreement, audit_models, train_models
from knm.harness.audit.stores import STORES, Materials, build_store
from knm.harness.audit.workbench import AuditSettings

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
    "train_models",
]
