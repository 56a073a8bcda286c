"""The datastores of a study: each mined, or made of another, once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knm.corpora import (
    Decontamination,
    decontaminate_stream,
    first_passed,
    stream_corpus,
    summarize_corpus,
)
from knm.errors import UserError, named
from knm.hashing import hash_json
from knm.jsonio import read_json, write_json
from knm.packaged import find_corpus
from knm.problems import ProblemSet, load_template
from knm.study.plan import StorePlan, StudyPlan

if TYPE_CHECKING:
    from knm.datastore import Datastore
    from knm.models import LoadedModel, ModelIdentity


@dataclass(frozen=True)
class BuiltStore:
    """A datastore of a study.

    `left_out` are corpus records that the problems ask for, `dropped` entries by the rule of
    foreign syntax that each was dropped for.
    """

    name: str
    plan: StorePlan
    path: Path
    entries: int
    mistakes: int
    capacity: int
    records: int
    left_out: int
    dropped: Mapping[str, int]


class StoreBuilder:
    """Makes the datastores of a plan in a directory; what is finished there is not made again.

    Nothing that `problem_sets` ask for is mined: not what is reported, nor what is tuned on.
    """

    def __init__(
        self,
        plan: StudyPlan,
        directory: Path,
        problem_sets: tuple[ProblemSet, ...],
        identity: "ModelIdentity",
        loaded: "Callable[[], LoadedModel]",
    ) -> None:
        self._plan = plan
        self._settings = plan.settings
        self._directory = directory
        self._identity = identity
        self._loaded = loaded
        self._held_out = ProblemSet(
            " and ".join(problems.name for problems in problem_sets),
            tuple(problem for problems in problem_sets for problem in problems),
            hash_json([problems.content_hash for problems in problem_sets]),
        )
        self._template = load_template(plan.settings.prompt)
        self._corpora: dict[Path, str] = {}

    def build(self, name: str) -> BuiltStore:
        """The datastore of that name.

        Raises:
            UserError: what it is made of is missing or malformed, or the directory holds what was
                made of something else.
        """
        from knm.datastore import Datastore
        from knm.datastore.figures import describe_datastore

        plan, path = self._plan.datastores[name], self._directory / name
        inputs = self._inputs(name)
        self._claim(name, inputs)
        store = Datastore.open(path) if path.is_dir() else None
        if store is None or not store.manifest.finished:
            store = self._mine(plan, path) if plan.of is None else self._filter(plan, path)
        manifest = store.manifest
        cleaning = manifest.mining.get("decontamination") or {}
        return BuiltStore(
            name,
            plan,
            path,
            len(store),
            describe_datastore(store, None).mistakes,
            manifest.capacity,
            len(store.records),
            int(cleaning.get("removed", 0)),
            _dropped(manifest.lineage),
        )

    def _inputs(self, name: str) -> dict[str, Any]:
        """Everything that the datastore's content depends on, plain JSON."""
        plan = self._plan.datastores[name]
        own = {key: value for key, value in asdict(plan).items() if key != "corpus"}
        if plan.of is not None:
            return {**own, "of": self._inputs(plan.of)}
        return {
            **own,
            "corpus": self._corpus_hash(self._corpus(plan)),
            "prompt": self._template.content_hash,
            "problems": self._held_out.content_hash,
            "weights": self._identity.weights_hash,
            "tokenizer": self._identity.tokenizer_hash,
            "dtype": self._identity.dtype,
        }

    def _claim(self, name: str, inputs: dict[str, Any]) -> None:
        """Note what a datastore is made of, before it is made.

        Raises:
            UserError: one of that name is there already, made of something else.
        """
        note = self._directory / f"{name}.json"
        if not note.exists():
            write_json(note, inputs)
            return
        there = read_json(note)
        if there != inputs:
            keys = there.keys() | inputs.keys() if isinstance(there, dict) else inputs.keys()
            differing = [key for key in sorted(keys) if there.get(key) != inputs.get(key)]
            raise UserError(
                f"{note}: datastore {name} was made of something else ({', '.join(differing)} "
                f"differ); give another {named('out')}, or the datastore another name"
            )

    def _corpus(self, plan: StorePlan) -> Path:
        return self._settings.corpus_path if plan.corpus is None else find_corpus(plan.corpus)

    def _corpus_hash(self, path: Path) -> str:
        if path not in self._corpora:
            self._corpora[path] = summarize_corpus(path, self._settings.records).content_hash
        return self._corpora[path]

    def _mine(self, plan: StorePlan, path: Path) -> "Datastore":
        from knm.datastore import CorpusExamples, MiningOptions, mine
        from knm.datastore.mining_options import batch_tokens_on
        from knm.models import ChatEncoding

        corpus, limit, loaded = self._corpus(plan), self._settings.records, self._loaded()
        cleaning: Decontamination = decontaminate_stream(
            first_passed(stream_corpus(corpus), limit), self._held_out
        )
        examples = CorpusExamples(
            corpus, loaded.tokenizer, ChatEncoding(self._template), limit, cleaning
        )
        options = MiningOptions(
            positions=plan.positions,
            key_kind=plan.key_kind,
            batch_tokens=batch_tokens_on(loaded.device.type),
        )
        return mine(loaded, examples, path, options)

    def _filter(self, plan: StorePlan, path: Path) -> "Datastore":
        from knm.datastore import Datastore
        from knm.datastore.filter import FilterRules, filter_datastore, stored_texts
        from knm.models import encode_corpus
        from knm.models.tokenization import open_tokenizer

        assert plan.of is not None
        source = Datastore.open(self._directory / plan.of)
        tokenizer = self._loaded().tokenizer
        corpus = stream_corpus(self._corpus_of(plan.of))
        records = first_passed(corpus, self._settings.records)
        encoded = encode_corpus(tokenizer, tuple(records), self._template)
        examples = {example.record_id: example for example in encoded}
        return filter_datastore(
            source,
            path,
            FilterRules(drop_foreign=plan.drop_python),
            texts=lambda: stored_texts(
                source, open_tokenizer(source.manifest.model, self._settings.model), examples
            ),
            corpus=examples,
            device=self._loaded().device,
        )

    def _corpus_of(self, name: str) -> Path:
        """The corpus that a datastore, or the one that it is made of, was mined from."""
        plan = self._plan.datastores[name]
        return self._corpus(plan) if plan.of is None else self._corpus_of(plan.of)


def _dropped(lineage: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    from knm.datastore.filter import DROPPED

    return {
        rule: count
        for edit in lineage
        for rule, count in edit["arguments"].get(DROPPED, {}).items()
    }
