"""From training text to token ids: the embedded LM's tokenizer and its encoded examples."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from knm.models.encoding import encode_prompt

PAD, END, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"
CHAT_TEMPLATE: Final = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TOKENIZER_SAMPLES: Final = 16_000


@dataclass(frozen=True)
class TrainingExample:
    """Token ids (int16) of a prompt and its answer; the answer starts at `target_start`."""

    ids: npt.NDArray[np.int16]
    target_start: int


def train_tokenizer(texts: list[tuple[str, str]], vocab_size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with the chat template of the embedded LM."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    # Evenly spaced, so that both languages are in.
    step = max(1, len(texts) // TOKENIZER_SAMPLES)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, END, USER, ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((part for pair in texts[::step] for part in pair), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


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
