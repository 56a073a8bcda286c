from dataclasses import replace

import pytest
import torch

from knm.audit import run_audit
from knm.judging.trials import TrialSettings

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
    pytest.mark.usefixtures("sandbox"),
]


def test_a_ladder_of_the_embedded_model_stands_on_a_gpu(settings, tmp_path):
    on_gpu = replace(settings, model="embedded", device="cuda", out=tmp_path, trial=TrialSettings())
    audit = run_audit(on_gpu, curve=[6])
    assert audit.skipped == {}
    rows = {line.result.row.name: line for line in audit.lines}
    assert all(line.result.trial.faults == () for line in audit.lines)
    for name in ("baseline-again", "weight-0"):
        comparison = rows[name].comparison
        assert comparison is not None
        assert comparison.identical
    oracle = rows["oracle"].result
    assert oracle.trial.totals.passed == 3
    assert oracle.token_accuracy is not None
    assert oracle.token_accuracy > 0.95
