"""Where the rows of an audit are run: models, problems and datastores, each made when needed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from knm.audit.accuracy import token_accuracy
from knm.audit.prompting import ExamplePrompts
from knm.audit.results import RowResult, StoreFacts
from knm.audit.rows import Row
from knm.audit.stores import (
    IN_DOMAIN,
    OFF_DOMAIN,
    ORACLE,
    STORES,
    Materials,
    build_store,
    store_bytes,
)
from knm.codec import to_json
from knm.corpora import CorpusRecord, corpus_hash, decontaminate, keep_passed, load_corpus
from knm.datastore import Datastore, MiningOptions
from knm.datastore.mining_options import batch_tokens_on
from knm.engine.devices import freeing_engines
from knm.engine.requests import encode_request
from knm.engine.setup import hardware_of
from knm.errors import UserError
from knm.judging.trials import TrialSettings, run_trial
from knm.languages.language import DEFAULT_LANGUAGE, load_language
from knm.metrics.subject import determinants
from knm.models import (
    FINAL_NORM,
    ChatEncoding,
    EncodedExample,
    LoadedModel,
    context_length,
    load_model,
    resolve_placement,
)
from knm.models.encoding import end_of_turn
from knm.models.finetuning import finetune
from knm.models.finetuning_options import FinetuningOptions
from knm.problems import (
    ALL,
    Problem,
    ProblemSet,
    PromptTemplate,
    Selection,
    fence_program,
    load_problems,
    load_template,
)
from knm.records import Request
from knm.retrieval import DEFAULT_PRESET, Preset, Retriever, resolve_preset

ANY_LANGUAGE = "task"
"""The template of rows in a language that the audit's own template does not suit."""


@dataclass(frozen=True)
class AuditSettings:
    """What is audited, on what, and where the results go.

    `corpus` fills the store and the fine-tuned copy, of it the first `programs` records; the
    off-domain store gets as many. `positions` and `key_kind` are those of the stores, `preset` (a
    name or a file) that of the rows that name none.
    """

    out: Path
    corpus: Path
    problems: str
    model: str = "embedded"
    dtype: str | None = None
    device: str | None = None
    off_domain: Path | None = None
    programs: int | None = None
    selection: Selection = ALL
    preset: str = DEFAULT_PRESET
    positions: str = "all"
    key_kind: str = FINAL_NORM
    trial: TrialSettings = field(default_factory=TrialSettings)
    sandbox: str = "local"
    workers: int | None = None
    finetuning: FinetuningOptions = field(default_factory=FinetuningOptions)


class Unavailable(Exception):
    """A row cannot be run with what there is; the message is the reason."""


