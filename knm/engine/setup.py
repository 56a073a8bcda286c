"""Everything an engine is opened from: found and checked without the model library."""

import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch

from knm.codec import to_json
from knm.datastore import Datastore, Manifest
from knm.engine.configuration import EngineConfiguration
from knm.engine.native import compiled_kernels
from knm.engine.records import GenerationOptions
from knm.hashing import hash_json
from knm.models import ModelIdentity, Placement, find_model, identify_model
from knm.models.generation import named_context, unapplied_settings
from knm.retrieval import Preset
from knm.retrieval.adaptor import load_adaptor
from knm.retrieval.guard import Guard
from knm.retrieval.presets import default_preset

COMPUTING_PACKAGES: Final = ("faiss-cpu", "numpy", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class EngineSetup:
    """Model, placement and, with kNN, datastore and preset. Plain values: another process reads it.

    `datastore_name` is what the user called the datastore. `mining` are the arguments of `knm mine`
    that make it where it is not there yet; none of one that a user names.
    """

    model: str
    placement: Placement
    generation: GenerationOptions
    preset: Preset | None = None
    datastore: Path | None = None
    datastore_name: str | None = None
    mining: tuple[str, ...] = ()

    def identify(self) -> ModelIdentity:
        """The model's identity, read from its files."""
        return identify_model(self.model, self.placement.dtype)

    def measured(self) -> str | None:
        """What the datastore did to whole programs where it was measured, in one line, if it was.

        Raises:
            UserError: it is missing or malformed.
        """
        if self.datastore is None:
            return None
        found = Manifest.load(self.datastore).measured
        return found and f"datastore {self.datastore_name}: {found}"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        datastore = None if self.datastore is None else str(self.datastore)
        preset = None if self.preset is None else self.preset.to_json()
        return {**asdict(self), "preset": preset, "datastore": datastore}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "EngineSetup":
        """Read back what `to_json` gave."""
        return cls(
            model=value["model"],
            placement=Placement(**value["placement"]),
            generation=GenerationOptions(**value["generation"]),
            preset=value["preset"] and Preset.from_json(value["preset"]),
            datastore=value["datastore"] and Path(value["datastore"]),
            datastore_name=value["datastore_name"],
            mining=tuple(value["mining"]),
        )


def describe_setup(setup: EngineSetup) -> EngineConfiguration:
    """The configuration of the engine that `setup` opens, without loading it.

    Raises:
        UserError: the model or the datastore is not there, or they do not belong together.
    """
    identity = setup.identify()
    store = None
    if setup.datastore is not None and setup.preset is not None:
        store = Datastore.open(setup.datastore, expect=identity, key_kind=setup.preset.key_kind)
        setup.preset.check_store(store.path, store.manifest)
    guard = None
    if store is not None and setup.preset is not None:
        guard = Guard.of(setup.preset, store)
    return EngineConfiguration(
        model=setup.model,
        weights_hash=identity.weights_hash,
        tokenizer_hash=identity.tokenizer_hash,
        config_hash=identity.config_hash,
        generation_hash=identity.generation_hash,
        unapplied=unapplied_settings(find_model(setup.model)),
        dtype=setup.placement.dtype,
        device=setup.placement.device,
        hardware=hardware_of(setup.placement),
        batch_size=setup.generation.batch_size,
        max_new_tokens=setup.generation.max_new_tokens,
        datastore=setup.datastore_name,
        datastore_hash=None if store is None else store.content_hash,
        preset=None if setup.preset is None else setup.preset.to_json(),
        datastore_preset=None if store is None else default_preset(store.manifest),
        indexes={}
        if store is None
        else {kind: asdict(info) for kind, info in store.manifest.indexes.items()},
        calibration=None if store is None else hash_calibration(store),
        guard=None if guard is None else to_json(guard),
        packages={name: version(name) for name in COMPUTING_PACKAGES},
        context=named_context(find_model(setup.model)),
    )


def hash_calibration(store: Datastore) -> str:
    """Hash of how far and for which prompts a datastore is trusted.

    Its content hash does not cover that.
    """
    calibration, adaptor = store.manifest.calibration, load_adaptor(store)
    domain, languages = store.manifest.domain, {origin.language for origin in store.records}
    trials = store.manifest.trials
    return hash_json(
        [
            calibration and asdict(calibration),
            adaptor and adaptor.hash,
            domain and asdict(domain),
            sorted(map(str, languages)),
            *([] if trials is None else [asdict(trials)]),
        ]
    )


def hardware_of(placement: Placement) -> str:
    """What rounding may depend on beside the model: the GPU, or processor, threads and kernels."""
    if torch.device(placement.device).type == "cuda":
        return torch.cuda.get_device_name(placement.device)
    capability = torch.backends.cpu.get_cpu_capability()
    told = f"{platform.machine()} {capability}, {torch.get_num_threads()} threads"
    compiled = compiled_kernels(getattr(torch, placement.dtype)) is not None
    return f"{told}, compiled kernels" if compiled else told
