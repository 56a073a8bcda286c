"""Loading a causal LM by name or path."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import torch
import transformers
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from knm.errors import UserError, named
from knm.models.bare import read_bare
from knm.models.gguf import read_header
from knm.models.identity import ModelIdentity, find_model, find_tokenizer, identify_model
from knm.models.in_memory import identify_in_memory
from knm.models.placement import Placement, resolve_placement
from knm.models.unixcoder_texts import begin_in_mode, is_unixcoder
from knm.packaged import EMBEDDED

if TYPE_CHECKING:
    from transformers import PreTrainedModel

GGUF_PACKAGES: Final = ("gguf", "accelerate")
"""What transformers reads GGUF files with."""
_NAMED: Final = 3  # tensors that an error names
_REPORTED_BY: Final = "log_state_dict_report"
"""What of the model library logs a table of tensors that lack, do not fit or are not used."""


@dataclass(frozen=True)
class LoadedModel:
    """A model in evaluation mode, its tokenizer and its identity."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    identity: ModelIdentity

    @classmethod
    def of(cls, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None) -> LoadedModel:
        """A model that is in memory, put into evaluation mode, and its tokenizer.

        The identity is that of the weights as they are now (see `identify_in_memory`): make it anew
        when they have changed.

        Raises:
            UserError: there is no tokenizer, or the two do not fit.
        """
        identity = identify_in_memory(model, tokenizer)
        assert tokenizer is not None
        return cls(model.eval(), tokenizer, identity)

    @property
    def device(self) -> torch.device:
        """Where the model's weights are."""
        return torch.device(self.model.device)


def load_model(
    name: str = EMBEDDED, *, dtype: str | None = None, device: str | None = None
) -> LoadedModel:
    """Load a model: `embedded`, a directory, a GGUF file, or a Hugging Face hub id.

    The weights of a GGUF file are unpacked, to be a model as any other. The GPU that it is loaded
    to is the thread's current one from then on.

    Raises:
        UserError: no such model, dtype or device, or the files are not a causal LM.
    """
    from transformers import AutoModelForCausalLM

    import knm.models.kinds  # noqa: F401  (which the model library has to know of)

    placement = resolve_placement(device, dtype)
    identity = identify_model(name, placement.dtype)
    source = _find_source(name)
    transformers_logging.disable_progress_bar()
    try:
        tokenizer = source.tokenizer()
        reading = source.reading(tokenizer)
        with _without_bars(), _holding_report():
            model, found = AutoModelForCausalLM.from_pretrained(
                source.directory,
                dtype=getattr(torch, placement.dtype),
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, by name
                **source.options,
                **reading,
            )
            _refuse_drawn(name, found)
    except UserError:
        raise
    except Exception as error:  # a loader given foreign files raises whatever it stumbles over
        raise UserError(
            f"{named('model')} {name}: cannot be loaded as a causal LM: {error!r}"
        ) from error
    if source.file and getattr(model, "hf_quantizer", None) is not None:
        # It is a plain model now, and a copy that is saved of it has to say so.
        model.hf_quantizer.remove_quantization_config(model)
    model.name_or_path = str(source.path)
    loaded = LoadedModel(model.to(placement.device).eval(), tokenizer, identity)
    if loaded.device.type == "cuda":
        torch.cuda.set_device(loaded.device)
    return loaded


def _refuse_drawn(name: str, found: Mapping[str, Any]) -> None:
    """Weights that its files lack the model library draws at random, and goes on.

    Raises:
        UserError: there are some, or some of another shape than config.json says.
    """
    wrong = [f"{key} is {list(got)}, not {list(due)}" for key, got, due in found["mismatched_keys"]]
    wrong += [f"{key} is missing" for key in found["missing_keys"]]
    if wrong:
        others = f", and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
        raise UserError(
            f"{named('model')} {name}: its weights do not fit its config.json: "
            f"{'; '.join(sorted(wrong)[:_NAMED])}{others}; is the download or the copy whole, "
            "and of a causal LM?"
        )


