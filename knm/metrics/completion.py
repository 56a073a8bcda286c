"""Next-token completion inside a project: how often each lexeme comes out, as kNM-LM measures it.

Every token of a source file is foreseen from the right text before it. A lexeme is the tokens that
write any part of it, and comes out *exactly* if each of them is what was likeliest. Its *rank* is
that of the token of it that stood worst, so that ranks of 1 are what comes out exactly; the mean
reciprocal rank is over lexemes. *Similarity* is the edit similarity of what the likeliest tokens
write to what stands there, without blanks around. Lexemes whose first token nothing foresees, as at
the beginning of a file, do not count.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from transformers import PreTrainedTokenizerBase

from knm.codec import to_json
from knm.corpora import CorpusRecord
from knm.corpora.lexeme_lists import LEXEMES, TYPES
from knm.datastore import Datastore
from knm.errors import UserError
from knm.languages.lexemes import Lexeme, split_lexemes
from knm.metrics.measuring import Array, Predictions
from knm.metrics.next_line import edit_similarity
from knm.metrics.states import BATCH_TOKENS
from knm.metrics.subject import Subject, measure_examples, open_retrievers
from knm.models import EncodedExample, LoadedModel, RawEncoding
from knm.retrieval import Preset
from knm.statistics import bootstrap_ratio

UNCOUNTED: Final = "unknown"
"""The type of lexemes that published figures leave out."""

UNTYPED: Final = "lexeme"


@dataclass(frozen=True)
class Lexemes:
    """The L lexemes that count.

    Lexeme l is written by the positions `first[l]` to `last[l]`, both in; `types` (L,) are labels
    and `files` (L,) numbers of records.
    """

    first: Array
    last: Array
    types: Array
    files: Array


@dataclass(frozen=True)
class Completed:
    """How some lexemes came out: their number, how many exactly, and means over them."""

    lexemes: int
    right: int
    exact: float
    similarity: float
    reciprocal_rank: float


@dataclass(frozen=True)
class CompletionFigures:
    """Figures of one predictor, in whole and by type of lexeme.

    `interval` is that of `all.exact`, `gain` how much that is above the LM's, both bootstrapped
    over files (95 %). `by_file` are lexemes, and those that came out exactly, of each file.
    """

    name: str
    all: Completed
    by_type: Mapping[str, Completed]
    interval: tuple[float, float]
    gain: float
    gain_interval: tuple[float, float]
    by_file: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class CompletionEvaluation:
    """Figures of the LM first and of each preset."""

    subject: Subject
    figures: tuple[CompletionFigures, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            **self.subject.to_json(),
            "results": [
                {**to_json(one), "preset": preset}
                for one, preset in zip(self.figures, self.subject.settings, strict=True)
            ],
            "seconds": self.seconds,
        }


def evaluate_completion(
    loaded: LoadedModel,
    records: Sequence[CorpusRecord],
    encoding: RawEncoding | None = None,
    datastore: Datastore | None = None,
    presets: Sequence[Preset] = (),
    batch_tokens: int = BATCH_TOKENS,
) -> CompletionEvaluation:
    """Measure the LM, and each of `presets` over `datastore`, at every lexeme of source files.

    Raises:
        UserError: presets, datastore and model do not fit, the tokenizer does not tell where its
            tokens stand, or there are no lexemes.
    """
    started = time.perf_counter()
    examples = (encoding or RawEncoding())(loaded.tokenizer, records)
    lexemes = find_lexemes(loaded.tokenizer, records, examples)
    if not len(lexemes.first):
        raise UserError("the corpus has no lexemes to complete: is it of source files?")
    retrievers = open_retrievers(loaded, datastore, presets)
    lm, measured = measure_examples(loaded, examples, retrievers, batch_tokens)
    right = np.array(
        [token for one in examples for token in one.ids[one.target_start :]], dtype=np.int64
    )
    names, said = ["LM", *(one.name for one in presets)], [lm, *(one.corrected for one in measured)]
    exact_by_lm = _exactly(lexemes, right, lm)
    figures = tuple(
        _figures(name, loaded.tokenizer, records, lexemes, right, one, exact_by_lm)
        for name, one in zip(names, said, strict=True)
    )
    subject = Subject.of(loaded, records, datastore, presets)
    return CompletionEvaluation(subject, figures, time.perf_counter() - started)


def find_lexemes(
    tokenizer: PreTrainedTokenizerBase,
    records: Sequence[CorpusRecord],
    examples: Sequence[EncodedExample],
) -> Lexemes:
    """The lexemes of `records`, whose `examples` are raw text, by the positions that write them.

    Raises:
        UserError: the tokenizer does not tell where its tokens stand, or a record's lexemes and
            their types do not go together.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise UserError(
            f"model {tokenizer.name_or_path!r}: its tokenizer does not tell where tokens stand in "
            "a text; it needs a tokenizer.json"
        )
    firsts: dict[str, int] = {}  # of each record the number of its first target, of its tokens
    counts: dict[str, int] = {}
    for example in examples:
        firsts.setdefault(example.record_id, example.first + example.target_start)
        targets = len(example.ids) - example.target_start
        counts[example.record_id] = counts.get(example.record_id, 0) + targets
    rows: list[tuple[int, int, str, int]] = []
    base = 0
    for number, record in enumerate(records):
        if record.id not in firsts:
            continue
        unforeseen = firsts[record.id]
        starts, ends, places = _spans(tokenizer, record.program)
        for lexeme in lexemes_of(record):
            # The tokens that stand in it: from the first that ends in it or behind it.
            low = int(np.searchsorted(ends, lexeme.start, side="right"))
            high = int(np.searchsorted(starts, lexeme.end, side="left")) - 1
            if lexeme.type == UNCOUNTED or high < low or places[low] < unforeseen:
                continue
            first, last = (base + int(places[one]) - unforeseen for one in (low, high))
            rows.append((first, last, lexeme.type, number))
        base += counts[record.id]
    kinds: tuple[type, ...] = (np.int64, np.int64, np.str_, np.int64)
    columns = [[row[place] for row in rows] for place in range(len(kinds))]
    return Lexemes(
        *(np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True))
    )


