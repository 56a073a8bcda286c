import shutil
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from knm.audit import ROWS, run_audit
from knm.engine.setup import hardware_of
from knm.errors import UserError
from knm.jsonio import read_json, write_json
from knm.metrics.subject import determinants
from knm.models import load_model, resolve_placement

pytestmark = pytest.mark.usefixtures("sandbox")  # skips where the system has none


@pytest.fixture
def copied(audit, settings, tmp_path):
    """The settings with a copy of the finished audit to spoil."""
    return replace(settings, out=shutil.copytree(settings.out, tmp_path / "out"))


def times(out):
    return {path.name: path.stat().st_mtime_ns for path in (out / "rows").iterdir()}


def by_row(audit):
    return {line.result.row.name: line for line in audit.lines}


def test_every_row_is_run_and_told(audit, settings, said):
    assert list(by_row(audit)) == list(ROWS)
    assert [line.result.row.programs for line in audit.curve] == [3, 12]
    assert not audit.skipped
    document = read_json(settings.out / "audit.json")
    assert [row["row"] for row in document["rows"]] == list(ROWS)
    assert {path.stem for path in (settings.out / "rows").iterdir()} == {
        *ROWS,
        "curve-3",
        "curve-12",
    }
    assert len(said) == len(ROWS) + 2  # two of the curve
    assert all(row["counted"] == 3 and row["faults"] == 0 for row in document["rows"])


def test_noise_floor_and_weight_0_are_identical_and_a_store_is_not(audit):
    rows = by_row(audit)
    assert rows["baseline-again"].comparison.identical
    assert rows["weight-0"].comparison.identical
    assert not rows["in-domain"].comparison.identical
    assert rows["baseline"].comparison is None


def test_the_oracle_solves_what_the_model_cannot(audit):
    rows = by_row(audit)
    assert rows["baseline"].result.trial.totals.passed == 0
    assert rows["oracle"].comparison.gained
    assert rows["oracle"].result.token_accuracy > 0.95


def test_controls_hold_as_much_as_the_real_store(audit):
    rows = by_row(audit)
    entries = rows["in-domain"].result.store.entries
    assert rows["shuffled"].result.store.entries == entries
    assert rows["random"].result.store.entries == entries
    assert 0 < rows["mistakes-v1"].result.store.entries < entries
    assert audit.curve[0].result.store.entries < audit.curve[1].result.store.entries == entries


def test_useless_stores_foresee_fewer_tokens(audit):
    accuracy = {name: line.result.token_accuracy for name, line in by_row(audit).items()}
    assert accuracy["shuffled"] < accuracy["in-domain"]
    assert accuracy["weight-0"] == accuracy["baseline"]


def test_python_rows_are_compared_with_python(audit):
    rows = by_row(audit)
    assert rows["python-store"].comparison.against == "python"
    assert rows["python"].result.configuration["trial"]["language"] == "python"


def test_a_second_call_runs_nothing_again(audit, copied):
    before = times(copied.out)
    shutil.rmtree(copied.out / "models")
    again = run_audit(copied, curve=[3, 12])
    assert times(copied.out) == before
    assert not (copied.out / "models").exists()  # nor is the copy fine-tuned again
    assert [line.to_json() for line in again.lines] == [line.to_json() for line in audit.lines]


def test_a_row_depends_on_the_engine_and_the_model_as_all_figures_do(audit):
    model = load_model(audit.facts["model"]["name"])
    told = determinants(model)
    told["device"] = hardware_of(resolve_placement("cpu", model.identity.dtype))
    assert audit.facts["device"] == told["device"]
    for line in audit.lines:
        found = line.result.configuration
        assert {name: found[name] for name in told} == told
        assert ("indexes" in found) == (line.result.store is not None)


def test_only_rows_of_another_configuration_are_run_again(copied):
    before = times(copied.out)
    run_audit(replace(copied, preset="v1"), rows=["in-domain", "mistakes-v1"])
    after = times(copied.out)
    assert {name for name in after if after[name] != before[name]} == {"in-domain.json"}


def test_a_row_that_lost_problems_to_the_sandbox_is_run_again(audit, copied):
    path = copied.out / "rows" / "baseline.json"
    value = read_json(path)
    value["trial"]["results"][0]["samples"][0]["judgement"]["verdict"] = "sandbox-fault"
    write_json(path, value)
    (line,) = run_audit(copied, rows=["baseline"]).lines
    assert line.result.trial.faults == ()
    assert line.result.trial.results[0].verdict == audit.lines[0].result.trial.results[0].verdict


def test_rows_are_run_with_those_that_they_are_compared_with(copied):
    audit = run_audit(copied, rows=["python-store"])
    assert list(by_row(audit)) == ["baseline", "python", "python-store"]


def test_what_cannot_be_run_is_skipped_unless_it_is_asked_for(copied):
    alone = replace(copied, off_domain=None)
    assert "give the audit one" in run_audit(alone).skipped["off-domain"]
    with pytest.raises(UserError, match="row off-domain: no off-domain corpus"):
        run_audit(alone, rows=["off-domain"])


def test_unknown_rows_and_too_few_programs_are_named(copied):
    with pytest.raises(UserError, match="rows nonsense: no such row"):
        run_audit(copied, rows=["nonsense"])
    with pytest.raises(UserError, match="holds 1228 programs, 5000 were asked for"):
        run_audit(copied, rows=["baseline"], curve=[5000])
    with pytest.raises(UserError, match="holds 1228 programs, 2000 were asked for"):
        run_audit(replace(copied, programs=2000))


def test_the_table_and_the_pictures_show_every_row(audit, settings):
    table = (settings.out / "audit.md").read_text()
    picture = ElementTree.parse(settings.out / "audit.svg").getroot()
    drawn = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    for row in ROWS.values():
        assert f"| {row.title} | " in table
        assert row.title in drawn
    assert "| LM alone, again | 0.0 % (0 of 3) | 0.0-56.1 % | identical | 1 |" in table
    assert "| store of 12 programs |" in table
    curve = ElementTree.parse(settings.out / "curve.svg").getroot()
    assert "12" in [text.text for text in curve.iter("{http://www.w3.org/2000/svg}text")]


def test_a_prompt_for_lua_alone_does_not_keep_python_out(copied):
    contest = replace(copied, trial=replace(copied.trial, prompt="contest", max_new_tokens=8))
    rows = by_row(run_audit(contest, rows=["python"]))
    prompts = {name: row.result.configuration["trial"]["prompt"] for name, row in rows.items()}
    assert prompts == {"baseline": "contest", "python": "task"}
    lua, python = (rows[name].result.configuration["prompt"] for name in ("baseline", "python"))
    assert lua != python