def load_bare(name: str, placement: Placement) -> LoadedModel | None:
    """A model as an engine that only reads its weights needs it: none that computes.

    Its classes need not be loaded for that. None where `load_model` has to: it tells what is wrong
    with files, too.

    Raises:
        UserError: no such model.
    """
    source = _find_source(name)
    if placement.device != "cpu" or source.file is not None:
        return None
    try:
        bare = read_bare(source.directory, getattr(torch, placement.dtype))
        tokenizer = source.tokenizer() if bare is not None else None
    except Exception:  # see `load_model`, which meets it again
        return None
    if bare is None or tokenizer is None:
        return None
    identity = identify_model(name, placement.dtype)
    return LoadedModel(cast("PreTrainedModel", bare), tokenizer, identity)


def load_tokenizer(identity: ModelIdentity, name: str | None = None) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a model without the model; `name` is where it is now, if elsewhere.

    Raises:
        UserError: no such model, or its tokenizer is another.
    """
    find_tokenizer(identity, name)
    return read_tokenizer(name or identity.name)


def read_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """The tokenizer of the model `name`, whichever it is.

    Raises:
        UserError: no such model, or its tokenizer cannot be read.
    """
    import knm.models.kinds  # noqa: F401  (some tokenizers are found by their model's kind)

    source = _find_source(name)
    try:
        return source.tokenizer()
    except Exception as error:  # a loader given foreign files raises whatever it stumbles over
        raise UserError(
            f"{named('model')} {name}: its tokenizer cannot be loaded: {error!r}"
        ) from error


@contextmanager
def _holding_report() -> Iterator[None]:
    """Keeps the model library's table of tensors back until these are not refused by name."""
    logger = logging.getLogger("transformers.modeling_utils")
    held: list[logging.LogRecord] = []

    def hold(record: logging.LogRecord) -> bool:
        if record.funcName != _REPORTED_BY:
            return True
        held.append(record)
        return False

    logger.addFilter(hold)
    try:
        yield
    except UserError:
        held.clear()
        raise
    finally:
        logger.removeFilter(hold)
        for record in held:
            logger.handle(record)


@contextmanager
def _without_bars() -> Iterator[None]:
    """The bar of unpacking cannot be switched off: it is kept from what is no terminal."""
    if sys.stderr.isatty():
        yield
        return
    with redirect_stderr(io.StringIO()):
        yield


@dataclass(frozen=True)
class _Source:
    """Where transformers reads a model: a directory, and perhaps the GGUF file in it."""

    directory: Path
    file: str | None

    @property
    def path(self) -> Path:
        """What `find_model` found, by which a loaded model and tokenizer are known too."""
        return self.directory if self.file is None else self.directory / self.file

    @property
    def options(self) -> dict[str, Any]:
        """For tokenizer and model."""
        return {} if self.file is None else {"gguf_file": self.file}

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Read it; raises whatever the model library stumbles over."""
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            self.directory, **self.options
        )
        tokenizer.name_or_path = str(self.path)
        if is_unixcoder(tokenizer):
            begin_in_mode(tokenizer)
        return tokenizer

    def reading(self, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
        """For the model: how its weights are read, and what transformers does not read in a GGUF.

        Raises:
            UserError: a GGUF file has what would be read wrongly.
        """
        if self.file is None:
            from knm.models.kinds import read_kind

            # What is hashed is what is read: never a pickle that lies beside the safetensors.
            return {"use_safetensors": True, **read_kind(self.directory, tokenizer)}
        header = read_header(self.path)
        if header.rotations_are_scaled:
            raise UserError(
                f"{self.path}: its rotary positions are scaled, which is not read "
                "from a GGUF file: use the model's original directory"
            )
        config = AutoConfig.from_pretrained(self.directory, gguf_file=self.file)
        head_dim = header.of_model("attention.key_length")
        if head_dim is not None and hasattr(config, "head_dim"):
            config.head_dim = head_dim
        if not hasattr(transformers, "GgufConfig"):
            return {"config": config}
        # Where kernels for it are installed, weights would stay packed.
        return {"config": config, "quantization_config": transformers.GgufConfig(dequantize=True)}


def _find_source(name: str) -> _Source:
    path = find_model(name)
    if path.is_dir():
        return _Source(path, None)
    missing = [package for package in GGUF_PACKAGES if find_spec(package) is None]
    if missing:
        raise UserError(
            f"{named('model')} {name}: a GGUF file needs {' and '.join(missing)}: python -m pip "
            "install 'knm[gguf]'"
        )
    return _Source(path.parent, path.name)
