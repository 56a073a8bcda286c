import pytest

from knm.errors import UserError
from knm.harness import OPTIONS, RunOptions, make_options


def test_nothing_given_means_the_embedded_default():
    assert make_options({}) == RunOptions()


def test_each_option_has_a_flag_and_a_twin_in_the_environment():
    assert {option.flag for option in OPTIONS} >= {"--model", "--knn", "--max-new-tokens"}
    assert {option.variable for option in OPTIONS} >= {"KNM_MODEL", "KNM_KNN"}


def test_the_command_line_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("KNM_LIMIT", "7")
    assert make_options({"limit": None}).limit == 7
    assert make_options({"limit": 3}).limit == 3


@pytest.mark.parametrize(("text", "value"), [("1", True), ("yes", True), ("0", False)])
def test_a_flag_is_read_from_the_environment(monkeypatch, text, value):
    monkeypatch.setenv("KNM_KNN", text)
    assert make_options({}).knn is value


@pytest.mark.parametrize(
    ("variable", "text"), [("KNM_KNN", "maybe"), ("KNM_LIMIT", "many"), ("KNM_TIME_LIMIT", "")]
)
def test_a_malformed_variable_is_named(monkeypatch, variable, text):
    monkeypatch.setenv(variable, text)
    with pytest.raises(UserError, match=f"{variable}={text}"):
        make_options({})


@pytest.mark.parametrize(
    "name", ["limit", "max_new_tokens", "batch_size", "knn_k", "time_limit", "memory_limit"]
)
@pytest.mark.parametrize("value", [0, -1])
def test_sizes_must_be_positive(name, value):
    with pytest.raises(UserError, match="--" + name.replace("_", "-")):
        make_options({name: value, "knn": True})


@pytest.mark.parametrize(
    ("name", "value"), [("datastore", "x"), ("knn_preset", "v1"), ("knn_k", 4), ("knn_gate", 0.1)]
)
def test_retrieval_options_without_knn_are_a_contradiction(name, value):
    with pytest.raises(UserError, match="--knn"):
        make_options({name: value})
