from dataclasses import replace

import pytest
import torch

from knm.harness.audit import run_audit
from knm.harness.trials import TrialSettings

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
    assert rows["baseline-again"].comparison.identical
    assert rows["weight-0"].comparison.identical
    assert rows["oracle"].result.trial.totals.passed == 3
    assert rows["oracle"].result.token_accuracy > 0.99
