"""`knm eval`: a model on a corpus, alone and with each of several presets."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from knm.codec import to_json
from knm.corpora import CorpusRecord
from knm.datastore import Datastore
from knm.errors import UserError
from knm.metrics.figures import Figures, Positions, lm_figures, preset_figures
from knm.metrics.labels import label_sources, label_types
from knm.metrics.next_line import NextLine, complete_lines, draw_cases
from knm.metrics.pass_rate import KnownOutcomes, PassRateSlopes, pass_rate_slopes
from knm.metrics.states import BATCH_TOKENS
from knm.metrics.subject import Subject, measure_examples, open_retrievers
from knm.models import EncodedExample, LoadedModel, encode_corpus
from knm.problems import PromptTemplate, sample_prompts
from knm.retrieval import Preset


@dataclass(frozen=True)
class EvaluationOptions:
    """How a corpus is evaluated: `next_line` lines are completed greedily."""

    batch_tokens: int = BATCH_TOKENS
    next_line: int = 0
    seed: int = 0


@dataclass(frozen=True)
class CorpusEvaluation:
    """Figures of the LM first and of each preset, and where they come from.

    `next_lines` has an entry for each of `figures`, or none at all. `slopes` is there where the
    corpus says which programs passed and which failed. The `failed` ones count there alone: their
    tokens are not the right ones, and `subject` is without them.
    """

    subject: Subject
    failed: int
    figures: tuple[Figures, ...]
    next_lines: tuple[NextLine, ...]
    slopes: PassRateSlopes | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        lines: list[Any] = [to_json(line) for line in self.next_lines]
        lines += [None] * (len(self.figures) - len(lines))
        settings = self.subject.settings
        return {
            **self.subject.to_json(),
            "failed": self.failed,
            "results": [
                {**to_json(figures), "preset": preset, "next_line": line}
                for figures, preset, line in zip(self.figures, settings, lines, strict=True)
            ],
            "pass_rate": self._slopes_json(),
            "seconds": self.seconds,
        }

    def _slopes_json(self) -> dict[str, Any] | None:
        if self.slopes is None:
            return None
        names = [figures.name for figures in self.figures[1:]]
        by_preset = [
            {"name": name, **to_json(slope)}
            for name, slope in zip(names, self.slopes.presets, strict=True)
        ]
        return {**to_json(self.slopes), "presets": by_preset}


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

    Those that failed are read where the slopes of presets need them, and for nothing else. `asked`
    are prompts of the whole corpus that `records` are some of (default: theirs): by them presets
    that ask for it know whether it is of the datastore's kind.

    Raises:
        UserError: presets, datastore and model do not fit, there are too few lines to complete, or
            all programs failed.
    """
    options = options or EvaluationOptions()
    started = time.perf_counter()
    passed = [record for record in records if record.passed]
    if not passed:
        raise UserError(
            f"none of {len(records):,} programs passed, by their outcomes: give some that did, as "
            "the tokens of others are not the right ones"
        )
    read = records if presets and KnownOutcomes.of(records) is not None else passed
    encoded = encode_corpus(loaded.tokenizer, read, template)
    lengths = [len(example.ids) - example.target_start for example in encoded]
    right = np.repeat([record.passed for record in read], lengths)
    examples = [one for one, record in zip(encoded, read, strict=True) if record.passed]
    cases = []
    if options.next_line:
        cases = draw_cases(loaded, examples, passed, template, options.next_line, options.seed)
    retrievers = open_retrievers(loaded, datastore, presets)
    tasks = [(record.statement, record.language) for record in records]
    for retriever in retrievers:
        retriever.withhold_from(sample_prompts(template, tasks) if asked is None else asked)
    lm, measured = measure_examples(loaded, encoded, retrievers, options.batch_tokens)
    positions = known_positions(loaded, examples, passed)
    of_right = lm.where(right)
    figures = [lm_figures(positions, of_right)]
    for preset, one in zip(presets, measured, strict=True):
        figures.append(preset_figures(preset.name, positions, of_right, one.where(right)))
    lines = [
        complete_lines(loaded, cases, retriever, label=f"lines, {one.name}")
        for retriever, one in zip([None, *retrievers], figures, strict=True)
        if cases
    ]
    slopes = pass_rate_slopes(
        read, lengths, lm.log_prob, [one.corrected.log_prob for one in measured]
    )
    return CorpusEvaluation(
        subject=Subject.of(loaded, passed, datastore, presets),
        failed=len(records) - len(passed),
        figures=tuple(figures),
        next_lines=tuple(lines),
        slopes=slopes,
        seconds=time.perf_counter() - started,
    )
