"""The options of a run: the one place that names, documents and checks them.

Each option of the command line has a twin in the environment: `--max-new-tokens` is
`KNM_MAX_NEW_TOKENS`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from knm.errors import UserError

MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True)
class RunOptions:
    """What a user asked for; None where a default depends on other choices."""

    model: str = "embedded"
    dtype: str | None = None
    device: str | None = None
    problems: str | None = None
    limit: int | None = None
    prompt: str = "task"
    language: str = "lua"
    max_new_tokens: int = 512
    batch_size: int = 32
    knn: bool = False
    datastore: str | None = None
    knn_preset: str | None = None
    knn_k: int | None = None
    knn_lambda: float | None = None
    knn_temperature: float | None = None
    knn_gate: float | None = None
    sandbox: str = "local"
    time_limit: float = 5.0
    memory_limit: int = 512
    results: str | None = None


@dataclass(frozen=True)
class Option:
    """One command-line option; `name` is its field in `RunOptions`."""

    name: str
    type: type
    metavar: str
    help: str

    @property
    def flag(self) -> str:
        """As typed on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Its twin in the environment."""
        return "KNM_" + self.name.upper()


OPTIONS: Final = (
    Option("model", str, "NAME|PATH|HUB_ID", "causal LM to evaluate (default: embedded)"),
    Option("dtype", str, "NAME", "float32, bfloat16 or float16 (default: by device)"),
    Option("device", str, "NAME", "cpu, cuda, cuda:1 (default: a GPU if there is one)"),
    Option("problems", str, "PATH|HUB_ID", "problem set (default: the embedded one)"),
    Option("limit", int, "N", "only the first N problems"),
    Option("prompt", str, "NAME|FILE", "prompt template (default: task)"),
    Option("language", str, "NAME", "language to be written and judged (default: lua)"),
    Option("max_new_tokens", int, "N", "longest completion, in tokens (default: 512)"),
    Option("batch_size", int, "N", "prompts decoded together (default: 32)"),
    Option("knn", bool, "", "correct the LM from a datastore while decoding"),
    Option("datastore", str, "NAME|PATH", "datastore (default: the embedded model's)"),
    Option("knn_preset", str, "NAME", "retrieval configuration"),
    Option("knn_k", int, "K", "neighbours per query"),
    Option("knn_lambda", float, "W", "weight of the kNN distribution, 0 to 1"),
    Option("knn_temperature", float, "T", "temperature of the softmax over distances"),
    Option("knn_gate", float, "G", "weights below this count as 0, without a search"),
    Option("sandbox", str, "NAME", "where programs run (default: local)"),
    Option("time_limit", float, "SECONDS", "CPU time per test (default: 5)"),
    Option("memory_limit", int, "MIB", "memory per test (default: 512)"),
    Option("results", str, "FILE", "report (default: results/<time>-<model>-<preset>.json)"),
)

_POSITIVE: Final = (
    "limit",
    "max_new_tokens",
    "batch_size",
    "knn_k",
    "time_limit",
    "memory_limit",
)
_NEED_KNN: Final = (
    "datastore",
    "knn_preset",
    "knn_k",
    "knn_lambda",
    "knn_temperature",
    "knn_gate",
)


def make_options(given: Mapping[str, Any]) -> RunOptions:
    """Options from what the command line gave (None: not given), else the environment.

    Raises:
        UserError: a value is of the wrong type or out of range, or two options contradict.
    """
    values = {}
    for option in OPTIONS:
        value = given.get(option.name)
        if value is None and option.variable in os.environ:
            value = _from_environment(option, os.environ[option.variable])
        if value is not None:
            values[option.name] = value
    options = RunOptions(**values)
    _check(options)
    return options


def _from_environment(option: Option, text: str) -> Any:
    if option.type is bool:
        if text.lower() not in {"0", "1", "false", "true", "no", "yes"}:
            raise UserError(f"{option.variable}={text}: give 1 or 0")
        return text.lower() in {"1", "true", "yes"}
    try:
        return option.type(text)
    except ValueError:
        raise UserError(f"{option.variable}={text}: expected {option.type.__name__}") from None


def _check(options: RunOptions) -> None:
    for option in OPTIONS:
        value = getattr(options, option.name)
        if option.name in _POSITIVE and value is not None and value <= 0:
            raise UserError(f"{option.flag} {value}: must be greater than 0")
        if option.name in _NEED_KNN and value is not None and not options.knn:
            raise UserError(f"{option.flag} has no effect without --knn: add --knn, or leave it")


assert {option.name for option in OPTIONS} == {field.name for field in fields(RunOptions)}
