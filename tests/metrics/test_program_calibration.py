import json
import shutil
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from knm.cli import app, main
from knm.datastore import (
    CorpusExamples,
    Datastore,
    Manifest,
    MiningOptions,
    TrialsInfo,
    mine,
)
from knm.embedded.generator import draw_problems
from knm.engine import EngineSetup, GenerationOptions
from knm.engine.setup import hash_calibration
from knm.errors import UserError
from knm.journal import Journal
from knm.jsonio import write_jsonl
from knm.judging.trials import TrialSettings
from knm.metrics.program_calibration import (
    Programs,
    Written,
    choose_by_programs,
    compare,
    keep_choice,
    without_problems,
)
from knm.metrics.space import parse_space
from knm.models import ChatEncoding, Placement
from knm.packaged import EMBEDDED_CORPUS
from knm.problems import load_problems, load_template
from knm.retrieval import resolve_preset

SPACE = {"preset": "gentle", "space": {"weight": [0.9, 0.4]}}


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    path = tmp_path_factory.mktemp("problems") / "dev.jsonl"
    write_jsonl(path, islice(draw_problems(3, "dev"), 2))
    return load_problems(path)


@pytest.fixture
def store(small_store, tmp_path):
    shutil.copytree(small_store.path, tmp_path / "store")
    return Datastore.open(tmp_path / "store")


def asking(problems, composition):
    """The same problems, the first of another composition."""
    first, *rest = problems
    first = replace(first, extras={**first.extras, "composition": composition})
    return replace(problems, problems=(first, *rest))


def test_records_of_the_problems_are_left_out(store, problems, tmp_path):
    group = store.records[3].group
    others = without_problems(store, asking(problems, group), tmp_path)
    held = [store.records[number].group != group for number in store.provenance["record"]]
    assert 0 < len(others) == sum(held) < len(store)
    assert others.values.tolist() == store.values[held].tolist()
    again = without_problems(store, asking(problems, group), tmp_path)
    assert again.path == others.path


def test_records_of_the_problem_that_one_was_made_of_are_left_out_too(store, problems, tmp_path):
    group = store.records[3].group
    marked = asking(problems, group)
    first, *rest = problems
    made = replace(first, question_id="x-1", extras={**first.extras, "of_problem": group})
    others = without_problems(store, replace(problems, problems=(made, *rest)), tmp_path / "made")
    expected = without_problems(store, marked, tmp_path / "marked")
    assert others.values.tolist() == expected.values.tolist()
    assert 0 < len(others) < len(store)


@pytest.mark.parametrize("asked", [("p", None), ("p-2", "p"), ("p-1", "p")])
def test_what_was_made_of_a_problem_is_of_that_problem(embedded, problems, tmp_path, asked):
    """Programs of problem p, of one that was made of it, and of another, as corpora hold them."""
    marks = [{"problem": "p"}, {"problem": "p-1", "of_problem": "p"}, {"problem": "q"}]
    lines = (EMBEDDED_CORPUS / "train.jsonl").read_text().splitlines()
    corpus = tmp_path / "corpus.jsonl"
    write_jsonl(
        corpus, [{**json.loads(line), **told} for line, told in zip(lines, marks, strict=False)]
    )
    examples = CorpusExamples(corpus, embedded.tokenizer, ChatEncoding(load_template("task")))
    store = mine(embedded, examples, tmp_path / "store", MiningOptions())
    name, made_of = asked
    extras = {} if made_of is None else {"of_problem": made_of}
    problem = replace(problems.problems[0], question_id=name, extras=extras)
    asking = replace(problems, problems=(problem,))
    kept = without_problems(store, asking, tmp_path)
    assert set(kept.provenance["record"]) == {2}
    assert without_problems(store, asking, tmp_path, corpus=corpus).path == kept.path
    # A datastore of before this, or that was imported: its corpus tells.
    older = replace(store, records=[replace(each, group=None) for each in store.records])
    held = without_problems(older, asking, tmp_path, corpus=corpus)
    assert held.values.tolist() == kept.values.tolist()


def test_problems_without_records_leave_the_store_as_it_is(store, problems, tmp_path):
    assert without_problems(store, problems, tmp_path) is store


def test_with_the_corpus_statements_tell_too(store, problems, tmp_path):
    corpus = EMBEDDED_CORPUS / "train.jsonl"
    record = json.loads(corpus.read_text().splitlines()[2])
    first, *rest = problems
    first = replace(first, question_content=record["statement"])
    others = without_problems(
        store, replace(problems, problems=(first, *rest)), tmp_path, corpus=corpus
    )
    place = store.record_ids.index(record["id"])
    assert place not in others.provenance["record"]
    assert len(others) < len(store)


def test_what_cannot_be_measured_is_refused_with_the_mend(store, problems, tmp_path):
    unmarked = replace(store, records=[replace(each, group=None) for each in store.records])
    with pytest.raises(UserError, match="do not say which problem"):
        without_problems(unmarked, problems, tmp_path)
    group = store.records[0].group
    own = replace(store, records=[replace(each, group=group) for each in store.records])
    with pytest.raises(UserError, match="nothing is left to correct by: mine programs of other"):
        without_problems(own, asking(problems, group), tmp_path)
    trials = replace(store.manifest, trials=TrialsInfo(1, 0, 0, 0, 0, None))
    with pytest.raises(UserError, match="holds trials.*leave the option out"):
        without_problems(replace(store, manifest=trials), problems, tmp_path)
    other = EMBEDDED_CORPUS / "dev.jsonl"
    with pytest.raises(UserError, match="lacks record"):
        without_problems(store, problems, tmp_path, corpus=other)


