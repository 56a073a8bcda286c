import json
from dataclasses import replace
from itertools import islice
from xml.etree import ElementTree

import pytest

from knm.datastore.project import PCAOptions, pca_datastore
from knm.embedded.generator import draw_problems
from knm.hashing import hash_json
from knm.journal import Journal
from knm.jsonio import write_jsonl
from knm.judging.trials import TrialSettings
from knm.metrics import (
    SEARCHES,
    Finals,
    Objective,
    Sweep,
    SweepData,
    choose_axes,
    read_space,
    render_sweep,
)
from knm.metrics.heatmap import draw_heat_map
from knm.metrics.measuring import measure
from knm.metrics.searching import GridSearch
from knm.metrics.space import Choices
from knm.metrics.states import read_blocks, target_counts
from knm.metrics.subject import determinants
from knm.metrics.sweep import Passed
from knm.models import encode_corpus, parse_key_kind
from knm.problems import load_problems, load_template
from knm.retrieval import Retriever, read_preset, resolve_preset, write_preset

SPACE = """
preset: dense
space:
  weight: [0.0, 0.4, 0.8]
  temperature_scale: [0.05, 0.5]
  k: [2, 8]
"""


@pytest.fixture
def space(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(SPACE)
    return read_space(path, "small")


@pytest.fixture(scope="module")
def data(embedded, dev_records):
    return SweepData(embedded, dev_records, load_template("task"), 8192, ())


def run(space, data, store, path, *, objective=None, finals=None, search="grid"):
    with Journal(path, "a sweep") as journal:
        sweep = Sweep(space, data, {"small": store.path}, journal)
        return sweep.run(SEARCHES[search](space, None, 0), objective or Objective(), finals)


def told(result):
    return {**result.to_json(), "resumed": None}


def test_a_resumed_sweep_is_as_an_uninterrupted_one(space, data, small_store, tmp_path):
    whole = run(space, data, small_store, tmp_path / "a.jsonl")
    lines = (tmp_path / "a.jsonl").read_bytes().splitlines(keepends=True)
    assert len(lines) == len(whole.tried) == 12
    (tmp_path / "b.jsonl").write_bytes(b"".join(lines[:7]) + lines[7][:40])
    resumed = run(space, data, small_store, tmp_path / "b.jsonl")
    assert told(resumed) == told(whole)
    assert (whole.resumed, resumed.resumed) == (0, 7)
    again = run(space, data, small_store, tmp_path / "b.jsonl")
    assert told(again) == told(whole)
    assert again.resumed == 12


def test_what_figures_depend_on_is_told_with_the_model_in_one_place(data, small_store):
    preset = resolve_preset("dense")
    alone, corrected = data.determinants(), data.determinants(preset, small_store)
    assert alone.items() > determinants(data.loaded).items()
    assert corrected.items() > determinants(data.loaded, preset, small_store).items()
    assert corrected.items() > alone.items()
    others = [
        replace(data, records=data.records[:2]),
        replace(data, template=load_template("contest")),
        replace(data, asked=("a prompt",)),
    ]
    assert len({hash_json(each.determinants()) for each in (data, *others)}) == 4


def test_other_data_are_measured_anew(space, data, small_store, tmp_path):
    run(space, data, small_store, tmp_path / "a.jsonl")
    other = replace(data, records=data.records[:2])
    assert run(space, other, small_store, tmp_path / "a.jsonl").resumed == 0


def test_scores_are_those_of_each_configuration_by_itself(space, data, small_store, tmp_path):
    result = run(space, data, small_store, tmp_path / "a.jsonl")
    examples = encode_corpus(data.loaded.tokenizer, data.records, data.template)
    blocks = read_blocks(data.loaded, examples, parse_key_kind("final-norm"))
    tried = result.tried[0]
    retriever = Retriever(small_store, tried.point.preset)
    count = int(target_counts(examples).sum())
    lm, (alone,) = measure(data.loaded, blocks, [retriever], count)
    right = [token for example in examples for token in example.ids[example.target_start :]]
    assert tried.scores.accuracy == (alone.corrected.token == right).mean()
    zero = [one.scores for one in result.tried if one.point.preset.lmbda == 0]
    assert {scores.accuracy for scores in zero} == {(lm.token == right).mean()}
    assert all((scores.gained, scores.lost, scores.searched) == (0, 0, 0) for scores in zero)


def test_projected_datastores_are_an_axis_like_others(data, small_store, tmp_path):
    narrow = pca_datastore(small_store, tmp_path / "narrow", PCAOptions(24))
    path = tmp_path / "space.yaml"
    path.write_text("preset: dense\ndatastores: [small, narrow]\nspace: {weight: [0.5, 0.8]}")
    space = read_space(path, "embedded")
    with Journal(tmp_path / "a.jsonl", "a sweep") as journal:
        stores = {"small": small_store.path, "narrow": narrow.path}
        result = Sweep(space, data, stores, journal).run(GridSearch(space, None, 0), Objective())
    assert {one.point.datastore for one in result.tried} == {"small", "narrow"}
    by_store = {
        name: [one.scores for one in result.tried if one.point.datastore == name] for name in stores
    }
    assert by_store["small"] != by_store["narrow"]
    for name, store in (("small", small_store), ("narrow", narrow)):
        alone = {name: store.path}
        space_of_one = replace(space, axes={**space.axes, "datastore": Choices((name,))})
        with Journal(tmp_path / f"{name}.jsonl", "a sweep") as journal:
            sweep = Sweep(space_of_one, data, alone, journal)
            again = sweep.run(GridSearch(space_of_one, None, 0), Objective())
        assert [one.scores for one in again.tried] == by_store[name]


def test_the_objective_decides_the_order(space, data, small_store, tmp_path):
    for name, key in (
        ("accuracy", lambda scores: -scores.accuracy),
        ("perplexity", lambda scores: scores.perplexity),
        ("net-gain", lambda scores: 2.0 * scores.lost - scores.gained),
    ):
        result = run(space, data, small_store, tmp_path / "a.jsonl", objective=Objective(name, 2.0))
        keys = [key(one.scores) for one in result.tried]
        assert keys == sorted(keys)


def test_the_winner_is_a_preset_that_can_be_read(space, data, small_store, tmp_path):
    result = run(space, data, small_store, tmp_path / "a.jsonl")
    preset = result.preset("winner")
    write_preset(tmp_path / "winner.yaml", preset)
    assert read_preset(tmp_path / "winner.yaml") == preset
    assert resolve_preset(str(tmp_path / "winner.yaml")).lmbda == preset.lmbda


def test_of_the_finalists_the_one_that_passes_most_wins(space, data, small_store, tmp_path):
    result = run(space, data, small_store, tmp_path / "a.jsonl")
    for passed, winner in (([1, 2, 2], 1), ([2, 2, 1], 0), ([0, 0, 1], 2), ([], 0)):
        judged = replace(result, finals=tuple(Passed(count, 3) for count in passed))
        assert judged.winner is result.tried[winner]


def test_finalists_and_the_model_alone_are_decoded_once(
    space, data, small_store, tmp_path, sandbox
):
    path = tmp_path / "dev.jsonl"
    write_jsonl(path, islice(draw_problems(3, "dev"), 2))
    finals = Finals(load_problems(path), 1, "local", TrialSettings(max_new_tokens=40), workers=1)
    result = run(space, data, small_store, tmp_path / "a.jsonl", finals=finals)
    assert len(result.finals) == 1
    assert result.baseline is not None
    assert {final.counted for final in (*result.finals, result.baseline)} == {2}
    before = (tmp_path / "a.jsonl").read_bytes()
    again = run(space, data, small_store, tmp_path / "a.jsonl", finals=finals)
    assert told(again) == told(result)
    assert (tmp_path / "a.jsonl").read_bytes() == before
    shown = render_sweep(result)
    assert "the LM alone passes" in shown
    assert shown.count("of 2)") == 2


def test_the_table_marks_the_winner(space, data, small_store, tmp_path):
    result = run(space, data, small_store, tmp_path / "a.jsonl")
    lines = render_sweep(result).splitlines()
    assert lines[1].startswith("*")
    assert "weight" in lines[0]
    assert "datastore" not in lines[0]  # there is but one
    assert lines[-1].startswith("12 configurations")


def test_the_heat_map_has_a_cell_for_each_pair(space, data, small_store, tmp_path):
    result = run(space, data, small_store, tmp_path / "a.jsonl")
    assert choose_axes(space, None) == ("weight", "temperature_scale")
    drawing = ElementTree.fromstring(draw_heat_map(result, ("weight", "k")))
    cells = [each for each in drawing.iter() if each.get("fill", "").startswith("rgb")]
    assert len(cells) == 3 * 2
    best = max(one.objective for one in result.tried)
    assert f"{best:.4g}" in [each.text for each in drawing.iter()]


def test_many_values_of_a_heat_map_are_binned(data, small_store, tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "preset: dense\n"
        "space: {weight: {low: 0.0, high: 0.9}, temperature_scale: {low: 0.01, high: 1, log: true}}"
    )
    space = read_space(path, "small")
    result = run(space, data, small_store, tmp_path / "a.jsonl", search="random")
    drawing = ElementTree.fromstring(draw_heat_map(result, ("weight", "temperature_scale")))
    assert len(result.tried) == 50
    cells = [each for each in drawing.iter() if each.get("fill", "").startswith("rgb")]
    assert 12 < len(cells) <= 50


def test_plain_json_tells_it_all(space, data, small_store, tmp_path):
    result = run(space, data, small_store, tmp_path / "a.jsonl")
    document = json.loads(json.dumps(result.to_json()))
    assert document["winner"] == document["tried"][0]
    assert document["objective"] == {"name": "accuracy", "loss_weight": 3.0}
