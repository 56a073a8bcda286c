"""`manifest.json`: what a datastore was made from, how far it got and how it is to be read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from knm.codec import from_json
from knm.datastore.arrays import KEY_DTYPES
from knm.errors import UserError
from knm.jsonio import read_json, write_json
from knm.models import FINAL_NORM, ModelIdentity

FORMAT_VERSION: Final = 6
TRIALS_VERSION: Final = 4  # the first whose entries may be trials
OLDEST_VERSION: Final = 3  # that is still read
MANIFEST_NAME: Final = "manifest.json"

Tallies = Mapping[str, "Tally"]


@dataclass(frozen=True)
class DistanceSummary:
    """Distances from stored keys to the nearest key of any other record."""

    sampled: int
    quantiles: Mapping[str, float]  # of the squared L2 distance, by "0.1" ... "0.9"
    nearest_right: float  # share whose nearest neighbour holds the right token


@dataclass(frozen=True)
class Reliability:
    """What corrections would do to text that the datastore has not seen.

    `weight` bounds that of the neighbours: 0 where corrections cost more than they mend. Where the
    nearest key is farther than `distance` (squared L2) they are not worth it either. At that weight
    and within that distance `fixed` is the share of the LM's mistakes that come right and `broken`
    the share of its right predictions that are spoilt. `error_rate` is that of the LM.
    """

    weight: float
    distance: float
    fixed: float
    broken: float
    error_rate: float
    sampled: int


@dataclass(frozen=True)
class Calibration:
    """How near and how trustworthy neighbours are; None where there was nothing to measure.

    `reliability` needs entries of both kinds, where the LM was wrong and where it was right.
    """

    mistake_distance_median: float | None  # squared L2
    mistakes: DistanceSummary | None
    correct: DistanceSummary | None
    reliability: Reliability | None = None


@dataclass(frozen=True)
class IndexInfo:
    """One Faiss index file of a datastore; an option that its kind does not have is None."""

    file: str
    nlist: int | None
    nprobe: int | None
    seed: int
    trained_on: int  # rows
    recall_at_16: float
    faiss_version: str
    m: int | None = None
    nbits: int | None = None
    ef: int | None = None
    refine: int | None = None


@dataclass(frozen=True)
class OutcomePolicy:
    """When a tried token is written instead of the LM's, and what that did where it was measured.

    A candidate's score is the mean outcome of its `k` nearest trials, weighted by distance at
    `temperature` (squared L2), less `crash_price` times their mean crash, drawn to 0 as by `prior`
    trials without effect. It is written where its score is above `threshold` and the LM gave it
    `least_probability`. Over the whole programs of `problems`, each without its own trials and at
    the threshold that other problems choose, that changed `fired`, of which `gained` and `lost` the
    verdict; `price` is what a loss counted for.
    """

    k: int
    temperature: float
    prior: float
    crash_price: float
    least_probability: float
    threshold: float
    problems: int
    fired: int
    gained: int
    lost: int
    price: float


@dataclass(frozen=True)
class TrialsInfo:
    """What a datastore of trials holds: entries that changed a verdict, mended a crash or made one.

    `policy` is None where no policy was worth it: the LM is then left alone.
    """

    problems: int
    gained: int
    lost: int
    mended: int
    broken: int
    policy: OutcomePolicy | None


@dataclass(frozen=True)
class ProgramCalibration:
    """What a datastore of tokens is worth by whole programs, of problems that it knows nothing of.

    `preset` is the preset that was varied, `settings` the values of its fields that are best and
    `weight` the best weight: 0 where no setting was worth it. Of `problems` with a verdict, each
    decoded at the settings that other problems choose, `fired` got another program, `gained` and
    `lost` another verdict, `p_value` by an exact sign test, or, where problems were made of one
    (`of_problem`), by a paired permutation test of those. `price` is what a loss counted for;
    `problems_hash` tells the problems.
    """

    preset: str
    settings: Mapping[str, Any]
    weight: float
    problems: int
    fired: int
    gained: int
    lost: int
    p_value: float
    price: float
    problems_hash: str

    def __str__(self) -> str:
        """In one line."""
        told = f"measured +{self.gained} -{self.lost} of {self.problems:,} problems"
        advice = (
            ", ".join(f"{name} {value}" for name, value in self.settings.items())
            if self.weight
            else "weight 0: no setting gains more than it loses"
        )
        return f"{told} (p = {self.p_value:.2g}), preset {self.preset}, {advice}"


@dataclass(frozen=True)
class Tally:
    """Target positions, and how many of them the LM got wrong."""

    positions: int = 0
    mistakes: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.positions + other.positions, self.mistakes + other.mistakes)


@dataclass(frozen=True)
class MiningStatistics:
    """Sums over the batches that were mined.

    The next batch is number `batch` of window `window`. `tokens` went through the model, without
    padding, in `seconds`; `full` says that the datastore's capacity ended the mining.
    """

    window: int = 0
    batch: int = 0
    tokens: int = 0
    seconds: float = 0.0
    positions: int = 0
    mistakes: int = 0
    by_token_type: Tallies = field(default_factory=dict)
    by_source: Tallies = field(default_factory=dict)
    full: bool = False

    @property
    def tokens_per_second(self) -> float:
        """Tokens that went through the model in a second of mining."""
        return self.tokens / self.seconds if self.seconds else 0.0

    def after(self, seen: "MiningStatistics") -> "MiningStatistics":
        """These and then `seen`: sums, and the place where `seen` ended."""
        return replace(
            seen,
            tokens=self.tokens + seen.tokens,
            seconds=self.seconds + seen.seconds,
            positions=self.positions + seen.positions,
            mistakes=self.mistakes + seen.mistakes,
            by_token_type=add_tallies([self.by_token_type, seen.by_token_type]),
            by_source=add_tallies([self.by_source, seen.by_source]),
        )


def add_tallies(parts: Iterable[Tallies]) -> dict[str, Tally]:
    """The sum of several tallies by name, in the order in which the names come."""
    total: dict[str, Tally] = {}
    for part in parts:
        for name, tally in part.items():
            total[name] = total.get(name, Tally()) + tally
    return total


@dataclass(frozen=True)
class PromptFrame:
    """What stands around the statement in all prompts of a corpus, in words.

    `opening` are the words that all prompts begin with and `closing` those that they end with;
    `{language}` stands for any of `languages`, the names of the corpus's languages.
    """

    opening: Sequence[str]
    closing: Sequence[str]
    languages: Sequence[str]


@dataclass(frozen=True)
class PromptDomain:
    """The commonest words of a corpus's prompts, and how usual its own prompts are by them.

    `shares` are the words' shares of all words, `rare` what any other word counts; a prompt's score
    is the mean logarithm of its words' shares. Words that stand in nearly every prompt,
    `everywhere`, are the template's and do not count. All but one in a hundred of the corpus's own
    prompts score at least `low`. `frame` is None where nobody looked for one.
    """

    everywhere: Sequence[str]
    shares: Mapping[str, float]
    rare: float
    low: float
    frame: PromptFrame | None = None


@dataclass(frozen=True)
class ProjectionInfo:
    """The map that keys went through before they were stored: `projection.npz`."""

    kind: str  # "pca", "metric" or "whitening"
    source_dim: int
    dim: int
    hash: str


@dataclass(frozen=True)
class Manifest:
    """A datastore's description.

    `count` is the number of committed rows, `capacity` the number that the examples so far could
    give, `examples_done` how far mining or editing got and `statistics` what mining saw.
    `content_hash` is None until the datastore is finished. `dim` is the width of the stored keys,
    after the projection where there is one.
    `lineage` lists the edits that made it, oldest first: each an `operation`, its `arguments` and
    the `parents` with their content hashes. A mined datastore has none.
    `trials` is None for a datastore of tokens, whose entries are right continuations of a text.
    `programs` is None where nobody measured it by whole programs. `likely` says whether what the LM
    held likeliest at each entry is stored too; stores of format 4 and before have none. `preset` is
    what it is searched by if nobody says, where whoever mined it named one.

    Raises:
        ValueError: `dim` is not the projection's, or there is no such `key_dtype`.
    """

    model: ModelIdentity
    key_dtype: str
    dim: int
    capacity: int
    corpus_hash: str
    examples_hash: str
    mining: Mapping[str, Any]
    packages: Mapping[str, str]
    key_kind: str = FINAL_NORM
    layer: int | None = None
    distance: str = "l2"
    projection: ProjectionInfo | None = None
    lineage: tuple[Mapping[str, Any], ...] = ()
    count: int = 0
    examples_done: int = 0
    statistics: MiningStatistics | None = None
    content_hash: str | None = None
    calibration: Calibration | None = None
    domain: PromptDomain | None = None
    indexes: Mapping[str, IndexInfo] = field(default_factory=dict)
    trials: TrialsInfo | None = None
    programs: ProgramCalibration | None = None
    likely: bool = False
    preset: str | None = None
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        if self.projection is not None and self.projection.dim != self.dim:
            raise ValueError(f"dim {self.dim} is not that of the projection, {self.projection.dim}")
        if self.key_dtype not in KEY_DTYPES:
            raise ValueError(f"key_dtype {self.key_dtype!r} is none of {sorted(KEY_DTYPES)}")

    @property
    def finished(self) -> bool:
        """Whether mining, or the edit, ran to its end."""
        return self.content_hash is not None

    @property
    def query_dim(self) -> int:
        """The width of the hidden states that are searched for, before any projection."""
        return self.dim if self.projection is None else self.projection.source_dim

    @property
    def mistake_distance_median(self) -> float | None:
        """The unit of temperatures and tolerances, squared L2; None where nothing was measured."""
        return None if self.calibration is None else self.calibration.mistake_distance_median

    @property
    def measured(self) -> str | None:
        """What it did to whole programs, in one line; None where that was not measured."""
        if self.trials is None:
            return None if self.programs is None else str(self.programs)
        policy = self.trials.policy
        if policy is None:
            return None
        return f"measured +{policy.gained} -{policy.lost} of {policy.problems:,} problems"

    def save(self, directory: Path) -> None:
        """Write `manifest.json` atomically."""
        write_json(directory / MANIFEST_NAME, asdict(self), durable=True)

    @classmethod
    def load(cls, directory: Path) -> "Manifest":
        """Read the manifest of the datastore in `directory`.

        Raises:
            UserError: there is none, it is malformed, or another version of knm wrote it.
        """
        path = directory / MANIFEST_NAME
        if not path.is_file():
            raise UserError(f"{directory}: no datastore here (no {MANIFEST_NAME}): run knm mine")
        data = read_json(path)
        version = data.get("format_version") if isinstance(data, dict) else None
        if not isinstance(version, int):
            raise UserError(f"{path}: not a datastore manifest: no format_version")
        if version > FORMAT_VERSION:
            raise UserError(
                f"{path}: format {version} is newer than this knm reads ({FORMAT_VERSION}): "
                "update knm, or mine again"
            )
        if version < OLDEST_VERSION:
            raise UserError(
                f"{path}: format {version} is of an earlier knm and tells too little of entries: "
                "remove the directory and mine again"
            )
        unknown = data.keys() - {field.name for field in fields(cls)}
        where = f"{path}: not a valid datastore manifest"
        if unknown:
            raise UserError(f"{where}: {', '.join(sorted(unknown))}: unknown")
        return from_json(cls, data, where)