class Workbench:
    """Runs rows of one audit."""

    def __init__(self, settings: AuditSettings) -> None:
        """Check what the settings name; nothing is loaded yet.

        Raises:
            UserError: something is missing or malformed.
        """
        self.settings = settings
        self._placement = resolve_placement(settings.device, settings.dtype)
        self.template = load_template(settings.trial.prompt)
        self.problem_set: ProblemSet = load_problems(settings.problems, settings.selection)
        self._corpora: dict[str, Sequence[CorpusRecord]] = {}
        self.mining = MiningOptions(
            positions=settings.positions,
            key_kind=settings.key_kind,
            batch_tokens=batch_tokens_on(torch.device(self._placement.device).type),
        )
        # What store, copy and prompts are made of.
        self.programs: Sequence[CorpusRecord] = self._first(settings.programs)
        resolve_preset(settings.preset)

    @cached_property
    def _whole_set(self) -> ProblemSet:
        """The whole problem set: whether it is the datastore's is asked of all of it."""
        settings = self.settings
        return self.problem_set if settings.selection.is_all else load_problems(settings.problems)

    @cached_property
    def loaded(self) -> LoadedModel:
        """The model that is audited."""
        return self._load(self.settings.model)

    @cached_property
    def finetuned(self) -> LoadedModel:
        """Its copy, fine-tuned on the corpus."""
        records = self.programs
        directory = self.settings.out / "models" / f"finetuned-{len(records)}"
        finetune(
            self.settings.model,
            records,
            ChatEncoding(self.template),
            directory,
            self.settings.finetuning,
            device=self._placement.device,
        )
        return self._load(str(directory))

    @cached_property
    def materials(self) -> Materials:
        """What datastores are made of."""
        return Materials(
            self.loaded,
            self.template,
            self.mining,
            self.settings.out / "stores",
            self.records_of,
            adaptors=resolve_preset(self.settings.preset).weight_kind == "learned",
        )

    def records_of(self, corpus: str) -> Sequence[CorpusRecord]:
        """All records of a corpus.

        Raises:
            Unavailable: there is none.
        """
        if corpus not in self._corpora:
            self._corpora[corpus] = self._read_corpus(corpus)
        return self._corpora[corpus]

    @cached_property
    def _corpus_hash(self) -> str:
        return corpus_hash(self.programs)

    @property
    def _finetuning(self) -> dict[str, Any]:
        width = self.loaded.identity.hidden_size
        return asdict(self.settings.finetuning.filled_for(len(self.programs), width))

    def row_path(self, row: Row) -> Path:
        """Where a row's result is kept."""
        return self.settings.out / "rows" / f"{row.name}.json"

    def run(self, row: Row) -> RowResult:
        """Run a row, unless its very configuration has been run before.

        Raises:
            Unavailable: it needs what there is not.
            UserError: something does not fit together.
        """
        store = None if row.store is None else self._store(row)
        configuration = self._configuration(row, store)
        kept = RowResult.load(self.row_path(row), row, configuration)
        if kept is not None:
            return kept
        loaded = self.finetuned if row.finetuned else self.loaded
        with freeing_engines(loaded.device):
            result = self._measure(row, configuration, loaded, store)
        result.save(self.row_path(row))
        return result

    def _measure(
        self,
        row: Row,
        configuration: Mapping[str, Any],
        loaded: LoadedModel,
        store: Datastore | None,
    ) -> RowResult:
        retriever = facts = None
        if store is not None:
            retriever = Retriever(store, self._preset(row), device=loaded.device)
            retriever.withhold_from(self._trial_settings(row).sample_prompts(self._whole_set))
            facts = StoreFacts(len(store), store_bytes(store), store.content_hash)
        request = self._requests(row)
        trial = run_trial(
            self.problem_set.problems,
            loaded,
            retriever,
            self.settings.sandbox,
            self._trial_settings(row),
            workers=self.settings.workers,
            request=request,
            label=row.name,
        )
        accuracy = token_accuracy(loaded, retriever, self._references(row, request))
        return RowResult(row, configuration, trial, accuracy, facts)

    def facts(self) -> dict[str, Any]:
        """What the audit's rows have in common, plain JSON."""
        settings, loaded = self.settings, self.loaded
        return {
            "model": asdict(loaded.identity),
            "device": hardware_of(self._placement),
            "problems": {
                "name": self.problem_set.name,
                "count": len(self.problem_set),
                "content_hash": self.problem_set.content_hash,
            },
            "corpus": {
                "file": settings.corpus.name,
                "programs": len(self.programs),
                "hash": self._corpus_hash,
            },
            "preset": resolve_preset(settings.preset).to_json(),
            "mining": asdict(self.mining),
            "finetuning": self._finetuning,
        }

    def _load(self, name: str) -> LoadedModel:
        placement = self._placement
        return load_model(name, dtype=placement.dtype, device=placement.device)

    def _read_corpus(self, corpus: str) -> Sequence[CorpusRecord]:
        settings = self.settings
        if corpus == IN_DOMAIN:
            # Nothing of a problem may stand in what is to help with it.
            passed = keep_passed(load_corpus(settings.corpus), settings.corpus)
            return decontaminate(passed, self.problem_set.problems).kept
        if corpus == OFF_DOMAIN:
            if settings.off_domain is None:
                raise Unavailable("no off-domain corpus: give the audit one")
            return keep_passed(load_corpus(settings.off_domain), settings.off_domain)
        assert corpus == ORACLE
        held = load_language(DEFAULT_LANGUAGE).reference
        records = [
            CorpusRecord(
                problem.question_id,
                problem.question_content,
                reference,
                DEFAULT_LANGUAGE,
                "reference",
            )
            for problem in self.problem_set
            if isinstance(reference := problem.extras.get(held or ""), str)
        ]
        if not records:
            raise Unavailable("the problems have no `reference` programs")
        return records

    def _store(self, row: Row) -> Datastore:
        assert row.store is not None
        count = len(self.programs)
        if row.programs is not None:
            count = len(self._first(row.programs))
        elif STORES[row.store].corpus == ORACLE:
            count = len(self.records_of(ORACLE))
        return build_store(row.store, self.materials, count)

    def _first(self, count: int | None) -> Sequence[CorpusRecord]:
        """The first `count` records of the corpus.

        Raises:
            UserError: there are fewer.
        """
        records = self.records_of(IN_DOMAIN)
        if count is not None and count > len(records):
            raise UserError(
                f"{self.settings.corpus}: holds {len(records)} programs, {count} were asked for: "
                "give a larger corpus (`knm corpus generate --count N` makes one), or ask for fewer"
            )
        return records[:count]

    def _preset(self, row: Row) -> Preset:
        return resolve_preset(row.preset or self.settings.preset, lmbda=row.lmbda)

    def _template(self, row: Row) -> PromptTemplate:
        """The audit's template, or for a language that it does not suit, the one that suits all."""
        return self.template if self.template.suits(row.language) else load_template(ANY_LANGUAGE)

    def _trial_settings(self, row: Row) -> TrialSettings:
        prompt = self.settings.trial.prompt
        if not self.template.suits(row.language):
            prompt = ANY_LANGUAGE
        return replace(self.settings.trial, language=row.language, prompt=prompt)

    def _requests(self, row: Row) -> Callable[[Problem], Request]:
        settings = self._trial_settings(row)
        if not row.examples:
            return settings.request
        return ExamplePrompts(
            self.loaded,
            self.programs,
            self._template(row),
            language=row.language,
            count=row.examples,
            max_new_tokens=settings.max_new_tokens,
        ).request

    def _references(self, row: Row, request: Callable[[Problem], Request]) -> list[EncodedExample]:
        """The problems' reference programs behind the very prompts of the row, where they fit."""
        tokenizer, context = self.loaded.tokenizer, context_length(self.loaded.model)
        examples = []
        for problem in self.problem_set:
            program = problem.extras.get(load_language(row.language).reference or "")
            if isinstance(program, str):
                head = encode_request(tokenizer, request(problem))
                answer = fence_program(program, row.language)
                tail = tokenizer(answer, add_special_tokens=False)["input_ids"]
                ids = (*head, *tail, end_of_turn(tokenizer))
                if context is None or len(ids) <= context:
                    examples.append(EncodedExample(problem.question_id, ids, len(head)))
        return examples

    def _configuration(self, row: Row, store: Datastore | None) -> Mapping[str, Any]:
        """Everything that a row's result depends on."""
        settings, loaded = self.settings, self.loaded
        preset = None if store is None else self._preset(row)
        unguarded = store is None or settings.selection.is_all
        return {
            **determinants(loaded, preset, store),
            "device": hardware_of(self._placement),
            "problems": self.problem_set.content_hash,
            "prompt": self._template(row).content_hash,
            "trial": to_json(self._trial_settings(row)),
            "sandbox": settings.sandbox,
            "finetuned": row.finetuned and [self._finetuning, self._corpus_hash],
            "examples": row.examples and [row.examples, self._corpus_hash],
            "guarded": None if unguarded else self._whole_set.content_hash,
        }
