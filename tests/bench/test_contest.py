"""The datastore that a model without one of its own gets: of the packaged contest programs."""

from dataclasses import replace
from pathlib import Path

import pytest

from knm.bench import find_engine, prepare_engine
from knm.bench.closing import next_commands
from knm.bench.contest import contest_store, ensure_mined
from knm.corpora import save_corpus
from knm.datastore import Datastore
from knm.engine import GenerationOptions, describe_setup
from knm.engine.setup import EngineSetup
from knm.errors import UserError
from knm.models import Placement, identify_model
from knm.options import RunOptions, ServedEngineOptions
from knm.packaged import CONTEST_PROGRAMS, preset_of
from tests.corpora.corpora import record
from tests.engine.configurations import with_datastore
from tests.problems.problem_files import ROOT, short_records, write_problems
from tests.serving import scripted

PLACEMENT = Placement("cpu", "float32")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    """The embedded LM as anybody's: a directory."""
    path = tmp_path_factory.mktemp("models") / "mine"
    path.mkdir()
    for file in (ROOT / "knm/embedded/model").iterdir():
        (path / file.name).symlink_to(file)
    return str(path)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    path: Path = tmp_path_factory.mktemp("corpus") / "programs.jsonl"
    records = [record(f"p{number}", f"print({number})") for number in range(3)]
    save_corpus(path, [replace(one, problem=f"problem-{one.id}") for one in records])
    return path


@pytest.fixture(scope="module")
def problems(tmp_path_factory) -> str:
    """A set of which one problem is that of a program in the corpus, and none of a packaged one."""
    rows = [
        {"question_id": name, "question_content": f"Of {name}.", "private_test_cases": "[]"}
        for name in ("problem-p1", "other")
    ]
    return str(write_problems(tmp_path_factory.mktemp("problems") / "set.jsonl", rows))


@pytest.fixture(scope="module")
def run(model, problems) -> RunOptions:
    """What a run asks for that is to be corrected, of problems that take no time to compare."""
    return RunOptions(model=model, knn=True, problems=problems, device="cpu")


def test_any_model_is_corrected_by_the_contest_programs_if_nobody_names_a_datastore(model, run):
    setup = prepare_engine(replace(run, prompt="contest"), ROOT)
    assert setup.datastore_name == "contest"
    assert setup.datastore is not None
    assert setup.datastore.parent == ROOT / "datastore"
    assert setup.datastore.name.startswith("contest-mine-")
    assert setup.preset is not None
    assert setup.preset.name == "residual"
    assert setup.mining[:6] == (
        *("--model", model, "--corpus", str(CONTEST_PROGRAMS), "--prompt", "contest"),
    )


def test_a_preset_that_is_named_stands(run):
    setup = prepare_engine(replace(run, knn_preset="gentle"), ROOT)
    assert setup.preset is not None
    assert setup.preset.name == "gentle"


def test_a_server_mines_with_the_template_of_contests(model):
    setup = prepare_engine(
        ServedEngineOptions(model=model, knn=True, knn_preset="gentle", max_new_tokens=8), ROOT
    )
    assert "--no-decontaminate" in setup.mining
    assert setup.mining[setup.mining.index("--prompt") + 1] == "contest"


def test_the_embedded_datastore_is_of_the_embedded_model_alone(model):
    with pytest.raises(
        UserError, match="embedded: of the embedded model alone; give --datastore contest"
    ):
        find_engine(RunOptions(model=model, knn=True, datastore="embedded"), ROOT)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"language": "python"}, "packaged programs are Lua, and language is python"),
        ({"prompt": "function"}, "asks for whole programs, and prompt function is no such"),
        ({"prompt": "completion"}, "asks for whole programs, and prompt completion is no such"),
    ],
)
def test_other_programs_are_not_asked_of_it(model, asked, message):
    options = RunOptions(model=model, **asked)
    with pytest.raises(UserError, match=message):
        find_engine(replace(options, knn=True), ROOT)
    assert not [kind for kind, _ in next_commands(options, Path("r.json"), []) if kind == "next"]


def test_a_run_of_any_model_says_how_it_is_corrected(model):
    told = dict(next_commands(RunOptions(model=model), Path("r.json"), ["bench"]))
    assert told["next"] == "pytest bench --knn"
    served = RunOptions(model=model, engine="http://127.0.0.1:1")
    assert "next" not in dict(next_commands(served, Path("r.json"), ["bench"]))


def place_of(options, identity, corpus) -> Path:
    place, _ = contest_store(options, identity, PLACEMENT, Path("/datastores"), corpus)
    return place


