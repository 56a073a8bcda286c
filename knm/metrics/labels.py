"""What kind of token each target position holds, and which source its program came from."""

from collections.abc import Sequence
from typing import Final

from knm.corpora import CorpusRecord
from knm.errors import UserError
from knm.languages.language import lexer_rules
from knm.languages.machine import START, TokenType
from knm.languages.tables import compile_tables
from knm.languages.vocabulary import token_bytes
from knm.models import EncodedExample, LoadedModel

UNKNOWN: Final = "unknown"


def label_types(
    loaded: LoadedModel, examples: Sequence[EncodedExample], records: Sequence[CorpusRecord]
) -> list[str]:
    """The type of every target token, of one example after the other.

    `UNKNOWN` where the language has no lexer or the tokenizer's tokens have no bytes.
    """
    try:
        tokens = token_bytes(loaded.tokenizer, loaded.identity.vocab_size)
    except UserError:
        return [UNKNOWN for example in examples for _ in example.ids[example.target_start :]]
    labels: list[str] = []
    for example, record in zip(examples, records, strict=True):
        targets = example.ids[example.target_start :]
        if lexer_rules(record.language) is None:
            labels += [UNKNOWN] * len(targets)
            continue
        tables = compile_tables(record.language, tokens)
        state = START
        for token in targets:
            labels.append(TokenType(int(tables.types[state, token])).label)
            state = int(tables.following[state, token])
    return labels


def label_sources(examples: Sequence[EncodedExample], records: Sequence[CorpusRecord]) -> list[str]:
    """The source of every target token's record."""
    return [
        record.source
        for example, record in zip(examples, records, strict=True)
        for _ in example.ids[example.target_start :]
    ]
