"""`knm eval`: a model on a corpus, alone and with each of several presets."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from knm.codec import to_json
from knm.corpora import CorpusRecord, corpus_hash
from knm.datastore import Datastore
from knm.metrics.figures import Figures, Positions, lm_figures, preset_figures
from knm.metrics.labels import label_sources, label_types
from knm.metrics.measuring import measure
from knm.metrics.memory import SharedSearch
from knm.metrics.next_line import NextLine, complete_lines, draw_cases
from knm.metrics.states import BATCH_TOKENS, read_blocks, target_counts
from knm.models import (
    FINAL_NORM,
    EncodedExample,
    LoadedModel,
    encode_corpus,
    parse_key_kind,
)
from knm.problems import PromptTemplate, sample_prompts
from knm.retrieval import Preset, Retriever


@dataclass(frozen=True)
class EvaluationOptions:
    """How a corpus is evaluated: `next_line` lines are completed greedily."""

    batch_tokens: int = BATCH_TOKENS
    next_line: int = 0
    seed: int = 0


@dataclass(frozen=True)
class CorpusEvaluation:
    """Figures of the LM first and of each preset, and where they come from.

    `next_lines` has an entry for each of `figures`, or none at all.
    """

    model: str
    weights_hash: str
    config_hash: str | None
    corpus_hash: str
    records: int
    datastore_hash: str | None
    presets: tuple[Preset, ...]
    figures: tuple[Figures, ...]
    next_lines: tuple[NextLine, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        settings: list[Any] = [None, *(preset.to_json() for preset in self.presets)]
        lines: list[Any] = [to_json(line) for line in self.next_lines]
        lines += [None] * (len(self.figures) - len(lines))
        return {
            "model": {
                "name": self.model,
                "weights_hash": self.weights_hash,
                "config_hash": self.config_hash,
            },
            "corpus": {"hash": self.corpus_hash, "records": self.records},
            "datastore": self.datastore_hash,
            "results": [
                {**to_json(figures), "preset": preset, "next_line": line}
                for figures, preset, line in zip(self.figures, settings, lines, strict=True)
            ],
            "seconds": self.seconds,
        }


def known_positions(
    loaded: LoadedModel, examples: Sequence[EncodedExample], records: Sequence[CorpusRecord]
) -> Positions:
    """The right token of every target position, and its labels."""
    return Positions.of(
        [token for example in examples for token in example.ids[example.target_start :]],
        label_types(loaded, examples, records),
        label_sources(examples, records),
    )


def evaluate_corpus(
    loaded: LoadedModel,
    records: Sequence[CorpusRecord],
    template: PromptTemplate,
    datastore: Datastore | None = None,
    presets: Sequence[Preset] = (),
    options: EvaluationOptions | None = None,
    asked: Sequence[str] | None = None,
) -> CorpusEvaluation:
    """Measure the LM, and each of `presets` over `datastore`, at every token of the programs.

    `asked` are prompts of the whole corpus that `records` are some of (default: theirs): by them
    presets that ask for it know whether it is of the datastore's kind.

    Raises:
        UserError: presets, datastore and model do not fit, or there are too few lines to complete.
    """
    options = options or EvaluationOptions()
    started = time.perf_counter()
    examples = encode_corpus(loaded.tokenizer, records, template)
    cases = []
    if options.next_line:
        cases = draw_cases(loaded, examples, records, template, options.next_line, options.seed)
    retrievers: list[Retriever] = []
    kind = FINAL_NORM
    if datastore is not None and presets:
        shared = SharedSearch.of(datastore, loaded.device, presets)
        retrievers = [shared.retriever(preset) for preset in presets]
        tasks = [(record.statement, record.language) for record in records]
        for retriever in retrievers:
            retriever.withhold_from(sample_prompts(template, tasks) if asked is None else asked)
        kind = datastore.manifest.key_kind
    blocks = read_blocks(loaded, examples, parse_key_kind(kind), batch_tokens=options.batch_tokens)
    lm, measured = measure(loaded, blocks, retrievers, int(target_counts(examples).sum()))
    positions = known_positions(loaded, examples, records)
    figures = [lm_figures(positions, lm)]
    for preset, one in zip(presets, measured, strict=True):
        figures.append(preset_figures(preset.name, positions, lm, one))
    lines = [
        complete_lines(loaded, cases, retriever, label=f"lines, {one.name}")
        for retriever, one in zip([None, *retrievers], figures, strict=True)
        if cases
    ]
    return CorpusEvaluation(
        model=loaded.identity.name,
        weights_hash=loaded.identity.weights_hash,
        config_hash=loaded.identity.config_hash,
        corpus_hash=corpus_hash(records),
        records=len(records),
        datastore_hash=None if datastore is None else datastore.content_hash,
        presets=tuple(presets),
        figures=tuple(figures),
        next_lines=tuple(lines),
        seconds=time.perf_counter() - started,
    )
