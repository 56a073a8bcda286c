import json

from typer.testing import CliRunner

from knm.cli import app
from knm.models import load_model
from tests.audit.conftest import folder, tiny

__all__ = ["folder", "tiny"]


def test_a_copy_is_fine_tuned_on_the_packaged_corpus(tiny, tmp_path):
    copy = tmp_path / "copy"
    arguments = ("--model", str(tiny), "--limit", "4", "--epochs", "2", "--batch-size", "2")
    found = CliRunner().invoke(
        app,
        ["finetune", "--out", str(copy), *arguments, "--device", "cpu", "--json"],
        catch_exceptions=False,
    )
    assert json.loads(found.stdout)["steps"] == 4
    weights = [load_model(str(path)).identity.weights_hash for path in (tiny, copy)]
    assert weights[0] != weights[1]
