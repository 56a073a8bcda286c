"""The options of bench and commands: the one table that names, documents and bounds them.

An option is a field of one of the dataclasses below, annotated by its `Option`. The front ends make
what they need of it: `knm.bench.options` pytest's options and their twins in the environment,
`knm.commands.parameters` a command's parameters. Below the front ends there are no flags: messages
name fields (`knm.errors.named`), which `naming_flags` turns into what the user typed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from knm.errors import UserError
from knm.option_fields import Option

MOST_TEMPERATURE: Final = 2.0


# Options that several dataclasses have, each with a default of its own.
ModelName = Annotated[
    str,
    Option(
        "causal LM: embedded, a directory, a GGUF file or a hub id[@revision]", "NAME|PATH|HUB_ID"
    ),
]
ProblemSetName = Annotated[
    str,
    Option("problem set: embedded, a file, a directory or a hub id[@revision]", "NAME|PATH|HUB_ID"),
]
TemplateName = Annotated[str, Option("prompt template", "NAME|FILE")]
LanguageName = Annotated[str, Option("language to be written and judged", "NAME|FILE")]
CompletionLength = Annotated[int, Option("longest completion, in tokens", "N", least=1)]
BATCH: Final = Option("prompts decoded together", "N", least=1, default="32")
CorpusFile = Annotated[
    Path | None,
    Option(
        "JSONL corpus, or contest: the packaged contest programs",
        "FILE|NAME",
        default="the embedded model's",
    ),
]
RecordLimit = Annotated[
    int | None, Option("only the first N records, without programs that failed", "N", least=1)
]
DatastoreName = Annotated[
    str | None,
    Option(
        "datastore, by name or path",
        "NAME|PATH",
        default="the embedded model's; for others one mined from the packaged contest programs",
        needs="knn",
    ),
]
PRESET: Final = Option(
    "retrieval configuration, by name or a .yaml file",
    "NAME|FILE",
    default="by the datastore",
    needs="knn",
    field="preset",
)
SandboxName = Annotated[
    str, Option("where programs run: local, docker, docker:IMAGE or unsafe", "NAME")
]
TimeLimit = Annotated[float, Option("CPU time per test", "SECONDS", above=0)]
MemoryLimit = Annotated[int, Option("memory per test", "MIB", least=1)]
Workers = Annotated[
    int | None, Option("programs judged at a time", "N", least=1, default="by the cores")
]

Positions = Annotated[
    str,
    Option(
        "what is stored: all, mistakes, mistakes+correct:P (a random share) or low-confidence:P",
        "WHICH",
    ),
]
KeyKind = Annotated[
    str,
    Option(
        "what keys are made of: final-norm, last-layer, last-mlp-input, layer-N, or several joined "
        "by +",
        "KIND",
    ),
]


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Which causal LM, how precise, and where it computes."""

    model: ModelName = "embedded"
    dtype: Annotated[
        str | None,
        Option(
            "dtype of the model: float32, bfloat16 or float16; completions differ by it; on a CPU "
            "with AMX bfloat16 is two to three times as fast",
            "NAME",
            default="by device",
        ),
    ] = None
    device: Annotated[
        str | None,
        Option(
            "where the model computes: cpu, cuda, cuda:1", "NAME", default="a GPU if there is one"
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class SubsetOptions:
    """Which problems of a set: `knm.problems.Selection`."""

    limit: Annotated[int | None, Option("only the first N problems", "N", least=1)] = None
    sample_problems: Annotated[
        int | None,
        Option("only so many problems, drawn by their ids alone: alike for all", "N", least=1),
    ] = None
    sample_seed: Annotated[
        int | None, Option("another draw", "N", default="0", needs="sample_problems")
    ] = None
    ids: Annotated[
        str | None, Option("only the problems that a file lists, one id a line", "FILE")
    ] = None
    where: Annotated[
        str | None,
        Option(
            "only problems whose fields meet a condition, such as 'difficulty==easy and "
            "contest_date>=2024-06'",
            "CONDITION",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ProblemOptions(SubsetOptions):
    """Which problems."""

    problems: ProblemSetName = "embedded"


@dataclass(frozen=True, kw_only=True)
class DecodingOptions:
    """How completions are decoded, by an engine of whatever model."""

    max_new_tokens: CompletionLength = 512
    batch_size: Annotated[int | None, BATCH] = None


@dataclass(frozen=True, kw_only=True)
class ServedDecodingOptions:
    """How completions are decoded for others, who bound them by themselves."""

    max_new_tokens: Annotated[
        int | None,
        Option("longest completion, in tokens", "N", least=1, default="the model's context"),
    ] = None
    batch_size: Annotated[int | None, BATCH] = None


@dataclass(frozen=True, kw_only=True)
class CorrectionOptions:
    """A datastore, and what is set otherwise than in its preset."""

    datastore: DatastoreName = None
    knn_k: Annotated[
        int | None, Option("neighbours per query", "K", least=1, needs="knn", field="k")
    ] = None
    knn_lambda: Annotated[
        float | None,
        Option(
            "lambda, the share of the kNN distribution, 0 to 1", "L", needs="knn", field="lmbda"
        ),
    ] = None
    knn_temperature: Annotated[
        float | None,
        Option("temperature of the softmax over distances", "T", needs="knn", field="temperature"),
    ] = None
    knn_gate: Annotated[
        float | None,
        Option("lambdas below this are 0, without a search", "G", needs="knn", field="gate"),
    ] = None


@dataclass(frozen=True, kw_only=True)
class SwitchOptions:
    """Whether the LM is corrected."""

    knn: Annotated[bool, Option("correct the LM from a datastore while decoding")] = False


# Fields are in the order of the bases from the last to the first, here and below.
@dataclass(frozen=True, kw_only=True)
class RetrievalOptions(CorrectionOptions, SwitchOptions):
    """Whether and how the LM is corrected."""

    knn_preset: Annotated[str | None, PRESET] = None


@dataclass(frozen=True, kw_only=True)
class EngineOptions(RetrievalOptions, DecodingOptions, ModelOptions):
    """An engine: a model, how it decodes, and what corrects it."""


@dataclass(frozen=True, kw_only=True)
class ServedEngineOptions(RetrievalOptions, ServedDecodingOptions, ModelOptions):
    """An engine for others."""


@dataclass(frozen=True, kw_only=True)
class SandboxOptions:
    """Where programs run, and how far."""

    sandbox: SandboxName = "local"
    time_limit: TimeLimit = 5.0
    memory_limit: MemoryLimit = 512


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """How tokens are chosen."""

    samples: Annotated[
        int, Option("completions of each problem; the first decides its test", "N", least=1)
    ] = 1
    temperature: Annotated[
        float,
        Option("0 takes the likeliest token, else sample", "T", least=0, most=MOST_TEMPERATURE),
    ] = 0.0
    top_p: Annotated[
        float | None,
        Option(
            "sample from the likeliest tokens up to this probability",
            "P",
            above=0,
            most=1,
            needs="temperature",
        ),
    ] = None
    seed: Annotated[
        int | None,
        Option("seed of sampling", "N", default="0", least=0, most=2**63 - 1, needs="temperature"),
    ] = None


@dataclass(frozen=True, kw_only=True)
class RunOptions(SandboxOptions, SamplingOptions, ProblemOptions, EngineOptions):
    """What a run of the bench is asked for."""

    prompt: TemplateName = "task"
    prompt_arg: Annotated[
        list[str] | None,
        Option(
            "what the model's chat template is given, as enable_thinking=false; may be repeated",
            "NAME=VALUE",
        ),
    ] = None
    language: LanguageName = "lua"
    engine: Annotated[
        str | None,
        Option(
            "running servers: of `knm serve`, or any that speak OpenAI's protocol",
            "URL[,URL...]",
            default="a process of this run's own",
        ),
    ] = None
    engine_requests: Annotated[
        int | None,
        Option(
            "requests with a server at a time that is not `knm serve`",
            "N",
            least=1,
            default="64",
            needs="engine",
        ),
    ] = None
    devices: Annotated[
        str | None,
        Option("an engine of this run's own on each", "0,1,...", default="one, on --device"),
    ] = None
    fresh: Annotated[bool, Option("ignore completions and verdicts that were kept before")] = False
    decode_only: Annotated[
        bool,
        Option("write completions and judge none: `knm judge` does that, on whichever machine"),
    ] = False
    keep_io: Annotated[
        bool,
        Option("keep all of what a failing test read and wrote, and not its beginning alone"),
    ] = False
    results: Annotated[
        str | None, Option("report", "FILE", default="results/<time>-<model>-<preset>.json")
    ] = None
    knm_baseline: Annotated[
        str | None, Option("report to compare this run with at its end", "FILE")
    ] = None
    knm_fail_on: Annotated[
        str | None,
        Option(
            "what makes the exit status 1 beside faults of sandbox, engine and problems: problem "
            "(any that fails), fault (nothing else), or of the comparison with the baseline "
            "regression, any-loss or p:0.05",
            "CONDITION",
            default="problem",
        ),
    ] = None


def check_sampling(options: SamplingOptions) -> None:
    """Refuse samples that would all be the same.

    Raises:
        UserError: naming the options and the mend.
    """
    if options.samples > 1 and not options.temperature:
        raise UserError(
            f"--samples {options.samples} would be {options.samples} times the same with "
            "--temperature 0: set --temperature above 0"
        )
