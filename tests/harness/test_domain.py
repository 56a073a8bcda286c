from dataclasses import replace

import numpy as np
import pytest

from knm.datastore import RecordOrigin
from knm.datastore.domain import describe_prompts
from knm.harness.domain import preset_within
from knm.retrieval import resolve_preset
from tests.retrieval.stores import store_of


def store_in(*languages: str | None):
    origins = [RecordOrigin(f"r{number}", language) for number, language in enumerate(languages)]
    return replace(store_of(np.zeros((2, 2))), records=tuple(origins))


def test_a_datastore_of_another_language_is_not_used_and_that_is_said(capsys):
    preset = preset_within(resolve_preset("trusted"), store_in("lua"), "python")
    assert preset.weight == 0
    assert "holds lua, the run writes python" in capsys.readouterr().err


def contest(number: int) -> str:
    return f"You are given N and a list. Print the sum times {'two ' * (number % 3)}. Input Output"


def test_prompts_of_another_kind_are_foreign_and_that_is_said(capsys):
    domain = describe_prompts([contest(number) for number in range(60)])
    store = store_in("lua")
    store = replace(store, manifest=replace(store.manifest, domain=domain))
    trusted = resolve_preset("trusted")
    assert preset_within(trusted, store, "lua", [contest(4), contest(5)]) == trusted
    foreign = ["Return the reversed copy of a queue.", "Merge two sorted iterators lazily."]
    assert preset_within(trusted, store, "lua", foreign).weight == 0
    assert "of another kind" in capsys.readouterr().err


@pytest.mark.parametrize("language", ["lua", "lua5.4"])
def test_a_datastore_of_the_language_or_its_dialect_is_used(language, capsys):
    trusted = resolve_preset("trusted")
    assert preset_within(trusted, store_in("python", "lua"), language) == trusted
    assert not capsys.readouterr().err


def test_presets_with_a_weight_of_their_own_are_left_alone():
    dense = resolve_preset("dense")
    assert preset_within(dense, store_in("lua"), "python") == dense


def test_a_datastore_that_does_not_tell_its_language_is_used():
    trusted = resolve_preset("trusted")
    assert preset_within(trusted, store_in(None), "python") == trusted
