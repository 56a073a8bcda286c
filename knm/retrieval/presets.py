"""Complete retrieval configurations: named ones of this package, or a user's YAML file."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final

from knm.datastore import Datastore, Manifest, MiningOptions
from knm.errors import UserError, named
from knm.languages.descriptions import is_file
from knm.languages.language import lexer_names, lexer_rules
from knm.languages.machine import TokenType
from knm.options import RetrievalOptions
from knm.packaged import preset_of
from knm.retrieval.fusions import EXCHANGE, FUSIONS, Fusion, FusionKind
from knm.retrieval.parameters import WeightSettings, complete
from knm.retrieval.predictions import Predictions
from knm.retrieval.preset_files import (
    NAMED,
    check_default_name,
    check_preset_name,
    is_preset_file,
    read_fields,
    write_fields,
)
from knm.retrieval.searchers import AUTO, SEARCHERS
from knm.retrieval.weights import OUTCOME, WEIGHTS, Weight, WeightKind

DEFAULT_PRESET: Final = "trusted"
TRIALS_PRESET: Final = "outcome"  # the default for datastores of trials
# In files and reports lambda is called `weight`: kept completions are known by these keys.
_KEYS: Final = {"lmbda": "weight"}
_NAMES: Final = {key: name for name, key in _KEYS.items()}
# The types of fields in a file, in the order of `Preset`.
_FIELDS: Final[Mapping[str, type]] = {
    "name": str,
    "weight": float,
    "weight_kind": str,
    "weight_options": dict,
    "gate": float,
    "fusion": str,
    "fusion_options": dict,
    "token_types": list,
    "lexer": str,
    "check_copies": bool,
    "support": float,
    "temperature": float,
    "temperature_scale": float,
    "k": int,
    "key_kind": str,
    "searcher": str,
}


@dataclass(frozen=True)
class Preset:
    """How to search, how much the result counts and how it is shaped.

    Exactly one of `temperature` (squared L2) and `temperature_scale` (in units of the datastore's
    median nearest distance at mistakes) is set. `lmbda` is the lambda of kNN-LM, the share of the
    kNN distribution; where the weight kind varies it by row, the most that it can be. `gate` is the
    weight below which nothing is searched. `weight_options` and `fusion_options` are the numbers of
    these kinds; those left out get their defaults, so that a preset always tells all. `token_types`
    are the types of tokens that a correction may write, as `lexer` tells them; None admits all.
    With `check_copies` an entry whose value is copied from its own text votes only where that word
    stands in the text being written. `support` is the share of the votes at which the LM's own
    token stands; with None the mixture alone decides. `key_kind` refuses datastores of another
    kind; None takes whatever the datastore holds.

    Raises:
        UserError: a value out of range; the message names the field.
    """

    name: str
    lmbda: float
    weight_kind: str = "static"
    weight_options: Mapping[str, Any] = field(default_factory=dict)
    gate: float = 0.0
    fusion: str = "mixture"
    fusion_options: Mapping[str, Any] = field(default_factory=dict)
    token_types: tuple[str, ...] | None = None
    lexer: str = "lua"
    check_copies: bool = False
    support: float | None = None
    temperature: float | None = None
    temperature_scale: float | None = None
    k: int = 16
    key_kind: str | None = None
    searcher: str = AUTO

    def __post_init__(self) -> None:
        for what, name, known in (
            ("weight_kind", self.weight_kind, WEIGHTS),
            ("fusion", self.fusion, FUSIONS),
            ("searcher", self.searcher, {AUTO: None, **SEARCHERS}),
        ):
            if name not in known:
                raise UserError(f"{what} {name!r}: unknown; choose one of {', '.join(known)}")
        if is_file(self.lexer) or lexer_rules(self.lexer) is None:
            lexers = ", ".join(lexer_names())
            raise UserError(f"lexer {self.lexer!r}: unknown; choose one of {lexers}")
        if self.k < 1:
            raise UserError(f"{named('k')} {self.k}: must be at least 1 neighbour")
        if not 0 <= self.lmbda <= 1:
            raise UserError(f"{named('lmbda')} {self.lmbda}: must be from 0 to 1")
        if self.support is not None and not 0 < self.support <= 1:
            raise UserError(f"support {self.support}: must be above 0 and at most 1")
        self._check_temperature()
        self._check_gate()
        self._check_exchange()
        self._check_types()
        self._complete("weight_options", f"{self.weight_kind} weight", WEIGHTS[self.weight_kind])
        self._complete("fusion_options", f"{self.fusion} fusion", FUSIONS[self.fusion])

    def _check_temperature(self) -> None:
        if (self.temperature is None) == (self.temperature_scale is None):
            raise UserError(
                f"preset {self.name!r}: set either temperature (squared L2) or temperature_scale "
                "(in median nearest distances at mistakes)"
            )
        scale = self.temperature if self.temperature_scale is None else self.temperature_scale
        if scale is None or not 0 < scale < math.inf:
            raise UserError(f"{named('temperature')} {scale}: must be a number above 0")

    def _check_gate(self) -> None:
        if not 0 <= self.gate <= 1:
            raise UserError(f"{named('gate')} {self.gate}: must be from 0 to 1")
        if self.gate and not WEIGHTS[self.weight_kind].gated:
            raise UserError(
                f"{named('gate')} {self.gate}: preset {self.name!r} has a {self.weight_kind} "
                "weight, which no gate can skip: leave the option out, or choose a preset with "
                "another weight (v2, v3)"
            )

    def _check_exchange(self) -> None:
        if (self.weight_kind == OUTCOME) != (self.fusion == EXCHANGE):
            raise UserError(
                f"preset {self.name!r}: weight_kind {OUTCOME} and fusion {EXCHANGE} go together: "
                "set both, or neither"
            )
        if not self.of_trials:
            return
        if self.lmbda not in (0, 1):
            raise UserError(
                f"{named('lmbda')} {self.lmbda}: preset {self.name!r} writes one token or the "
                "other: give 0 (never) or 1"
            )
        if self.searcher not in (AUTO, "torch"):
            raise UserError(
                f"searcher {self.searcher!r}: preset {self.name!r} searches exactly, among trials "
                "of the same two tokens: leave searcher out"
            )

    def _check_types(self) -> None:
        if self.token_types is None:
            return
        known = [kind.label for kind in TokenType]
        for name in self.token_types:
            if name not in known:
                raise UserError(
                    f"token_types: {name!r}: unknown; choose some of {', '.join(known)}"
                )
        # Plain JSON and YAML have lists.
        object.__setattr__(self, "token_types", tuple(self.token_types))

    def _complete(self, options: str, owner: str, kind: WeightKind | FusionKind) -> None:
        # A frozen dataclass has no other way to fill in its own defaults.
        filled = complete(owner, getattr(self, options), kind.parameters)
        object.__setattr__(self, options, filled)

    def to_json(self) -> dict[str, Any]:
        """Every field, plain JSON: what a report tells and a cache distinguishes."""
        types = None if self.token_types is None else list(self.token_types)
        values = {**asdict(self), "token_types": types}
        return {_KEYS.get(name, name): value for name, value in values.items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Preset":
        """Read back what `to_json` gave."""
        return cls(**{_NAMES.get(key, key): field for key, field in value.items()})

    @property
    def of_trials(self) -> bool:
        """Whether it is for datastores of trials."""
        return self.weight_kind == OUTCOME

    def check_store(self, path: Path, manifest: Manifest) -> None:
        """Refuse a datastore of another kind than this preset is for.

        Raises:
            UserError: a datastore of trials and a preset for tokens, or the reverse; or a fusion
                that asks the LM's output head, and keys that it cannot read.
        """
        if self.of_trials and manifest.trials is None:
            raise UserError(
                f"{path}: holds tokens of a corpus, preset {self.name!r} needs trials: choose "
                f"another preset ({DEFAULT_PRESET}), or a datastore of `knm mine --trials`"
            )
        if not self.of_trials and manifest.trials is not None:
            raise UserError(
                f"{path}: holds trials, of which preset {self.name!r} would take what was tried "
                f"for what is right: choose {named('preset')} {TRIALS_PRESET}, or a datastore of "
                "tokens"
            )
        objection = FUSIONS[self.fusion].objection(manifest)
        if objection is not None:
            raise UserError(f"{path}: preset {self.name!r} {objection}")

    def check_tokens(self, key_kind: str) -> None:
        """Refuse this preset for a datastore that is yet to be mined from a corpus.

        Raises:
            UserError: it is for trials, or for other keys than the kind that the datastore's are.
        """
        if self.of_trials or self.key_kind not in (None, key_kind):
            wanted = "trials" if self.of_trials else f"keys of kind {self.key_kind}"
            raise UserError(
                f"{named('preset')} {self.name}: it asks for {wanted}, and what is mined is tokens "
                f"of a corpus, with keys of kind {key_kind}: choose another"
            )

    def build_weight(self, datastore: Datastore) -> Weight:
        """The weight that this preset describes, over `datastore`.

        Raises:
            UserError: as `check_store`, or the datastore lacks what the kind of weight goes by.
        """
        self.check_store(datastore.path, datastore.manifest)
        kind = WEIGHTS[self.weight_kind]
        temperature = self.temperature_for(datastore) if kind.needs_temperature else None
        settings = WeightSettings(
            self.name, self.lmbda, self.gate, self.weight_options, temperature
        )
        return kind.build(settings, datastore)

    def build_fusion(self, temperature: float, predictions: Predictions | None = None) -> Fusion:
        """The fusion that this preset describes, at a temperature in squared L2.

        `predictions` are the LM's where entries were mined, for kinds that need them.
        """
        return FUSIONS[self.fusion].build(self.fusion_options, temperature, predictions)

    def temperature_for(self, datastore: Datastore) -> float:
        """The temperature over `datastore`, in squared L2.

        Raises:
            UserError: it depends on a calibration that the datastore has not got.
        """
        if self.temperature is not None:
            return self.temperature
        median = datastore.manifest.mistake_distance_median
        if not median or self.temperature_scale is None:
            raise UserError(
                f"{datastore.path}: too small to have measured distances at mistakes, which preset "
                f"{self.name!r} takes its temperature from: set {named('temperature')}"
            )
        return self.temperature_scale * median


def read_preset(path: Path) -> Preset:
    """The preset that a YAML file describes, by the names of the fields of `Preset`.

    `lmbda` is called `weight` there.

    `extends` names a preset of this package whose values hold for the fields that are left out;
    without it `weight` and one temperature have to be given. The name is the file's, if it gives
    none.

    Raises:
        UserError: there is no such file, or it is malformed; the message names the line and field.
    """
    return _read_preset(path, PRESETS, PRESETS.__getitem__)


def _read_preset(path: Path, known: Iterable[str], base_of: Callable[[str], Preset]) -> Preset:
    """As `read_preset`; `known` are the presets that `extends` may name, which `base_of` gives."""
    fields = read_fields(path, {**_FIELDS, "extends": str})
    base = fields.pop("extends", None)
    if base is not None and base not in known:
        names = ", ".join(known)
        raise UserError(f"{path}: extends {base!r}: no such preset; choose one of {names}")
    given = fields if base is None else _extended(base_of(base), fields)
    values = {"name": path.stem, **given}
    if "weight" not in values:
        raise UserError(f"{path}: weight is missing: give it, or `extends:` a preset that has it")
    try:
        with _file_keys():
            return Preset.from_json(values)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def vary_preset(base: Preset, given: Mapping[str, Any], name: str) -> Preset:
    """`base` with the fields `given` set otherwise, by their keys in a file that extends it.

    Raises:
        UserError: a value out of range, or fields that contradict each other.
    """
    with _file_keys():
        return Preset.from_json({**_extended(base, given), "name": name})


@contextmanager
def _file_keys() -> Iterator[None]:
    """Where fields are given as in a file, messages name them as there."""
    try:
        yield
    except UserError as error:
        error.args = (error.worded(lambda field: _KEYS.get(field, field)),)
        raise


def write_preset(path: Path, preset: Preset) -> None:
    """Write every field, so that `read_preset` gives the same preset."""
    write_fields(path, preset.to_json())


def _extended(base: Preset, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, and the values of `base` but for those that make no sense beside it."""
    values = {name: value for name, value in base.to_json().items() if name != "name"}
    for name, dependent in (
        ("weight_kind", ("weight_options", "gate")),
        ("fusion", ("fusion_options",)),
        ("temperature", ("temperature_scale",)),
        ("temperature_scale", ("temperature",)),
    ):
        if name in given and given[name] != values[name]:
            for field_name in dependent:
                del values[field_name]
    merged: dict[str, Any] = {
        name: {**values[name], **given[name]}
        for name in ("weight_options", "fusion_options")
        if name in given and name in values
    }
    return {**values, **given, **merged}


