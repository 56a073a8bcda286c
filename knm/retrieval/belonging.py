"""Whether a datastore is of the very model that it is to correct.

Two models of one width take each other's datastores without complaint, and write nonsense. What is
compared is what the datastore was mined by: the hashes of a model's files, where it was loaded from
such; or the hashes of its tensors and of the tokenizer's tables, where it was mined as it was in
memory. Where neither can be had, as for a datastore of files and a model of none, or for tensors in
another dtype, the model is known by what it says: each entry holds what its model had predicted
there, and a head reads the same from the key again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from huggingface_hub import snapshot_download
from transformers import PreTrainedTokenizerBase

from knm.datastore import Datastore
from knm.errors import UserError
from knm.models import FINAL_NORM
from knm.models.head import OutputHead
from knm.models.identity import hash_config, hash_tokenizer, hash_weights
from knm.models.in_memory import hash_config_in_memory, hash_tensors, hash_tokenizer_in_memory

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ASKED: Final = 64
_FEWEST: Final = 16  # entries by which a model can be told
_AGREEING: Final = 0.5
"""Its own model agrees at nearly all entries, whatever it is rounded to; others at hardly any."""


def check_belongs(
    datastore: Datastore,
    model: PreTrainedModel,
    head: OutputHead,
    tokenizer: PreTrainedTokenizerBase | None,
) -> None:
    """Refuse a model or a tokenizer that `datastore` was not mined with, as far as can be told.

    Raises:
        UserError: saying by what it was found.
    """
    in_memory = datastore.manifest.model.in_memory
    check = _check_tensors if in_memory else _check_files
    if not check(datastore, model, tokenizer):
        _check_predictions(datastore, model, head)


def _check_tensors(
    datastore: Datastore, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None
) -> bool:
    """Whether the model's tensors told."""
    mined, found = datastore.manifest.model, list[tuple[str, str | None, str | None]]()
    told = str(model.dtype).removeprefix("torch.") == mined.dtype
    if told:
        found.append(("weights", mined.weights_hash, hash_tensors(model)))
        found.append(("config", mined.config_hash, hash_config_in_memory(model)))
    if tokenizer is not None:
        found.append(("tokenizer", mined.tokenizer_hash, hash_tokenizer_in_memory(tokenizer)))
    _refuse_differing(datastore, found)
    return told


def _check_files(
    datastore: Datastore, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None
) -> bool:
    """Whether the model's files told."""
    mined, found = datastore.manifest.model, list[tuple[str, str | None, str | None]]()
    files = _files(model)
    told = files is not None and (files.is_file() or any(files.glob("*.safetensors")))
    if files is not None and told:
        found.append(("weights", mined.weights_hash, hash_weights(files, str(files))))
        found.append(("config.json", mined.config_hash, hash_config(files)))
    files = None if tokenizer is None else _files(tokenizer)
    if files is not None and (files.is_file() or (files / "tokenizer.json").is_file()):
        found.append(("tokenizer", mined.tokenizer_hash, hash_tokenizer(files, str(files))))
    _refuse_differing(datastore, found)
    return told


def _refuse_differing(
    datastore: Datastore, found: Sequence[tuple[str, str | None, str | None]]
) -> None:
    name = datastore.manifest.model.name
    for what, theirs, ours in found:
        if theirs not in (None, ours):
            raise _of_another(datastore, f"its {what} {theirs!r} ({name}), here {ours!r}")


def _files(loaded: PreTrainedModel | PreTrainedTokenizerBase) -> Path | None:
    """The directory or GGUF file that it was loaded from; None where it was made in memory."""
    name = str(getattr(loaded, "name_or_path", None) or "")
    if not name or Path(name).exists():
        return Path(name) if name else None
    try:  # the hub's cache: what was loaded is there
        return Path(snapshot_download(name, local_files_only=True))
    except (OSError, ValueError):
        return None


def _check_predictions(datastore: Datastore, model: PreTrainedModel, head: OutputHead) -> None:
    """Ask the model what was said at some entries, where keys are what its head receives."""
    if datastore.manifest.key_kind != FINAL_NORM or datastore.projection is not None:
        return
    told = np.flatnonzero(datastore.provenance["probability"] > 0)
    if len(told) < _FEWEST:
        return
    rows = told[np.linspace(0, len(told) - 1, min(_ASKED, len(told))).astype(np.int64)]
    keys = torch.from_numpy(datastore.read_keys(rows)).to(head.weight)
    with torch.no_grad():
        said = head(keys).argmax(-1).cpu().numpy()
    agreeing = float((said == datastore.provenance["predicted"][rows]).mean())
    if agreeing < _AGREEING:
        raise _of_another(
            datastore,
            f"at {len(rows)} of its entries {type(model).__name__} predicts what is written there "
            f"in {agreeing:.0%}",
        )


def _of_another(datastore: Datastore, why: str) -> UserError:
    return UserError(
        f"{datastore.path}: mined with another model: {why}: mine a datastore with this model, or "
        "choose the one that belongs to it"
    )
