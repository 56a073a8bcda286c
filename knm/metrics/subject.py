"""What an evaluation measures, and by what: told beside its figures, and set up alike for all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from knm.codec import to_json
from knm.corpora import CorpusRecord, corpus_hash
from knm.datastore import Datastore
from knm.engine.configuration import ENGINE_VERSION
from knm.engine.setup import hash_calibration
from knm.metrics.measuring import Measured, Predictions, measure
from knm.metrics.memory import SharedSearch
from knm.metrics.states import read_blocks, target_counts
from knm.models import FINAL_NORM, EncodedExample, LoadedModel, parse_key_kind
from knm.retrieval import Preset, Retriever


@dataclass(frozen=True)
class Subject:
    """A model, a corpus of so many records and perhaps a datastore, searched by presets."""

    model: str
    weights_hash: str
    config_hash: str | None
    corpus_hash: str
    records: int
    datastore_hash: str | None
    presets: tuple[Preset, ...]

    @classmethod
    def of(
        cls,
        loaded: LoadedModel,
        records: Sequence[CorpusRecord],
        datastore: Datastore | None,
        presets: Sequence[Preset],
    ) -> "Subject":
        """Of what is in memory."""
        return cls(
            model=loaded.identity.name,
            weights_hash=loaded.identity.weights_hash,
            config_hash=loaded.identity.config_hash,
            corpus_hash=corpus_hash(records),
            records=len(records),
            datastore_hash=None if datastore is None else datastore.content_hash,
            presets=tuple(presets),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain JSON; presets stand beside their figures."""
        return {
            "model": {
                "name": self.model,
                "weights_hash": self.weights_hash,
                "config_hash": self.config_hash,
            },
            "corpus": {"hash": self.corpus_hash, "records": self.records},
            "datastore": self.datastore_hash,
        }

    @property
    def settings(self) -> list[dict[str, Any] | None]:
        """The presets as plain JSON, behind None for the LM alone."""
        return [None, *(preset.to_json() for preset in self.presets)]


def determinants(
    loaded: LoadedModel, preset: Preset | None = None, store: Datastore | None = None
) -> dict[str, Any]:
    """All of a model, and of what corrects it, that figures and completions depend on.

    Plain JSON, for the keys of what a `Journal` keeps.
    """
    identity = loaded.identity
    found: dict[str, Any] = {
        "engine": ENGINE_VERSION,
        "weights": identity.weights_hash,
        "config": identity.config_hash,
        "generation": identity.generation_hash,
        "tokenizer": identity.tokenizer_hash,
        "dtype": identity.dtype,
        "device": loaded.device.type,
    }
    if preset is not None and store is not None:
        found["preset"] = {**preset.to_json(), "name": ""}
        found["datastore"] = store.content_hash
        found["indexes"] = to_json(store.manifest.indexes)
        found["calibration"] = hash_calibration(store)
    return found


def open_retrievers(
    loaded: LoadedModel, datastore: Datastore | None, presets: Sequence[Preset]
) -> list[Retriever]:
    """A retriever of each preset, which share what they search; none without a datastore.

    Raises:
        UserError: presets and datastore do not fit.
    """
    if datastore is None or not presets:
        return []
    shared = SharedSearch.of(datastore, loaded.device, presets)
    return [shared.retriever(preset) for preset in presets]


def measure_examples(
    loaded: LoadedModel,
    examples: Sequence[EncodedExample],
    retrievers: Sequence[Retriever],
    batch_tokens: int,
) -> tuple[Predictions, list[Measured]]:
    """What the LM and each retriever say at every target of `examples`, one after the other.

    Raises:
        UserError: an example is longer than the model's context, or a retriever does not fit it.
    """
    kind = retrievers[0].datastore.manifest.key_kind if retrievers else FINAL_NORM
    blocks = read_blocks(loaded, examples, parse_key_kind(kind), batch_tokens=batch_tokens)
    return measure(loaded, blocks, retrievers, int(target_counts(examples).sum()))
