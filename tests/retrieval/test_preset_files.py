from collections.abc import Callable
from pathlib import Path

import pytest

from knm.errors import UserError
from knm.retrieval import PRESETS, Preset, read_preset, resolve_preset, write_preset
from knm.retrieval.presets import read_presets

COMPLETE = Preset(
    "all of it",
    lmbda=0.5,
    weight_kind="bayes",
    weight_options={"window": 8},
    fusion="residual",
    fusion_options={"eta": 2.5},
    token_types=("identifier", "operator"),
    lexer="python",
    check_copies=True,
    support=0.25,
    temperature=1e-3,
    k=7,
    key_kind="last-layer",
    searcher="torch",
)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_lines(*lines: str) -> Path:
        path = tmp_path / "mine.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write_lines


@pytest.mark.parametrize("preset", [COMPLETE, *PRESETS.values()], ids=lambda each: each.name)
def test_what_is_written_is_read_back(preset, tmp_path):
    path = tmp_path / "preset.yaml"
    write_preset(path, preset)
    assert read_preset(path) == preset
    assert Preset.from_json(preset.to_json()) == preset


def test_a_file_extends_a_preset_of_the_package(write):
    path = write("extends: dense", "k: 4", "token_types: [identifier, literal]")
    dense = resolve_preset("dense")
    preset = resolve_preset(str(path), lmbda=0.3)
    assert (preset.name, preset.k, preset.lmbda) == ("mine", 4, 0.3)
    assert preset.temperature_scale == dense.temperature_scale
    assert preset.token_types == ("identifier", "literal")


def test_what_is_given_drops_what_it_replaces(write):
    preset = read_preset(write("extends: v3", "temperature_scale: 1", "weight_kind: distance"))
    assert (preset.temperature, preset.temperature_scale, preset.gate) == (None, 1.0, 0.0)
    assert preset.weight_options == {"alpha": 0.3, "tau": 0.1}


def test_options_that_are_left_out_are_those_of_the_extended_preset(write):
    preset = read_preset(write("extends: nest", "weight_options: {tau: 0.5}"))
    assert preset.weight_options == {"alpha": 0.3, "tau": 0.5}


def test_a_file_may_stand_alone_and_leave_fields_empty(write):
    preset = read_preset(write("name: own", "weight: 1e-1", "temperature: 3", "token_types:"))
    assert preset == Preset("own", lmbda=0.1, temperature=3.0)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["extends: dense", "wieght: 1"], r"mine.yaml:2: unknown field 'wieght'; fields are: name"),
        (["extends: dense", "", "k: many"], r"mine.yaml:3: k: 'many': must be a whole number"),
        (["extends: dense", "k: 2.5"], r"mine.yaml:2: k: 2.5: must be a whole number"),
        (["weight: true"], r"mine.yaml:1: weight: True: must be a number"),
        (["extends: dense", "weight: nothing"], "weight: 'nothing': must be a number"),
        (["extends: dense", "check_copies: 1"], "check_copies: 1: must be true or false"),
        (["extends: dense", "support: 0"], r"mine.yaml: support 0.0: must be above 0 and at most"),
        (["extends: dense", "support: 1.5"], r"mine.yaml: support 1.5: must be above 0"),
        (["extends: dense", "token_types: identifier"], "must be a list of names"),
        (["extends: dense", "token_types: [verb]"], "'verb': unknown; choose some of outside"),
        (["extends: dense", "weight_options: 3"], "must be a mapping of numbers"),
        (["extends: dense", "k: 1", "k: 2"], r"mine.yaml:3: k is given twice"),
        (["extends: densest"], "extends 'densest': no such preset; choose one of bayes, dense"),
        (["temperature: 1"], "weight is missing"),
        (["weight: 1"], "set either temperature"),
        (["extends: dense", "weight: 2"], r"mine.yaml: weight 2.0: must be from 0 to 1"),
        (["extends: dense", "weight_kind: magic"], "weight_kind 'magic': unknown; choose one of"),
        (["extends: dense", "fusion: magic"], "fusion 'magic': unknown; choose one of mixture"),
        (
            ["extends: dense", "lexer: cobol"],
            "lexer 'cobol': unknown; choose one of c, java, lua, lua5.4",
        ),
        (["extends: dense", "lexer: own.yaml"], "lexer 'own.yaml': unknown; choose one of c"),
        (["extends: dense", "searcher: x"], "searcher 'x': unknown; choose one of auto"),
        (["extends: bayes", "weight_options: {window: 0}"], "window 0: must be a whole number"),
        (["extends: bayes", "weight_options: {width: 1}"], "unknown option 'width'; options are"),
        (["extends: dense", "weight_options: {x: 1}"], "options are: it has none"),
        (["- weight"], "not a preset: expected lines such as"),
        (["weight: ["], "mine.yaml"),
        (["weight: !!python/object:os.system {}"], "mine.yaml:1: weight"),
    ],
)
def test_files_that_are_wrong_say_where(write, lines, message):
    with pytest.raises(UserError, match=message):
        resolve_preset(str(write(*lines)))


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(UserError, match=r"preset nowhere\.yml: no such file"):
        resolve_preset("nowhere.yml")


def write_presets(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text + "\n")
    return folder


def test_presets_of_a_folder_may_extend_each_other_in_any_order(tmp_path):
    found = read_presets(
        write_presets(
            tmp_path,
            a="{extends: b, k: 3}",
            b="{extends: c, weight: 0.5}",
            c="{weight: 0.25, temperature: 2}",
        )
    )
    assert [(name, one.name, one.k, one.lmbda) for name, one in found.items()] == [
        ("a", "a", 3, 0.5),
        ("b", "b", 16, 0.5),
        ("c", "c", 16, 0.25),
    ]
    assert {one.temperature for one in found.values()} == {2.0}


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({"a": "extends: b", "b": "extends: a"}, r"extends itself: a <- b <- a"),
        ({"a": "extends: a"}, r"a\.yaml: extends itself: a <- a"),
        ({"a": "extends: c"}, r"a\.yaml: extends 'c': no such preset; choose one of a"),
    ],
)
def test_presets_of_a_folder_extend_what_is_there(tmp_path, texts, told):
    with pytest.raises(UserError, match=told):
        read_presets(write_presets(tmp_path, **texts))
