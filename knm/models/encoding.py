"""From prompts and programs to token ids, as the model sees them when it decodes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from knm.corpora import CorpusRecord
from knm.errors import UserError
from knm.problems import PromptTemplate, fence_program, language_prompt


@dataclass(frozen=True)
class EncodedExample:
    """A prompt and what should follow it, as one sequence of token ids.

    `ids[target_start:]` are the tokens to predict: the completion and the end-of-turn token.
    """

    record_id: str
    ids: tuple[int, ...]
    target_start: int


def encode_prompt(tokenizer: PreTrainedTokenizerBase, prompt: str) -> list[int]:
    """Token ids of one user turn in the model's chat template, ready for the answer.

    Raises:
        UserError: the tokenizer has no chat template.
    """
    if not tokenizer.chat_template:
        raise UserError(
            f"model {tokenizer.name_or_path!r} has no chat template; use an instruction-tuned "
            "model, or add a chat_template to its tokenizer_config.json"
        )
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
    )
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def encode_example(
    tokenizer: PreTrainedTokenizerBase, record_id: str, prompt: str, completion: str
) -> EncodedExample:
    """Encode a solved task in the format that will be decoded.

    The completion is tokenized apart from the prompt, as it is when the model writes it.
    """
    head = encode_prompt(tokenizer, prompt)
    tail: Sequence[int] = tokenizer(completion, add_special_tokens=False)["input_ids"]
    return EncodedExample(record_id, (*head, *tail, tokenizer.eos_token_id), len(head))


def encode_corpus(
    tokenizer: PreTrainedTokenizerBase, records: Iterable[CorpusRecord], template: PromptTemplate
) -> list[EncodedExample]:
    """Encode each record as its prompt and its program in one fenced block."""
    return [
        encode_example(
            tokenizer,
            record.id,
            template.render(record.statement, language_prompt(record.language)),
            fence_program(record.program, record.language),
        )
        for record in records
    ]
