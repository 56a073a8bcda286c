import json
from pathlib import Path

from typer.testing import CliRunner

from knm.cli import app
from tests.problems.problem_files import ROOT
from tests.report.page.examples import embedded_data

REFERENCE = [str(ROOT / "results" / name) for name in ("baseline.json", "knn.json")]


def test_the_reference_reports_become_a_page_and_charts(tmp_path: Path) -> None:
    page, charts = tmp_path / "report.html", tmp_path / "charts"
    arguments = ["report", *REFERENCE, "--out", str(page), "--charts", str(charts), "--json"]
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0, run.output
    written = json.loads(run.stdout)
    assert written["page"] == str(page)
    assert str(charts / "flips.svg") in written["charts"]
    index, details = embedded_data(page.read_text(encoding="utf-8"))
    assert len(index["problems"]) == len(details["programs"]) == 186
    assert sum(index["flips"].values()) == 186
    placed = [
        change
        for problem in details["changes"]
        for change in problem[1][0]
        if change[3] is not None
    ]
    assert len(placed) > 1000
    assert all(asked["statement"] and asked["around"] for asked in details["asked"])


def test_paths_are_printed_without_json(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    run = CliRunner().invoke(app, ["report", REFERENCE[0], "--out", str(page)])
    assert run.stdout == f"{page}\n"