def lexemes_of(record: CorpusRecord) -> list[Lexeme]:
    """The lexemes of a record: as it says itself, with spaces between, or as its language has it.

    Raises:
        UserError: it says no type for each, or its language has no lexer.
    """
    own = record.extras.get(LEXEMES)
    if own is None:
        return split_lexemes(record.language, record.program)
    types = record.extras.get(TYPES, [UNTYPED] * len(own))
    if len(types) != len(own) or " ".join(own) != record.program:
        raise UserError(
            f"record {record.id!r}: fields {LEXEMES!r} and {TYPES!r} have to be as many, and the "
            "lexemes with spaces between them the program"
        )
    found, start = [], 0
    for text, kind in zip(own, types, strict=True):
        found.append(Lexeme(start, start + len(text), kind))
        start += len(text) + 1
    return found


def _spans(tokenizer: PreTrainedTokenizerBase, program: str) -> tuple[Array, Array, Array]:
    """Where tokens begin and end, in characters, and their numbers; special ones left out."""
    encoded = tokenizer(
        program,
        add_special_tokens=True,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        verbose=False,
    )
    spans = np.array(encoded["offset_mapping"], dtype=np.int64).reshape(-1, 2)
    places = np.flatnonzero(np.array(encoded["special_tokens_mask"]) == 0)
    return spans[places, 0], spans[places, 1], places


def _exactly(lexemes: Lexemes, right: Array, said: Predictions) -> Array:
    """Which lexemes come out exactly, (L,) bool."""
    hits = np.concatenate([[0], np.cumsum(said.token == right)])
    whole: Array = hits[lexemes.last + 1] - hits[lexemes.first] == lexemes.last - lexemes.first + 1
    return whole


def _figures(
    name: str,
    tokenizer: PreTrainedTokenizerBase,
    records: Sequence[CorpusRecord],
    lexemes: Lexemes,
    right: Array,
    said: Predictions,
    exact_by_lm: Array,
) -> CompletionFigures:
    exact = _exactly(lexemes, right, said)
    bounds = np.stack([lexemes.first, lexemes.last + 1], 1).ravel()
    worst = np.maximum.reduceat(np.append(said.rank, 0), bounds)[::2]
    reciprocal = 1.0 / worst
    similarity = _similarities(tokenizer, lexemes, right, said, exact)

    def group(chosen: Array) -> Completed:
        return Completed(
            lexemes=int(chosen.sum()),
            right=int(exact[chosen].sum()),
            exact=float(exact[chosen].mean()),
            similarity=float(similarity[chosen].mean()),
            reciprocal_rank=float(reciprocal[chosen].mean()),
        )

    everywhere = np.ones(len(exact), dtype=np.bool_)
    per_file = np.bincount(lexemes.files, minlength=len(records))
    hits, hits_by_lm = (
        np.bincount(lexemes.files, weights=one, minlength=len(records)).astype(np.int64)
        for one in (exact, exact_by_lm)
    )
    counted = np.flatnonzero(per_file)
    whole = group(everywhere)

    def interval(above: Array) -> tuple[float, float]:
        return bootstrap_ratio([(int(above[one]), int(per_file[one])) for one in counted])

    return CompletionFigures(
        name=name,
        all=whole,
        by_type={
            str(kind): group(lexemes.types == kind) for kind in np.unique(lexemes.types).tolist()
        },
        interval=interval(hits),
        gain=whole.exact - float(exact_by_lm.mean()),
        gain_interval=interval(hits - hits_by_lm),
        by_file={records[one].id: (int(per_file[one]), int(hits[one])) for one in counted.tolist()},
    )


def _similarities(
    tokenizer: PreTrainedTokenizerBase,
    lexemes: Lexemes,
    right: Array,
    said: Predictions,
    exact: Array,
) -> Array:
    """The edit similarity of each lexeme, (L,) float64."""
    similarity = np.ones(len(exact))
    wrong = np.flatnonzero(~exact)
    written, wanted = (
        tokenizer.batch_decode(
            [tokens[lexemes.first[one] : lexemes.last[one] + 1].tolist() for one in wrong]
        )
        for tokens in (said.token, right)
    )
    similarity[wrong] = [
        edit_similarity(one.strip(), other.strip())
        for one, other in zip(written, wanted, strict=True)
    ]
    return similarity
