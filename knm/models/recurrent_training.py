"""Training a recurrent LM on a corpus: `knm train --architecture rnn`."""

import random
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from knm.corpora import CorpusRecord, corpus_hash
from knm.errors import UserError
from knm.models.encoding import CorpusEncoding
from knm.models.loading import read_tokenizer
from knm.models.optimising import Plan, cut_batches, optimise, warm_up_and_decay
from knm.models.placement import resolve_placement
from knm.models.recurrent import RecurrentConfig, RecurrentForCausalLM
from knm.models.recurrent_options import RecurrentOptions
from knm.models.saving import save_trained
from knm.models.tokenizer_training import train_tokenizer

STRETCH_EXAMPLES = 1024
"""Batches are cut from stretches of this many."""


def train_recurrent(
    records: Sequence[CorpusRecord],
    encoding: CorpusEncoding,
    directory: Path,
    options: RecurrentOptions | None = None,
    *,
    tokenizer_of: str | None = None,
    device: str | None = None,
) -> dict[str, float]:
    """Train a recurrent LM from the start and save it for `load_model`, weights in bfloat16.

    It learns all of a text, a chat's prompt too. Its tokenizer is that of the model `tokenizer_of`,
    or one that is trained on the corpus. Returns figures: loss (nats), steps, tokens, examples,
    parameters.

    Raises:
        UserError: the corpus gives no examples, or there is no such model.
    """
    options = options or RecurrentOptions()
    target = torch.device(resolve_placement(device, "float32").device)
    if tokenizer_of is None:
        texts = (text for record in records for text in encoding.texts(record))
        tokenizer = train_tokenizer(texts, options.vocab_size)
    else:
        tokenizer = read_tokenizer(tokenizer_of)
    examples = [
        example if example.first else replace(example, target_start=1)
        for example in encoding(tokenizer, records)
    ]
    if not examples:
        raise UserError("nothing to train on: no program of the corpus has two tokens")
    torch.manual_seed(options.seed)
    model = RecurrentForCausalLM(
        RecurrentConfig(
            vocab_size=len(tokenizer),
            hidden_size=options.hidden_size,
            num_hidden_layers=options.layers,
            cell=options.cell.value,
            dropout=options.dropout,
            initializer_range=options.hidden_size**-0.5,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    ).to(target)
    rng = random.Random(options.seed)

    def full(size: int, longest: int) -> bool:
        return size * longest > options.step_tokens

    batches = [
        batch
        for _ in range(options.epochs)
        for batch in cut_batches(examples, STRETCH_EXAMPLES, full, rng)
    ]
    plan = Plan(options.learning_rate, options.weight_decay, warm_up_and_decay)
    figures = optimise(model, batches, plan)
    figures["examples"] = len(examples)
    figures["parameters"] = sum(weight.numel() for weight in model.parameters())
    settings = {
        "corpus": corpus_hash(records),
        "text": encoding.describe(),
        "tokenizer": tokenizer_of,
        "options": asdict(options),
    }
    save_trained(model, tokenizer, directory, {"recurrent": settings, "figures": figures})
    return figures
