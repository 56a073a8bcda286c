"""The original study's whole plan on one model: data, datastores, runs, grid and final report.

An orchestration: every step is done by the package that the command for it alone would call, in
this process, so that the model is loaded once. Reading a plan loads no model library.
"""

from typing import TYPE_CHECKING

from knm.ondemand import load_on_demand
from knm.study.plan import GridPlan, RowPlan, StorePlan, StudyPlan, read_plan

if TYPE_CHECKING:
    from knm.study.running import Study, StudyOutcome
else:
    __getattr__ = load_on_demand(__name__, {"running": ["Study", "StudyOutcome"]})

__all__ = [
    "GridPlan",
    "RowPlan",
    "StorePlan",
    "Study",
    "StudyOutcome",
    "StudyPlan",
    "read_plan",
]