def test_its_place_tells_what_it_was_mined_from(model, corpus, problems, run):
    identity = identify_model(model, "float32")
    options = replace(run, problems="embedded")
    own = place_of(options, identity, corpus)
    others = [
        place_of(replace(options, prompt="contest"), identity, corpus),
        place_of(replace(options, problems=problems), identity, corpus),  # leaves one out
        place_of(options, replace(identity, weights_hash="0" * 64), corpus),
        place_of(options, replace(identity, dtype="bfloat16"), corpus),
    ]
    assert len({own, *others}) == 5
    assert own == place_of(replace(options, knn_preset="gentle", samples=4), identity, corpus)


def test_problem_sets_that_ask_for_none_of_the_programs_share_one(model, corpus, tmp_path):
    identity = identify_model(model, "float32")
    other = str(write_problems(tmp_path / "other.jsonl", short_records(1)))
    first, second = (
        contest_store(
            RunOptions(model=model, knn=True, problems=name), identity, PLACEMENT, tmp_path, corpus
        )
        for name in ("embedded", other)
    )
    assert first == second  # the arguments of mining too, so that one goes on with the other's


def test_it_is_mined_once_without_what_the_problems_ask_for(
    model, corpus, run, tmp_path, monkeypatch
):
    monkeypatch.setenv("WORLD_SIZE", "2")  # of a launcher of something else
    identity = identify_model(model, "float32")
    place, mining = contest_store(run, identity, PLACEMENT, tmp_path, corpus)
    setup = replace(prepare_engine(run, ROOT), datastore=place, mining=mining)
    told: list[str] = []
    ensure_mined(setup, told.append)
    assert len(told) == 1
    assert str(place) in told[0]
    assert set(Datastore.open(place).record_ids) == {"p0", "p2"}
    assert describe_setup(setup).datastore == "contest"
    ensure_mined(setup, told.append)
    assert len(told) == 1


def test_a_datastore_of_the_packaged_programs_is_for_their_preset_wherever_it_lies(
    model, corpus, run, tmp_path, monkeypatch
):
    options = replace(run, datastore=str(tmp_path / "mine"))
    _, mining = contest_store(
        options, identify_model(model, "float32"), PLACEMENT, tmp_path, corpus
    )
    setup = prepare_engine(replace(options, datastore=None), ROOT)
    ensure_mined(replace(setup, datastore=tmp_path / "mine", mining=mining), print)
    found = prepare_engine(options, ROOT)
    assert (found.preset and found.preset.name, found.mining) == ("residual", ())
    assert preset_of(CONTEST_PROGRAMS) == "residual"
    assert preset_of(corpus) is None
    monkeypatch.chdir(CONTEST_PROGRAMS.parent)
    assert preset_of(Path(CONTEST_PROGRAMS.name)) == "residual"


def test_other_things_of_that_name_are_not_in_the_way(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "contest").mkdir()
    for datastore in (None, "contest"):
        setup = prepare_engine(replace(run, datastore=datastore), tmp_path)
        assert setup.mining
        assert setup.datastore is not None
        assert setup.datastore.parent == tmp_path / "datastore"


@pytest.mark.parametrize("text", ["extends: outcome", "{extends: residual, key_kind: layer-2}"])
def test_a_preset_that_asks_for_something_else_is_refused_before_it_is_mined(run, tmp_path, text):
    preset = tmp_path / "mine.yaml"
    preset.write_text(text)
    with pytest.raises(UserError, match="mine: it asks for .*, and what is mined is tokens"):
        prepare_engine(replace(run, knn_preset=str(preset)), ROOT)


def test_a_server_that_is_corrected_by_them_is_not_for_every_run(model, run, tmp_path):
    rows = [{"question_id": "ABC042-A", "question_content": "?", "private_test_cases": "[]"}]
    theirs = str(write_problems(tmp_path / "theirs.jsonl", rows))
    preset = prepare_engine(run, ROOT).to_json()["preset"]
    served = EngineSetup(model, PLACEMENT, GenerationOptions(512, 4))
    configuration = with_datastore(describe_setup(served), "contest", preset, "residual")
    with scripted.serving(scripted.ScriptedEngine(), configuration=configuration) as url:
        options = replace(run, engine=url, device=None)
        find_engine(options, ROOT)
        with pytest.raises(UserError, match=r"preset's k: the run has 16"):
            find_engine(replace(options, knn_preset="dense"), ROOT)
        with pytest.raises(UserError, match=r"abc042_a/0: same problem, as ABC042-A"):
            find_engine(replace(options, problems=theirs), ROOT)
        with pytest.raises(UserError, match="packaged programs are Lua"):
            find_engine(replace(options, language="python"), ROOT)


def test_what_kept_it_from_being_mined_is_told(run, tmp_path):
    setup = prepare_engine(run, ROOT)
    missing = ("--corpus", str(tmp_path / "none.jsonl"))
    with pytest.raises(UserError, match=r"programs failed: .*none\.jsonl: no such file"):
        ensure_mined(replace(setup, datastore=tmp_path / "store", mining=missing), print)