def read_presets(folder: Path) -> dict[str, Preset]:
    """The presets in a folder, by name; each may extend another of them.

    Raises:
        UserError: as `read_preset`, or one extends itself.
    """
    files = {path.stem: path for path in sorted(folder.iterdir()) if is_preset_file(path.name)}
    found: dict[str, Preset] = {}

    def find(name: str, extended_by: tuple[str, ...] = ()) -> Preset:
        if name in extended_by:
            raise UserError(f"{files[name]}: extends itself: {' <- '.join((*extended_by, name))}")
        if name not in found:
            further = (*extended_by, name)
            found[name] = _read_preset(files[name], files, lambda base: find(base, further))
        return found[name]

    return {name: find(name) for name in files}


def _named_presets() -> dict[str, Preset]:
    with resources.as_file(NAMED) as folder:
        return read_presets(folder)


PRESETS: Final[Mapping[str, Preset]] = _named_presets()


def default_preset(manifest: Manifest) -> str:
    """The preset that a datastore is searched by if nobody says."""
    if manifest.preset is not None:
        return manifest.preset
    return DEFAULT_PRESET if manifest.trials is None else TRIALS_PRESET


def with_default(options: MiningOptions, corpus: Path) -> MiningOptions:
    """Mining options with the preset that a packaged corpus is for, unless they name another.

    Raises:
        UserError: they name none of this package, or one for trials or for other keys.
    """
    name = options.preset or preset_of(corpus)
    if name is None:
        return options
    check_default_name(name)
    PRESETS[name].check_tokens(options.key_kind)
    return replace(options, preset=name)


def requested_preset(options: RetrievalOptions, default: str) -> Preset:
    """The preset that options ask for, or the datastore's `default`.

    Raises:
        UserError: as `resolve_preset`.
    """
    return resolve_preset(
        options.knn_preset or default,
        k=options.knn_k,
        lmbda=options.knn_lambda,
        temperature=options.knn_temperature,
        gate=options.knn_gate,
    )


def resolve_preset(
    name: str = DEFAULT_PRESET,
    *,
    k: int | None = None,
    lmbda: float | None = None,
    temperature: float | None = None,
    gate: float | None = None,
) -> Preset:
    """The preset `name`, or of the file `name`, with what the user sets otherwise.

    Raises:
        UserError: unknown name, malformed file, or a value out of range.
    """
    check_preset_name(name)
    preset = read_preset(Path(name)) if is_preset_file(name) else PRESETS[name]
    if temperature is not None:
        preset = replace(preset, temperature=temperature, temperature_scale=None)
    return replace(
        preset,
        k=preset.k if k is None else k,
        lmbda=preset.lmbda if lmbda is None else lmbda,
        gate=preset.gate if gate is None else gate,
    )
