"""The datastore that a model without one of its own gets: of the packaged contest programs."""

from dataclasses import replace
from pathlib import Path

import pytest

from knm.bench import find_engine, prepare_engine
from knm.bench.closing import next_commands
from knm.bench.contest import contest_directory, contest_mining, ensure_mined
from knm.corpora import save_corpus
from knm.datastore import Datastore
from knm.engine import describe_setup
from knm.errors import UserError
from knm.models import identify_model
from knm.options import RunOptions, ServedEngineOptions
from knm.packaged import CONTEST_PROGRAMS
from tests.corpora.corpora import record
from tests.problems.problem_files import ROOT, write_problems


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


@pytest.fixture
def problems(tmp_path) -> str:
    """A set of which one problem is that of a program in the corpus."""
    rows = [
        {"question_id": name, "question_content": f"Of {name}.", "private_test_cases": "[]"}
        for name in ("problem-p1", "other")
    ]
    return str(write_problems(tmp_path / "set.jsonl", rows))


def test_any_model_is_corrected_by_the_contest_programs_if_nobody_names_a_datastore(model):
    setup = prepare_engine(RunOptions(model=model, knn=True, prompt="contest"), ROOT)
    assert setup.datastore_name == "contest"
    assert setup.datastore is not None
    assert setup.datastore.parent == ROOT / "datastore"
    assert setup.datastore.name.startswith("contest-mine-")
    assert setup.preset is not None
    assert setup.preset.name == "residual"
    given = dict(zip(setup.mining[::2], setup.mining[1::2], strict=True))
    assert given["--corpus"] == str(CONTEST_PROGRAMS)
    assert (given["--model"], given["--prompt"]) == (model, "contest")
    assert given["--problems"] == "embedded"


def test_a_preset_that_is_named_stands(model):
    setup = prepare_engine(RunOptions(model=model, knn=True, knn_preset="gentle"), ROOT)
    assert setup.preset is not None
    assert setup.preset.name == "gentle"


def test_a_server_mines_with_the_template_of_contests(model):
    setup = prepare_engine(
        ServedEngineOptions(model=model, knn=True, knn_preset="gentle", max_new_tokens=8), ROOT
    )
    assert "--no-decontaminate" in setup.mining
    assert setup.mining[setup.mining.index("--prompt") + 1] == "contest"


def test_the_embedded_datastore_is_of_the_embedded_model_alone(model):
    with pytest.raises(UserError, match="--datastore embedded: of the embedded model alone"):
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


def test_its_place_tells_what_it_was_mined_from(model, corpus, problems, tmp_path):
    identity = identify_model(model, "float32")
    options = RunOptions(model=model, knn=True)

    def place(chosen: RunOptions, of=identity) -> Path:
        return contest_directory(chosen, of, tmp_path, corpus)

    others = [
        place(replace(options, prompt="contest")),
        place(replace(options, problems=problems)),  # one of its programs is left out
        place(options, replace(identity, weights_hash="0" * 64)),
        place(options, replace(identity, dtype="bfloat16")),
    ]
    assert len({place(options), *others}) == 5
    assert place(options) == place(replace(options, knn_preset="gentle", samples=4))


def test_it_is_mined_once_without_what_the_problems_ask_for(model, corpus, problems, tmp_path):
    options = RunOptions(model=model, knn=True, problems=problems, device="cpu")
    setup = prepare_engine(options, ROOT)
    setup = replace(
        setup,
        datastore=tmp_path / "store",
        mining=contest_mining(options, setup.placement, corpus),
    )
    told: list[str] = []
    ensure_mined(setup, told.append)
    assert len(told) == 1
    assert str(tmp_path / "store") in told[0]
    assert set(Datastore.open(tmp_path / "store").record_ids) == {"p0", "p2"}
    assert describe_setup(setup).datastore == "contest"
    ensure_mined(setup, told.append)
    assert len(told) == 1


def test_what_kept_it_from_being_mined_is_told(model, tmp_path):
    options = RunOptions(model=model, knn=True, device="cpu")
    setup = prepare_engine(options, ROOT)
    missing = contest_mining(options, setup.placement, tmp_path / "none.jsonl")
    with pytest.raises(UserError, match=r"programs failed: .*none\.jsonl: no such file"):
        ensure_mined(replace(setup, datastore=tmp_path / "store", mining=missing), print)
