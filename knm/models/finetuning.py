"""Fine-tuning a copy of a LM on a corpus: the ceiling that a datastore of it is measured by."""

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch
from transformers import PreTrainedModel

from knm.corpora import CorpusRecord, corpus_hash
from knm.errors import UserError, named
from knm.jsonio import dumps, read_json
from knm.models.context import context_length
from knm.models.encoding import CorpusEncoding, EncodedExample
from knm.models.finetuning_options import LARGE_WIDTH, FinetuningOptions
from knm.models.identity import identify_model
from knm.models.loading import load_model
from knm.models.optimising import Plan, cut_batches, optimise, warm_up_and_decay
from knm.models.saving import TRAINING_NAME, save_trained

WEIGHT_DECAY: Final = 0.01
STRETCH_BATCHES: Final = 8
"""So many batches are sorted by length together: epochs stay shuffled, little is padding."""

PART_TOKENS: Final = {"cpu": 4_096, "cuda": 16_384}
"""Tokens of a forward pass, by the device's kind."""


def finetune(
    base: str,
    records: Sequence[CorpusRecord],
    encoding: CorpusEncoding,
    directory: Path,
    options: FinetuningOptions | None = None,
    *,
    device: str | None = None,
    part_tokens: int | None = None,
    checkpointing: bool | None = None,
) -> dict[str, Any]:
    """Fine-tune a copy of the model `base` on solved tasks and save it for `load_model`.

    Loss counts the targets of `encoding` alone, of a chat the answers' tokens; records whose
    program does not pass, or that exceed the model's context, are left out.
    All weights are trained in float32 with bfloat16 autocast on a GPU: steps of a small learning
    rate would be lost in bfloat16 weights. With `options.lora` the weights stay as they are, in
    bfloat16 on a GPU, and low-rank updates in float32 are trained and added to them at the end: the
    copy is a model as any other. Weights are saved in bfloat16.

    `part_tokens` and `checkpointing` (see `Plan`) are about memory alone; by default blocks of real
    LMs are computed again. Where `directory` holds the very model already, nothing is done. Returns
    figures: loss (nats), steps, tokens, examples, on a GPU the peak of memory (GB).

    Raises:
        UserError: there are no records that fit, the model cannot be loaded, does not fit in
            memory, `peft` is missing, the rank is beyond the model's matrices, the training
            diverged, or `directory` holds something else.
    """
    records = [record for record in records if record.passed]
    if not records:
        raise UserError("nothing to fine-tune on: the corpus holds no programs that pass")
    identity = identify_model(base, "float32")
    options = (options or FinetuningOptions()).filled_for(len(records), identity.hidden_size)
    described = encoding.describe()
    settings = {
        "base": identity.weights_hash,
        "base_config": identity.config_hash,
        "corpus": corpus_hash(records),
        "prompt": described.get("prompt_hash", described),
        "options": asdict(options),
    }
    done = _done_before(directory, settings)
    if done is not None:
        return done
    lora = None if options.lora is None else _lora_of(options.lora)
    dtype = None if lora else "float32"  # None: bfloat16 on a GPU, float32 on a CPU
    loaded = load_model(base, dtype=dtype, device=device)
    torch.manual_seed(options.seed)
    limit = context_length(loaded.model)
    examples = [
        example
        for example in encoding(loaded.tokenizer, records)
        if limit is None or len(example.ids) <= limit
    ]
    if not examples:
        raise UserError(
            f"nothing to fine-tune on: none of {len(records)} records fits in the model's context "
            f"of {limit} tokens"
        )
    kind = loaded.device.type
    if checkpointing is None:
        checkpointing = identity.hidden_size >= LARGE_WIDTH
    assert options.learning_rate is not None
    plan = Plan(
        options.learning_rate,
        WEIGHT_DECAY,
        warm_up_and_decay,
        part_tokens=part_tokens or PART_TOKENS.get(kind, PART_TOKENS["cpu"]),
        checkpointing=checkpointing,
    )
    adapted = lora(loaded.model) if lora else None
    figures: dict[str, Any] = optimise(
        loaded.model, _batches(examples, options), plan, label="fine-tune"
    )
    figures["examples"] = len(examples)
    if kind == "cuda":
        figures["peak_gb"] = round(torch.cuda.max_memory_allocated(loaded.device) / 1e9, 1)
    model: PreTrainedModel = adapted.merge_and_unload() if adapted else loaded.model
    training = {"finetuning": {**settings, "base_name": base}, "figures": figures}
    save_trained(model, loaded.tokenizer, directory, training)
    return figures


def _lora_of(rank: int) -> Callable[[PreTrainedModel], Any]:
    """What puts trainable updates of that rank on all of a model's matrices but the head's.

    Raises:
        UserError: `peft` is missing.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise UserError(
            f"{named('lora')} needs the package peft: python -m pip install 'knm[lora]', or leave "
            "it out"
        ) from None
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")

    def adapt(model: PreTrainedModel) -> Any:
        matrices = [part for part in model.modules() if isinstance(part, torch.nn.Linear)]
        highest = max((min(part.weight.shape) for part in matrices), default=rank)
        if rank > highest:
            raise UserError(
                f"{named('lora')} {rank}: no matrix of the model has a rank above {highest}; give "
                "a smaller one"
            )
        return get_peft_model(model, config)

    return adapt


def _batches(
    examples: Sequence[EncodedExample], options: FinetuningOptions
) -> list[Sequence[EncodedExample]]:
    assert options.epochs is not None
    assert options.batch_size is not None
    size, rng = options.batch_size, random.Random(options.seed)
    return [
        batch
        for _ in range(options.epochs)
        for batch in cut_batches(
            examples, STRETCH_BATCHES * size, lambda count, _: count > size, rng
        )
    ]


def _done_before(directory: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    """The figures of the very same training, if `directory` holds its model.

    Raises:
        UserError: it holds another, or something else.
    """
    path = directory / TRAINING_NAME
    if not path.exists():
        if directory.is_dir() and any(directory.iterdir()):
            raise UserError(
                f"{directory}: holds something that was not trained here: give another "
                f"{named('out')}, or remove it"
            )
        return None
    training = read_json(path)
    before = training.get("finetuning", {}) if isinstance(training, dict) else {}
    # What a training before did not note, it cannot contradict.
    if not before or any(before.get(name, value) != value for name, value in settings.items()):
        raise UserError(
            f"{directory}: holds a model that was trained otherwise "
            f"({dumps(before or 'not fine-tuned')}): give another {named('out')}, or remove it"
        )
    figures: dict[str, Any] = training["figures"]
    return figures
