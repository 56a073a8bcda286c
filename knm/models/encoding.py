"""From prompts and programs to token ids, as the model sees them when it decodes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from jinja2 import TemplateError

from knm.corpora import CorpusRecord
from knm.errors import UserError, named
from knm.problems import PromptTemplate, fence_program
from knm.records import ChatArguments, conversation

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class EncodedExample:
    """A prompt and what should follow it, as one sequence of token ids.

    `ids[target_start:]` are the tokens to predict: the completion and the end-of-turn token. `ids`
    begin at token `first` of the record's text; its language and source go along.
    """

    record_id: str
    ids: tuple[int, ...]
    target_start: int
    first: int = 0
    language: str | None = None
    source: str | None = None
    group: str | None = None

    @property
    def prompt(self) -> tuple[int, ...]:
        """The token ids before the first that is to be predicted."""
        return self.ids[: self.target_start]


class CorpusEncoding(Protocol):
    """How the records of a corpus become examples."""

    def __call__(
        self, tokenizer: "PreTrainedTokenizerBase", records: Sequence[CorpusRecord]
    ) -> list[EncodedExample]:
        """The examples of `records`, in their order."""
        ...

    def texts(self, record: CorpusRecord) -> tuple[str, ...]:
        """What is written of a record, part by part, without a chat's own tokens."""
        ...

    def describe(self) -> dict[str, Any]:
        """Its settings as plain JSON: the same settings give the same examples."""
        ...


@dataclass(frozen=True)
class ChatEncoding:
    """Each record as its prompt in the chat template and its program in one fenced block."""

    template: PromptTemplate

    def __call__(
        self, tokenizer: "PreTrainedTokenizerBase", records: Sequence[CorpusRecord]
    ) -> list[EncodedExample]:
        """One example a record.

        Raises:
            UserError: the tokenizer has no chat template or names no end of a turn, or a language
                is unknown.
        """
        self.template.check_chat()
        texts = [self.texts(record) for record in records]
        heads = [
            render_turn(
                tokenizer,
                prompt,
                self.template.render_system(record.language),
                self.template.arguments,
            )
            for record, (prompt, _) in zip(records, texts, strict=True)
        ]
        tails = [answer for _, answer in texts]
        end = end_of_turn(tokenizer)
        encoded = encode_texts(tokenizer, heads + tails)
        return [
            EncodedExample(
                record.id,
                (*head, *tail, end),
                len(head),
                language=record.language,
                source=record.source,
                group=record.group,
            )
            for record, head, tail in zip(
                records, encoded[: len(heads)], encoded[len(heads) :], strict=True
            )
        ]

    def texts(self, record: CorpusRecord) -> tuple[str, str]:
        """Prompt and answer."""
        try:
            prompt = self.template.render(record.statement, record.language)
            return prompt, fence_program(record.program, record.language)
        except UserError as error:
            raise UserError(f"corpus record {record.id}: {error}") from None

    def describe(self) -> dict[str, Any]:
        """Format and template."""
        return {
            "format": "chat",
            "prompt": self.template.name,
            "prompt_hash": self.template.content_hash,
        }


@dataclass(frozen=True)
class RawEncoding:
    """Plain program text in blocks of `block_tokens`, each `stride` tokens after the last.

    What a block shares with the one before it is context: each token is a target once, but for the
    first of a program, which nothing predicts unless the tokenizer puts tokens before a text. Every
    block begins with these, and none of them is a target.

    Raises:
        UserError: the stride leaves no context, or no progress.
    """

    block_tokens: int = 1024
    stride: int = 512

    def __post_init__(self) -> None:
        if self.block_tokens < 2:
            raise UserError(f"{named('block_tokens')} {self.block_tokens}: must be at least 2")
        if not 1 <= self.stride < self.block_tokens:
            raise UserError(
                f"{named('stride')} {self.stride}: must be from 1 to {self.block_tokens - 1}, so "
                f"that a block of {self.block_tokens} tokens begins with some of the one before it"
            )

    def __call__(
        self, tokenizer: "PreTrainedTokenizerBase", records: Sequence[CorpusRecord]
    ) -> list[EncodedExample]:
        """The blocks of each record; a program of one token may have none.

        Raises:
            UserError: blocks are too short for what the tokenizer puts before a text.
        """
        if not records:
            return []
        encoded = tokenizer(
            [record.program for record in records],
            add_special_tokens=True,
            return_special_tokens_mask=True,
            verbose=False,
        )
        return [
            example
            for record, ids, special in zip(
                records, encoded["input_ids"], encoded["special_tokens_mask"], strict=True
            )
            for example in self._blocks(record, ids, _leading(special))
        ]

    def texts(self, record: CorpusRecord) -> tuple[str]:
        """The program."""
        return (record.program,)

    def describe(self) -> dict[str, Any]:
        """Format and block sizes."""
        return {"format": "raw", "block_tokens": self.block_tokens, "stride": self.stride}

    def _blocks(
        self, record: CorpusRecord, ids: Sequence[int], prefix: int
    ) -> Iterator[EncodedExample]:
        """The blocks of a record's tokens, of which the first `prefix` begin every block."""
        if self.block_tokens - self.stride < prefix:
            raise UserError(
                f"{named('block_tokens')} {self.block_tokens}: the model's texts begin with "
                f"{prefix} tokens of their own, which leaves no context: give more, or a smaller "
                f"{named('stride')}"
            )
        first, target = 0, max(1, prefix)
        while target < len(ids):
            end = first + self.block_tokens
            yield EncodedExample(
                record.id,
                (*ids[:prefix], *ids[first + prefix : end]),
                target - first,
                first=first,
                language=record.language,
                source=record.source,
                group=record.group,
            )
            first, target = first + self.stride, end