def test_a_killed_run_goes_on_and_the_manifest_keeps_the_choice(
    embedded, store, problems, tmp_path, sandbox
):
    settings = TrialSettings(max_new_tokens=24)
    programs = Programs(embedded, store, problems, settings, "local", 1)
    space = parse_space(SPACE, "here", "calibrated")

    def run(path):
        with Journal(path, "a calibration") as journal:
            return choose_by_programs(programs, space, journal, 1.0)

    whole = run(tmp_path / "a.jsonl")
    lines = (tmp_path / "a.jsonl").read_bytes().splitlines(keepends=True)
    assert len(lines) == 3 * len(problems)  # the LM alone and two weights
    (tmp_path / "b.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:20])
    resumed = run(tmp_path / "b.jsonl")
    assert resumed.calibration == whole.calibration
    assert (tmp_path / "b.jsonl").read_bytes().splitlines(keepends=True) == lines
    assert [settings["weight"] for settings, _ in whole.tried] == [0.4, 0.9]
    assert whole.calibration.problems == len(problems)
    # 24 tokens are no program: nothing is gained, and that is said.
    assert (whole.calibration.weight, whole.preset.lmbda) == (0, 0)
    assert "weight 0: no setting gains" in str(whole.calibration)

    before = hash_calibration(store)
    keep_choice(store, whole.calibration)
    kept = Datastore.open(store.path)
    assert kept.manifest.programs == whole.calibration
    assert kept.manifest.measured == str(whole.calibration)
    setup = EngineSetup(
        "embedded", Placement("cpu", "float32"), GenerationOptions(), None, store.path, "mine"
    )
    assert setup.measured() == f"datastore mine: {whole.calibration}"
    assert (kept.content_hash, hash_calibration(kept)) == (store.content_hash, before)


def choose_by_judged(programs, path):
    """The choice where the journal says that weight .9 gained all problems."""
    space = parse_space(SPACE, "here", "calibrated")
    with Journal(path, "a calibration") as journal:
        choose_by_programs(programs, space, journal, 1.0)
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    for number, entry in enumerate(entries):
        setting = number // len(programs.problems)  # the LM alone, .4, .9
        entry |= {"text": str(setting), "accepted": setting == 2}
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    with Journal(path, "a calibration") as journal:
        return choose_by_programs(programs, space, journal, 1.0)


def test_the_setting_that_gains_is_chosen(embedded, store, problems, tmp_path):
    """Verdicts stand in the journal: there is nothing to decode."""
    programs = Programs(embedded, store, problems, TrialSettings(max_new_tokens=24), "local", 1)
    chosen = choose_by_judged(programs, tmp_path / "a.jsonl")
    assert chosen.preset.lmbda == chosen.calibration.weight == 0.9
    assert chosen.calibration.settings == {"weight": 0.9}
    assert (chosen.calibration.gained, chosen.calibration.lost) == (2, 0)
    assert str(chosen.calibration) == (
        "measured +2 -0 of 2 problems (p = 0.5), preset gentle, weight 0.9"
    )


def test_problems_made_of_one_are_counted_as_one(embedded, store, problems, tmp_path):
    """Two programs of one problem that are gained: what one of them gained chooses for neither."""
    made = replace(
        problems,
        problems=tuple(
            replace(one, extras={**one.extras, "of_problem": "p"}) for one in problems.problems
        ),
    )
    settings = TrialSettings(max_new_tokens=24)
    programs = Programs(embedded, store, made, settings, "local", 1)
    gained = choose_by_judged(programs, tmp_path / "made.jsonl")
    assert (gained.calibration.gained, gained.calibration.weight) == (0, 0)
    apart = choose_by_judged(replace(programs, problems=problems), tmp_path / "apart.jsonl")
    assert (apart.calibration.gained, apart.calibration.weight) == (2, 0.9)


def test_an_older_manifest_tells_of_no_programs(store):
    path = store.path / "manifest.json"
    told = json.loads(path.read_text())
    del told["programs"]
    path.write_text(json.dumps(told))
    assert Manifest.load(store.path).programs is None


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=20))
def test_only_other_completions_have_another_verdict(rows):
    alone = [Written("a", ours) for ours, _, _ in rows]
    other = [Written("a" if same else "b", theirs) for _, theirs, same in rows]
    found = compare(alone, other)
    changed = [(n, theirs - ours) for n, (ours, theirs, same) in enumerate(rows) if not same]
    assert list(zip(found.problems.tolist(), found.outcomes.tolist(), strict=True)) == changed


def test_options_of_programs_need_problems(store, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["knm", "calibrate", str(store.path), "--price", "2"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--price 2.0: has no effect without --problems" in capsys.readouterr().err


def test_the_command_keeps_the_choice_and_writes_a_preset(store, tmp_path, sandbox):
    write_jsonl(tmp_path / "dev.jsonl", islice(draw_problems(3, "dev"), 2))
    (tmp_path / "space.yaml").write_text("preset: gentle\nspace: {weight: [0.4]}\n")
    given = {
        "problems": tmp_path / "dev.jsonl",
        "space": tmp_path / "space.yaml",
        "write-preset": tmp_path / "chosen.yaml",
        "max-new-tokens": 8,
    }
    arguments = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    done = CliRunner().invoke(
        app, ["calibrate", str(store.path), "--device", "cpu", "--json", *arguments]
    )
    assert done.exception is None
    told = json.loads(done.stdout)
    assert told["tried"] == [{"settings": {"weight": 0.4}, "gained": 0, "lost": 0}]
    assert (told["left_out"], told["faults"]) == (0, 0)
    kept = Manifest.load(store.path).programs
    assert kept is not None
    assert kept.problems == told["programs"]["problems"] == 2
    assert resolve_preset(str(tmp_path / "chosen.yaml")).lmbda == kept.weight == 0
