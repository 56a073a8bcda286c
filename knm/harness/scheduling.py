"""How xdist shares problems out: whole decoding batches, so that no batch is decoded twice."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class BatchScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker all problems of one decoding batch; other tests go one by one."""

    def __init__(self, config: pytest.Config, log: Any, batch_size: int) -> None:
        super().__init__(config, log)
        self._batch_size = batch_size
        self._batch_of: dict[str, str] = {}

    def _split_scope(self, nodeid: str) -> str:
        if not self._batch_of:
            problems = [item for item in self.collection or () if is_problem(item)]
            self._batch_of = {
                item: f"batch {index // self._batch_size}" for index, item in enumerate(problems)
            }
        return self._batch_of.get(nodeid, nodeid)


def is_problem(nodeid: str) -> bool:
    """Whether a collected test is one problem of the bench."""
    return "::test_problem[" in nodeid
