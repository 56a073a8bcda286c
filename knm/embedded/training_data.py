"""From training text to token ids: the embedded LM's encoded examples."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerFast

from knm.models.encoding import encode_prompt

TOKENIZER_SAMPLES: Final = 16_000


@dataclass(frozen=True)
class TrainingExample:
    """Token ids (int16) of a prompt and its answer; the answer starts at `target_start`."""

    ids: npt.NDArray[np.int16]
    target_start: int


def sample_texts(texts: list[tuple[str, str]]) -> Iterator[str]:
    """What the tokenizer is trained on: evenly spaced, so that both languages are in."""
    step = max(1, len(texts) // TOKENIZER_SAMPLES)
    return (part for pair in texts[::step] for part in pair)


def encode_texts(
    tokenizer: PreTrainedTokenizerFast, texts: list[tuple[str, str]], max_length: int
) -> list[TrainingExample]:
    """Encode all pairs, leaving out the few that are longer than `max_length` tokens."""
    # The template's text around a prompt is constant here, so that batches can be tokenized fast.
    head, tail = encode_prompt(tokenizer, "\n"), tokenizer("\n")["input_ids"]
    cut = head.index(tail[0])
    before, after = head[:cut], head[cut + len(tail) :]
    prompts = tokenizer([prompt for prompt, _ in texts])["input_ids"]
    completions = tokenizer([completion for _, completion in texts])["input_ids"]
    examples = []
    for prompt, completion in zip(prompts, completions, strict=True):
        start = len(before) + len(prompt) + len(after)
        ids = [*before, *prompt, *after, *completion, tokenizer.eos_token_id]
        if len(ids) <= max_length:
            examples.append(TrainingExample(np.array(ids, dtype=np.int16), start))
    return examples
