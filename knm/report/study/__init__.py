"""The final report of a study: its tables and pictures, and the commands that made them.

As Markdown with pictures beside it, or as one PDF (extra `pdf`).
"""

from knm.report.formats import StudyFormat
from knm.report.study.content import compose_study
from knm.report.study.documents import check_study, write_study

__all__ = ["StudyFormat", "check_study", "compose_study", "write_study"]
