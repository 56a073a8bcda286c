"""How a record of a corpus becomes text, for the commands that read corpora."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from knm.commands.output import say
from knm.errors import UserError, named
from knm.option_fields import Option

if TYPE_CHECKING:
    from knm.corpora import CorpusRecord
    from knm.models import CorpusEncoding, RawEncoding


class Format(StrEnum):
    """How a record becomes text."""

    CHAT = "chat"
    RAW = "raw"


@dataclass(frozen=True, kw_only=True)
class BlockOptions:
    """How raw text is cut."""

    block_tokens: Annotated[
        int | None, Option("tokens of a raw block, with context", "N", default="1024")
    ] = None
    stride: Annotated[
        int | None, Option("tokens between raw blocks", "N", default="half a block")
    ] = None

    def encoding(self) -> "RawEncoding":
        """Raw text in such blocks."""
        from knm.models import RawEncoding

        block = 1024 if self.block_tokens is None else self.block_tokens
        return RawEncoding(block, block // 2 if self.stride is None else self.stride)


@dataclass(frozen=True, kw_only=True)
class TextOptions(BlockOptions):
    """How a record of a corpus becomes text."""

    text_format: Annotated[
        Format,
        Option("chat: statement and program, as decoded; raw: program text", flag="--format"),
    ] = Format.CHAT
    prompt: Annotated[
        str | None,
        Option("prompt template of chat, as in decoding", "NAME|FILE", default="task"),
    ] = None


def load_passed(path: Path, limit: int | None = None) -> "tuple[CorpusRecord, ...]":
    """The first `limit` records of a corpus whose programs passed: those that failed are told of.

    Raises:
        UserError: as `load_corpus`, or all of them failed.
    """
    from knm.corpora import first_passed, keep_passed, load_corpus

    records = tuple(first_passed(load_corpus(path), limit))
    kept = keep_passed(records, path)
    if len(kept) < len(records):
        failed = len(records) - len(kept)
        say(f"{path}: {failed:,} of {len(records):,} records left out: their programs failed")
    return kept


def text_encoding(text: TextOptions) -> "CorpusEncoding":
    """What the options ask for.

    Raises:
        UserError: they contradict each other, or there is no such template.
    """
    from knm.models import ChatEncoding
    from knm.problems import load_template

    if text.text_format is Format.CHAT:
        if text.block_tokens is not None or text.stride is not None:
            raise UserError(
                f"{named('block_tokens')}, {named('stride')}: a chat is not cut: use "
                f"{named('text_format')} raw"
            )
        return ChatEncoding(load_template(text.prompt or "task"))
    if text.prompt is not None:
        raise UserError(
            f"{named('prompt')} {text.prompt}: raw text has no prompt: use {named('text_format')} "
            "chat"
        )
    return text.encoding()
