import pytest

from knm.bench import OPTIONS, make_options
from knm.bench.options import addoption_arguments
from knm.errors import UserError
from knm.option_fields import variable_of
from knm.options import RunOptions


def test_nothing_given_means_the_embedded_default():
    assert make_options({}) == RunOptions()


def test_each_option_has_a_flag_and_a_twin_in_the_environment():
    assert {option.flag for option in OPTIONS} >= {"--model", "--knn", "--max-new-tokens"}
    assert {variable_of(option) for option in OPTIONS} >= {"KNM_MODEL", "KNM_KNN"}


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
    "name",
    ["limit", "max_new_tokens", "samples", "batch_size", "knn_k", "time_limit", "memory_limit"],
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


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"samples": 4}, "--samples 4 .* --temperature"),
        ({"samples": 4, "temperature": 0.0}, "--samples 4 .* --temperature"),
        ({"top_p": 0.9}, "--top-p has no effect without --temperature"),
        ({"seed": 1}, "--seed has no effect without --temperature"),
        ({"temperature": -0.1}, "--temperature -0.1"),
        ({"temperature": float("nan")}, "--temperature nan"),
        ({"temperature": 1.0, "top_p": 0.0}, "--top-p 0.0"),
        ({"temperature": 1.0, "top_p": 1.5}, "--top-p 1.5"),
        ({"temperature": 1.0, "seed": -1}, "--seed -1"),
    ],
)
def test_sampling_options_that_contradict_or_are_out_of_range_are_named(given, message):
    with pytest.raises(UserError, match=message):
        make_options(given)


def test_sampling_options_go_together():
    options = make_options({"samples": 4, "temperature": 0.8, "top_p": 0.95, "seed": 3})
    assert (options.samples, options.temperature) == (4, 0.8)


def test_the_flags_and_twins_that_users_know_are_there():
    known = [
        "model",
        "dtype",
        "device",
        "devices",
        "engine-requests",
        "decode-only",
        "keep-io",
        "problems",
        "limit",
        "sample-problems",
        "sample-seed",
        "ids",
        "where",
        "prompt",
        "language",
        "max-new-tokens",
        "samples",
        "temperature",
        "top-p",
        "seed",
        "prompt-arg",
        "batch-size",
        "engine",
        "fresh",
        "knn",
        "datastore",
        "knn-preset",
        "knn-k",
        "knn-lambda",
        "knn-temperature",
        "knn-gate",
        "sandbox",
        "time-limit",
        "memory-limit",
        "results",
        "knm-baseline",
        "knm-fail-on",
    ]
    assert {option.flag for option in OPTIONS} == {f"--{name}" for name in known}
    assert {variable_of(option) for option in OPTIONS} == {
        "KNM_" + name.removeprefix("knm-").upper().replace("-", "_") for name in known
    }


def test_an_option_may_be_given_several_times(monkeypatch):
    (option,) = (option for option in OPTIONS if option.name == "prompt_arg")
    assert addoption_arguments(option)["action"] == "append"
    monkeypatch.setenv("KNM_PROMPT_ARG", "enable_thinking=false effort=low")
    assert make_options({}).prompt_arg == ["enable_thinking=false", "effort=low"]
    assert make_options({"prompt_arg": ["a=1"]}).prompt_arg == ["a=1"]
