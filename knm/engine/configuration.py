"""What an engine is, as others see it: everything besides the request that decides a completion."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from knm.codec import to_json
from knm.errors import UserError

ENGINE_VERSION: Final = 9
"""Grows whenever the engine may write other completions than before: the cache then misses."""


@dataclass(frozen=True)
class EngineConfiguration:
    """The identity of a running engine, plain JSON but for its class.

    Of a server of another kind (`of_another_kind`) all is None or empty that it does not tell.

    Attributes:
        model, datastore: names, for people; the hashes are what counts.
        config_hash, generation_hash: of the model's config.json and generation_config.json.
        unapplied: what these ask of decoding that engines do not do (`knm.models.generation`).
        hardware: what rounding may depend on: processor or GPU, and threads on a CPU.
        batch_size: prompts decoded together.
        max_new_tokens: bound on any completion.
        context: how many tokens the model reads and writes together; None where its files name no
            bound.
        preset: every field of the retrieval preset; None without kNN, as are the datastore's.
        datastore_preset: name of the one that the datastore is searched by if nobody says.
        indexes: Faiss indexes of the datastore, in full.
        calibration: hash of how far the datastore is trusted, adaptor and guard included.
        guard: which prompts the datastore may answer, as `knm.retrieval.guard` writes it; None if
            any.
        packages: versions of the libraries that compute.
        told: what a server of another kind says of the model that it names; None of ours.
    """

    model: str
    weights_hash: str | None
    tokenizer_hash: str | None
    config_hash: str | None
    generation_hash: str | None
    unapplied: Mapping[str, Any]
    dtype: str | None
    device: str | None
    hardware: str | None
    batch_size: int | None
    max_new_tokens: int | None
    datastore: str | None
    datastore_hash: str | None
    preset: Mapping[str, Any] | None
    indexes: Mapping[str, Any]
    calibration: str | None
    guard: Mapping[str, Any] | None
    packages: Mapping[str, str]
    datastore_preset: str | None = None
    context: int | None = None
    engine_version: int = ENGINE_VERSION
    told: Mapping[str, Any] | None = None

    @classmethod
    def of_another_kind(cls, model: str, told: Mapping[str, Any]) -> "EngineConfiguration":
        """What is known of a server that is not ours: nobody can check its weights."""
        return cls(
            model=model,
            weights_hash=None,
            tokenizer_hash=None,
            config_hash=None,
            generation_hash=None,
            unapplied={},
            dtype=None,
            device=None,
            hardware=None,
            batch_size=None,
            max_new_tokens=None,
            datastore=None,
            datastore_hash=None,
            preset=None,
            indexes={},
            calibration=None,
            guard=None,
            packages={},
            told=told,
        )

    @property
    def verified(self) -> bool:
        """Whether it is known which weights the engine has, and that it is ours."""
        return self.told is None

    @classmethod
    def from_json(cls, value: Any, where: str) -> "EngineConfiguration":
        """Read back what `to_json` gave; `where` names its place in errors.

        Raises:
            UserError: a field is missing or unknown, so the other side is another version of knm.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(value, dict) or set(value) != names:
            raise UserError(
                f"{where}: not the configuration of an engine of this version of knm; run the "
                "same version on both sides"
            )
        return cls(**value)

    def determinants(self) -> dict[str, Any]:
        """What decides a completion: all but the names, and what other fields cover.

        Of a server of another kind what it tells of its model is all that is known.
        """
        if self.told is not None:
            return {"told": dict(self.told)}
        values = to_json(self)
        names = ("model", "datastore", "datastore_preset", "device", "guard", "context", "told")
        for name in names:
            del values[name]
        return {**values, "preset": self.preset and _without_name(self.preset)}


def _without_name(preset: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in preset.items() if name != "name"}
