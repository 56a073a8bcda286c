import pytest
from typer.testing import CliRunner

from knm.cli import app
from knm.corpora import load_corpus
from knm.datastore import Datastore
from knm.errors import UserError
from knm.packaged import EMBEDDED_CORPUS
from knm.records import Neighbour
from knm.report.origins import origin_finder
from tests.report.builders import result, write_report

TRAIN = EMBEDDED_CORPUS / "train.jsonl"
ENCODINGS = {"chat": [], "raw": ["--format", "raw", "--block-tokens", "64", "--stride", "32"]}


@pytest.fixture(scope="module", params=ENCODINGS)
def store(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("origins") / "store"
    options = ["--limit", "3", "--no-decontaminate", *ENCODINGS[request.param]]
    mined = CliRunner().invoke(app, ["mine", "--out", str(path), *options])
    assert mined.exit_code == 0, mined.output
    return Datastore.open(path)


@pytest.fixture
def report(store, tmp_path):
    return write_report(
        tmp_path / "run.json",
        [result("p")],
        configuration={"prompt": "task"},
        hashes={"datastore": store.content_hash},
    )


def test_an_entry_is_found_with_its_line_and_what_the_lm_had_predicted(store, report, embedded):
    records = {record.id: record for record in load_corpus(TRAIN)[:3]}
    find = origin_finder(report, store.path, TRAIN)
    assert len(store) > 100
    in_lines = 0
    for row in range(0, len(store), 9):
        origin = store.provenance[row]
        record = records[store.record_ids[int(origin["record"])]]
        token = embedded.tokenizer.decode([int(store.values[row])])
        found = find(Neighbour(token, 1.0, record.id, int(origin["offset"])))
        assert found.lm_token == embedded.tokenizer.decode([int(origin["predicted"])])
        assert found.probability == pytest.approx(float(origin["probability"]))
        assert found.source == "grammar"
        if token.strip() and token.strip() in record.program:
            assert token.strip() in str(found.line)
            assert found.line in f"```lua\n{record.program}\n```".split("\n")
            in_lines += 1
    assert in_lines > 5


def test_another_token_than_the_corpus_has_there_shows_no_line(store, report):
    find = origin_finder(report, store.path, TRAIN)
    origin = store.provenance[20]
    record = store.record_ids[int(origin["record"])]
    assert find(Neighbour("surely not", 1.0, record, int(origin["offset"]))).line is None


def test_a_record_that_the_corpus_lacks_is_told_nothing_of(report):
    assert origin_finder(report, None, TRAIN)(Neighbour("x", 1.0, "unknown", 3)).line is None


def test_another_datastore_than_the_runs_is_refused(store, tmp_path):
    other = write_report(tmp_path / "other.json", [result("p")], configuration={"prompt": "task"})
    with pytest.raises(UserError, match="the run's was"):
        origin_finder(other, store.path, None)
