"""What the environment asks of vLLM's correction: a datastore, and how it is searched."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from knm.datastore import Datastore
from knm.errors import UserError
from knm.models import FINAL_NORM, find_model, identify_model
from knm.models.identity import ModelIdentity, hash_tokenizer
from knm.option_fields import OptionField, check_options, options_of, read_variable, variable_of
from knm.options import RetrievalOptions
from knm.retrieval import Retriever
from knm.retrieval.presets import default_preset, requested_preset

DATASTORE_VARIABLE: Final = "KNM_DATASTORE"
PRESET_VARIABLE: Final = "KNM_PRESET"
"""The short name of `KNM_KNN_PRESET`, the twin of `--knn-preset`."""

_SWITCH: Final = "knn"  # naming a datastore switches the correction on


@dataclass(frozen=True)
class Settings:
    """The datastore's directory, and the options of retrieval."""

    datastore: Path
    options: RetrievalOptions


def read_settings(environment: Mapping[str, str]) -> Settings | None:
    """The settings in an environment; None where it names no datastore.

    Raises:
        UserError: a value is of the wrong type or out of range, two variables contradict, or there
            is no such directory.
    """
    name = environment.get(DATASTORE_VARIABLE)
    if not name:
        if environment.get(PRESET_VARIABLE):
            raise UserError(
                f"{PRESET_VARIABLE} has no effect without {DATASTORE_VARIABLE}: set it to the "
                "datastore's directory, or leave both"
            )
        return None
    values: dict[str, Any] = {}
    for option in options_of(RetrievalOptions):
        text = _text_of(option, environment)
        if text is not None and option.name != _SWITCH:
            values[option.name] = read_variable(option, text)
    options = RetrievalOptions(**values, knn=True)
    with _naming_variables():
        check_options(options)
    directory = Path(name).absolute()
    if not directory.is_dir():
        raise UserError(
            f"{DATASTORE_VARIABLE}={name}: no such directory; mine it with `knm mine --out {name}`"
        )
    return Settings(directory, options)


@contextmanager
def _naming_variables() -> Iterator[None]:
    """Messages that name flags leave it naming their variables."""
    try:
        yield
    except UserError as error:
        told = str(error)
        for option in options_of(RetrievalOptions):
            told = told.replace(f"{option.flag} ", f"{variable_of(option)}=")
        raise UserError(told) from None


def _text_of(option: OptionField, environment: Mapping[str, str]) -> str | None:
    text = environment.get(variable_of(option))
    if option.name != "knn_preset":
        return text
    short = environment.get(PRESET_VARIABLE) or None
    if None not in (text, short) and text != short:
        raise UserError(
            f"{PRESET_VARIABLE}={short} and {variable_of(option)}={text} contradict each other: "
            "set one of them"
        )
    return short or text


def check_identity(settings: Settings, model: str, tokenizer: str, dtype: str) -> ModelIdentity:
    """The identity of the model that is served, whose tokenizer is that of its own files.

    Raises:
        UserError: no such model, or the tokenizer is another.
    """
    identity = identify_model(model, dtype)
    if tokenizer != model:
        theirs = hash_tokenizer(find_model(tokenizer), tokenizer)
        if theirs != identity.tokenizer_hash:
            raise UserError(
                f"`vllm serve --tokenizer {tokenizer}`: not the tokenizer of {model}, by whose "
                f"tokens the datastore {settings.datastore} was mined: leave the option out"
            )
    return identity


def open_retriever(settings: Settings, identity: ModelIdentity) -> Retriever:
    """The retriever that the settings ask for, not yet attached to a model.

    Raises:
        UserError: the datastore is missing, damaged or another model's, its keys are not what the
            head receives, or the preset does not fit it.
    """
    store = Datastore.open(settings.datastore, expect=identity)
    manifest = store.manifest
    if manifest.key_kind != FINAL_NORM:
        raise UserError(
            f"{settings.datastore}: its keys are {manifest.key_kind!r}; in vLLM only what the "
            f"output head receives can be had: mine one with "
            f"`knm mine --key-kind {FINAL_NORM}`, or use `knm serve`"
        )
    preset = requested_preset(settings.options, default_preset(manifest))
    return Retriever(store, preset)
