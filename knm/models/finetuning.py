"""Fine-tuning a copy of a LM on a corpus: the ceiling that a datastore of it is measured by."""

import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch

from knm.corpora import CorpusRecord, corpus_hash
from knm.errors import UserError
from knm.jsonio import dumps, read_json
from knm.models.encoding import EncodedExample, encode_corpus
from knm.models.finetuning_options import FinetuningOptions
from knm.models.identity import identify_model
from knm.models.loading import load_model
from knm.models.optimising import Plan, cut_batches, optimise
from knm.models.training import TRAINING_NAME, save_trained
from knm.problems import PromptTemplate

WARMUP_STEPS: Final = 20
"""At most: a tenth of a short training."""

WEIGHT_DECAY: Final = 0.01
STRETCH_BATCHES: Final = 8
"""So many batches are sorted by length together: epochs stay shuffled, little is padding."""


def finetune(
    base: str,
    records: Sequence[CorpusRecord],
    template: PromptTemplate,
    directory: Path,
    options: FinetuningOptions | None = None,
    *,
    device: str | None = None,
) -> dict[str, Any]:
    """Fine-tune a copy of the model `base` on solved tasks and save it for `load_model`.

    Loss counts the answers' tokens alone; records that exceed the model's context are left out.
    Training is in float32 with bfloat16 autocast, weights are saved in bfloat16. Where `directory`
    holds the very model already, nothing is done. Returns figures: loss (nats), steps, tokens,
    examples.

    Raises:
        UserError: there are no records, the model cannot be loaded or `directory` holds another.
    """
    if not records:
        raise UserError("nothing to fine-tune on: the corpus holds no records")
    options = (options or FinetuningOptions()).filled_for(len(records))
    settings = {
        "base": identify_model(base, "float32").weights_hash,
        "corpus": corpus_hash(records),
        "prompt": template.content_hash,
        "options": asdict(options),
    }
    done = _done_before(directory, settings)
    if done is not None:
        return done
    loaded = load_model(base, dtype="float32", device=device)
    torch.manual_seed(options.seed)
    limit = getattr(loaded.model.config, "max_position_embeddings", None)
    examples = [
        example
        for example in encode_corpus(loaded.tokenizer, records, template)
        if limit is None or len(example.ids) <= limit
    ]
    batches = _batches(examples, options)
    plan = Plan(options.learning_rate, WEIGHT_DECAY, _schedule)
    figures = optimise(loaded.model, batches, plan, label="fine-tune")
    figures["examples"] = len(examples)
    training = {"finetuning": {**settings, "base_name": base}, "figures": figures}
    save_trained(loaded.model, loaded.tokenizer, directory, training)
    return figures


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


def _schedule(step: int, steps: int) -> float:
    """Linear warm-up, then linear decay to 0, as a share of the peak learning rate."""
    warmup = max(1, min(WARMUP_STEPS, steps // 10))
    return min(1.0, (step + 1) / warmup) * (1 - step / steps)


def _done_before(directory: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    """The figures of the very same training, if `directory` holds its model.

    Raises:
        UserError: it holds another.
    """
    path = directory / TRAINING_NAME
    if not path.exists():
        return None
    training = read_json(path)
    before = training.get("finetuning", {}) if isinstance(training, dict) else {}
    if any(before.get(name) != value for name, value in settings.items()):
        raise UserError(
            f"{directory}: holds a model that was trained otherwise "
            f"({dumps(before or 'not fine-tuned')}): give another --out, or remove it"
        )
    figures: dict[str, Any] = training["figures"]
    return figures