def _leading(special: Sequence[int]) -> int:
    """How many of the first tokens are special."""
    return next((place for place, mark in enumerate(special) if not mark), len(special))


def encode_prompt(
    tokenizer: "PreTrainedTokenizerBase",
    prompt: str,
    system: str = "",
    arguments: ChatArguments = (),
) -> list[int]:
    """Token ids of one user turn in the model's chat template, ready for the answer.

    `system` stands before it, and the template is given `arguments`.

    Raises:
        UserError: the tokenizer has no chat template, or it refuses a turn of the system's.
    """
    return encode_texts(tokenizer, [render_turn(tokenizer, prompt, system, arguments)])[0]


def encode_example(
    tokenizer: "PreTrainedTokenizerBase", record_id: str, prompt: str, completion: str
) -> EncodedExample:
    """Encode a solved task in the format that will be decoded.

    The completion is tokenized apart from the prompt, as it is when the model writes it.

    Raises:
        UserError: the tokenizer has no chat template or names no end of a turn.
    """
    head, tail = encode_texts(tokenizer, [render_turn(tokenizer, prompt), completion])
    return EncodedExample(record_id, (*head, *tail, end_of_turn(tokenizer)), len(head))


def end_of_turn(tokenizer: "PreTrainedTokenizerBase") -> int:
    """The token that ends an answer.

    Raises:
        UserError: the tokenizer names none, so that nothing could be learnt of where answers end.
    """
    end: int | None = tokenizer.eos_token_id
    if end is None:
        raise UserError(
            f"model {tokenizer.name_or_path!r}: its tokenizer names no end token; add the one that "
            'ends its answers to its tokenizer_config.json, as in "eos_token": "<|im_end|>"'
        )
    return end


def encode_corpus(
    tokenizer: "PreTrainedTokenizerBase", records: Iterable[CorpusRecord], template: PromptTemplate
) -> list[EncodedExample]:
    """Encode each record as its prompt and its program in one fenced block."""
    return ChatEncoding(template)(tokenizer, list(records))


def render_turn(
    tokenizer: "PreTrainedTokenizerBase",
    prompt: str,
    system: str = "",
    arguments: ChatArguments = (),
) -> str:
    """One user turn as the model's chat template writes it: the text of `encode_prompt`.

    Raises:
        UserError: as there.
    """
    if not tokenizer.chat_template:
        raise UserError(
            f"model {tokenizer.name_or_path!r} has no chat template; use an instruction-tuned "
            "model, or add a chat_template to its tokenizer_config.json"
        )
    return render_chat(tokenizer, conversation(prompt, system), arguments)


def render_context(
    tokenizer: "PreTrainedTokenizerBase",
    messages: Sequence[Mapping[str, str]],
    arguments: ChatArguments = (),
) -> str:
    """A conversation as a whole context: what the tokenizer puts before any text is left to it.

    Raises:
        UserError: as `render_chat`.
    """
    ids, plain = (
        tokenizer("x", add_special_tokens=special)["input_ids"] for special in (True, False)
    )
    added = str(tokenizer.decode(ids[: len(ids) - len(plain)]))
    return render_chat(tokenizer, messages, arguments).removeprefix(added)


def render_chat(
    tokenizer: "PreTrainedTokenizerBase",
    messages: Sequence[Mapping[str, str]],
    arguments: ChatArguments = (),
) -> str:
    """A conversation as the model's chat template writes it, ready for the answer.

    Raises:
        UserError: the template refuses it: roles must alternate, none may be the system's, ...
    """
    try:
        text: str = tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=True, **dict(arguments)
        )
    except (TemplateError, TypeError, ValueError) as error:  # the model's own template speaks
        raise UserError(
            f"model {tokenizer.name_or_path!r}: its chat template refuses this: {error}"
        ) from None
    return text


def encode_texts(
    tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], *, special: bool = False
) -> list[list[int]]:
    """Token ids of texts as they are, in one call, which fast tokenizers share out to threads.

    With `special` each has what the tokenizer puts around a text.
    """
    # A warning that a text is longer than the model's context helps nobody.
    encoded = tokenizer(
        list(texts), add_special_tokens=special, return_attention_mask=False, verbose=False
    )
    ids: list[list[int]] = encoded["input_ids"]
    return ids
