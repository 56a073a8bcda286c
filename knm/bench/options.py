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
MOST_TEMPERATURE: Final = 2.0


@dataclass(frozen=True)
class RunOptions:
    """What a user asked for; None where a default depends on other choices."""

    model: str = "embedded"
    dtype: str | None = None
    device: str | None = None
    problems: str = "embedded"
    limit: int | None = None
    prompt: str = "task"
    language: str = "lua"
    max_new_tokens: int = 512
    samples: int = 1
    temperature: float = 0.0
    top_p: float | None = None
    seed: int | None = None
    batch_size: int | None = None
    engine: str | None = None
    fresh: bool = False
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
    knm_baseline: str | None = None
    knm_fail_on: str | None = None


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
        return "KNM_" + self.name.upper().removeprefix("KNM_")


OPTIONS: Final = (
    Option("model", str, "NAME|PATH|HUB_ID", "causal LM to evaluate (default: embedded)"),
    Option("dtype", str, "NAME", "float32, bfloat16 or float16 (default: by device)"),
    Option("device", str, "NAME", "cpu, cuda, cuda:1 (default: a GPU if there is one)"),
    Option("problems", str, "NAME|PATH|HUB_ID", "problem set (default: embedded)"),
    Option("limit", int, "N", "only the first N problems"),
    Option("prompt", str, "NAME|FILE", "prompt template (default: task)"),
    Option("language", str, "NAME|FILE", "language to be written and judged (default: lua)"),
    Option("max_new_tokens", int, "N", "longest completion, in tokens (default: 512)"),
    Option("samples", int, "N", "completions of each problem; the first decides its test"),
    Option("temperature", float, "T", "0 takes the likeliest token, else sample (default: 0)"),
    Option("top_p", float, "P", "sample from the likeliest tokens up to this probability"),
    Option("seed", int, "N", "seed of sampling (default: 0)"),
    Option("batch_size", int, "N", "prompts decoded together (default: 32)"),
    Option("engine", str, "URL", "a running `knm serve` (default: a process of this run's own)"),
    Option("fresh", bool, "", "ignore completions that were kept before"),
    Option("knn", bool, "", "correct the LM from a datastore while decoding"),
    Option("datastore", str, "NAME|PATH", "datastore (default: the embedded model's)"),
    Option("knn_preset", str, "NAME|FILE", "retrieval configuration, by name or a .yaml file"),
    Option("knn_k", int, "K", "neighbours per query"),
    Option("knn_lambda", float, "W", "weight of the kNN distribution, 0 to 1"),
    Option("knn_temperature", float, "T", "temperature of the softmax over distances"),
    Option("knn_gate", float, "G", "weights below this count as 0, without a search"),
    Option("sandbox", str, "NAME", "local, docker, docker:IMAGE or unsafe (default: local)"),
    Option("time_limit", float, "SECONDS", "CPU time per test (default: 5)"),
    Option("memory_limit", int, "MIB", "memory per test (default: 512)"),
    Option("results", str, "FILE", "report (default: results/<time>-<model>-<preset>.json)"),
    Option("knm_baseline", str, "FILE", "report to compare this run with at its end"),
    Option(
        "knm_fail_on",
        str,
        "CONDITION",
        "regression, any-loss or p:0.05 against the baseline; it alone then decides whether "
        "problems that fail make the exit status 1",
    ),
)

_POSITIVE: Final = (
    "limit",
    "max_new_tokens",
    "samples",
    "batch_size",
    "knn_k",
    "time_limit",
    "memory_limit",
)
_NEED_TEMPERATURE: Final = ("top_p", "seed")
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
    check_options(options)
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


def check_options(options: RunOptions) -> None:
    """Refuse values out of range, and options that contradict each other.

    Raises:
        UserError: naming the option and the mend.
    """
    for option in OPTIONS:
        value = getattr(options, option.name)
        if option.name in _POSITIVE and value is not None and value <= 0:
            raise UserError(f"{option.flag} {value}: must be greater than 0")
        if option.name in _NEED_KNN and value is not None and not options.knn:
            raise UserError(f"{option.flag} has no effect without --knn: add --knn, or leave it")
        if option.name in _NEED_TEMPERATURE and value is not None and not options.temperature:
            raise UserError(
                f"{option.flag} has no effect without --temperature: set one above 0, or leave it"
            )
    _check_sampling(options)
    if options.knm_fail_on is not None and options.knm_baseline is None:
        raise UserError("--knm-fail-on has no effect without --knm-baseline FILE: add it")


def _check_sampling(options: RunOptions) -> None:
    if not 0 <= options.temperature <= MOST_TEMPERATURE:
        raise UserError(
            f"--temperature {options.temperature}: must be from 0 to {MOST_TEMPERATURE}"
        )
    if options.top_p is not None and not 0 < options.top_p <= 1:
        raise UserError(f"--top-p {options.top_p}: must be above 0 and at most 1")
    if options.seed is not None and not 0 <= options.seed < 2**63:
        raise UserError(f"--seed {options.seed}: must be from 0 to 2^63 - 1")
    if options.samples > 1 and not options.temperature:
        raise UserError(
            f"--samples {options.samples} would be {options.samples} times the same with "
            "--temperature 0: set --temperature above 0"
        )


assert {option.name for option in OPTIONS} == {field.name for field in fields(RunOptions)}
