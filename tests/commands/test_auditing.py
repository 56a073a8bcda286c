import json

import pytest
from typer.testing import CliRunner

from knm.cli import app
from tests.audit.conftest import folder, said, settings, tiny

__all__ = ["folder", "said", "settings", "tiny"]

pytestmark = pytest.mark.usefixtures("sandbox")  # skips where the system has none


def invoke(settings, out, *more):
    return CliRunner().invoke(
        app,
        [
            "audit",
            *("--out", str(out)),
            *("--problems", settings.problems, "--train-programs", "4", "--device", "cpu"),
            *("--max-new-tokens", "8", "--workers", "1", "--preset", "dense"),
            *more,
        ],
        catch_exceptions=False,
    )


def test_an_audit_is_printed_as_a_table_and_as_json(settings, tmp_path):
    rows = ("--model", settings.model, "--rows", "weight-0,in-domain")
    shown = invoke(settings, tmp_path, *rows)
    assert "| store, weight 0 | 0.0 % (0 of 3) |" in shown.stdout
    document = json.loads(invoke(settings, tmp_path, *rows, "--json").stdout)
    assert [row["row"] for row in document["rows"]] == ["baseline", "weight-0", "in-domain"]


def test_several_models_are_audited_side_by_side(settings, tmp_path):
    tiny2 = settings.out.parent / "tiny2"
    tiny2.symlink_to(settings.model)
    models = f"{settings.model},{tiny2}"
    found = invoke(
        settings, tmp_path, "--models", models, "--rows", "in-domain", "--curve", "2", "--json"
    )
    document = json.loads(found.stdout)
    assert document["models"] == ["tiny", "tiny2"]
    assert document["agree"] is True
    assert list(document["audits"]) == ["tiny", "tiny2"]
    assert (tmp_path / "tiny2" / "curve.svg").is_file()


def test_strict_exits_with_1_if_a_check_does_not_hold(settings, tmp_path):
    rows = ("--model", settings.model, "--rows", "oracle")
    assert invoke(settings, tmp_path, *rows).exit_code == 0
    assert invoke(settings, tmp_path, *rows, "--strict").exit_code == 1
