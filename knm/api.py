"""What `import knm` offers beside the classes of its packages: each a whole job in one call.

`docs/python.md` shows them at work.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from knm.corpora import (
    CorpusRecord,
    decontaminate_stream,
    first_passed,
    save_corpus,
    stream_corpus,
)
from knm.corpora.records import parse_record
from knm.datastore import CorpusExamples, Datastore, MiningOptions
from knm.datastore import mine as mine_examples
from knm.datastore.mining_options import batch_tokens_on
from knm.errors import UserError
from knm.judging.attempts import judge_completion
from knm.models import ChatEncoding, LoadedModel, find_model, load_model
from knm.outputs import check_output_directory, file_named
from knm.packaged import EMBEDDED, find_corpus
from knm.problems import (
    BrokenProblem,
    Problem,
    TestCase,
    load_problems,
    load_template,
    problems_path,
)
from knm.problems.kinds import kind_of
from knm.report import Report, ReportDiff, diff_reports, load_report
from knm.retrieval import Observer, Preset, Retriever
from knm.retrieval import corrected as corrected_by
from knm.retrieval.presets import with_default
from knm.sandbox import Judgement, Limits, Sandbox, open_sandbox

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class MiningKeywords(TypedDict, total=False):
    """The fields of `MiningOptions`, each with its default there."""

    positions: str
    batch_tokens: int
    key_dtype: str
    key_kind: str
    capacity: int | None
    seed: int
    preset: str | None


def mine(
    model: "str | LoadedModel | PreTrainedModel",
    corpus: str | Path | Iterable[CorpusRecord | Mapping[str, Any]],
    path: str | Path,
    *,
    tokenizer: "PreTrainedTokenizerBase | None" = None,
    prompt: str = "task",
    limit: int | None = None,
    problems: str | Path | None = EMBEDDED,
    **options: Unpack[MiningKeywords],
) -> Datastore:
    """Fill the datastore in directory `path` from solved tasks, as `knm mine` does; resumes.

    Args:
        model: a name (see `load_model`), a loaded model, or any causal LM of Transformers, which
            is put into evaluation mode and known by its weights as they are now.
        corpus: a JSONL file, `contest` for the packaged contest programs, or records: with
            `statement`, `program` and `language`, and, where it matters, `id`, `source` and further
            fields.
        path: of the datastore; what was mined there from the same is not mined again.
        tokenizer: of a model that is given by itself.
        prompt: name or file of the template in which the model will be asked.
        limit: only so many of the first records; programs that failed do not count.
        problems: the problem set whose tasks are left out, so that no answers to them are stored;
            None leaves out nothing.
        **options: fields of `MiningOptions`; `batch_tokens` is chosen for the model's device.

    Raises:
        UserError: a tokenizer is missing or does not fit, an input is malformed, an option is out
            of range, or `path` holds something else.
    """
    if limit is not None and limit < 1:
        raise UserError(f"limit {limit}: take at least 1 record, or leave the limit out for all")
    settings = MiningOptions(**options)
    encoding = ChatEncoding(load_template(prompt))
    inputs = (
        find_model(model) if isinstance(model, str) else None,
        corpus if isinstance(corpus, str | Path) else None,
        file_named(prompt),
        None if problems is None else problems_path(problems),
    )
    check_output_directory("path", Path(path), inputs)
    with _corpus_file(corpus) as file:
        settings = with_default(settings, file)
        cleaning = None
        if problems is not None:
            records = first_passed(stream_corpus(file), limit)
            cleaning = decontaminate_stream(records, load_problems(problems))
        loaded = _loaded(model, tokenizer)
        if "batch_tokens" not in options:
            settings = replace(settings, batch_tokens=batch_tokens_on(loaded.device.type))
        examples = CorpusExamples(file, loaded.tokenizer, encoding, limit, cleaning)
        return mine_examples(loaded, examples, path, settings)


@contextmanager
def corrected(
    model: "LoadedModel | PreTrainedModel",
    retriever: Retriever | Datastore | str | Path,
    preset: Preset | str | None = None,
    *,
    tokenizer: "PreTrainedTokenizerBase | None" = None,
    observer: Observer | None = None,
) -> "Iterator[PreTrainedModel]":
    """Correct everything that a model predicts within the `with` block; after it nothing remains.

    Args:
        model: a loaded model, or any causal LM of Transformers, wherever its weights are.
        retriever: a datastore or its directory; or a retriever, to keep its search open from one
            block to the next.
        preset: name, file or record of how a datastore is searched and weighed; None is the
            default for such a datastore. A retriever has its own.
        tokenizer: of a model that is given by itself. Most presets read text.
        observer: called once for each call of the model.

    Raises:
        UserError: the datastore is another model's, the preset needs a tokenizer and there is none,
            or it cannot work so; within the block, the model is called otherwise than it needs.
        RuntimeError: the model is being corrected already.
    """
    if isinstance(model, LoadedModel):
        tokenizer = _own_tokenizer(model, tokenizer)
        model = model.model
    if isinstance(retriever, Retriever):
        if preset is not None:
            raise UserError(
                f"preset {preset}: the retriever has one, {retriever.preset.name!r}: leave it out, "
                "or give the datastore in place of the retriever"
            )
    else:
        store = retriever if isinstance(retriever, Datastore) else Datastore.open(retriever)
        retriever = Retriever(store, preset, device=model.device)
    with corrected_by(model, retriever, observer, tokenizer=tokenizer):
        yield model


def judge(
    text: str,
    problem: Problem | Sequence[TestCase | tuple[str, str]],
    *,
    language: str = "lua",
    sandbox: str | Sandbox = "local",
    limits: Limits | None = None,
) -> Judgement:
    """The verdict on a completion, or a program, as the bench would judge it.

    Args:
        text: what a model wrote; the program is taken out of it (see `extract_program`). A program
            without a code fence around it is all of it.
        problem: one of a problem set, or tests: pairs of input and expected output.
        language: name or YAML file; that of the sandbox, where one is given open.
        sandbox: what `open_sandbox` takes, opened for this one program, or one that is open.
        limits: per test, of a sandbox that is opened here.

    Raises:
        SandboxUnavailable: the system denies what the sandbox needs.
        UserError: there is no such sandbox or language.
    """
    if not isinstance(problem, Problem):
        cases = (test if isinstance(test, TestCase) else TestCase(*test) for test in problem)
        problem = Problem("tests", "", _GivenTests(tuple(cases)))
    program = kind_of(problem).find_program(problem, text, language)
    if not isinstance(sandbox, str):
        if limits is not None:
            raise UserError("limits: the sandbox is open and has its own: open it with these")
        return judge_completion(sandbox, problem, program, truncated=False)
    with open_sandbox(sandbox, language=language, limits=limits) as opened:
        return judge_completion(opened, problem, program, truncated=False)


def diff(a: Report | str | Path, b: Report | str | Path, *, force: bool = False) -> ReportDiff:
    """What changed from run `a` to run `b`, each a report or its file, problem by problem.

    Raises:
        UserError: a report cannot be read, or the runs share no problem, or differ in what must
            agree and `force` is off.
    """
    first, second = (one if isinstance(one, Report) else load_report(Path(one)) for one in (a, b))
    return diff_reports(first, second, force=force)


@dataclass(frozen=True)
class _GivenTests:
    """Tests in memory."""

    tests: tuple[TestCase, ...]

    def load(self) -> tuple[TestCase, ...]:
        """See `TestSource.load`."""
        if not self.tests:
            raise BrokenProblem("there are no tests")
        return self.tests


def _loaded(
    model: "str | LoadedModel | PreTrainedModel", tokenizer: "PreTrainedTokenizerBase | None"
) -> LoadedModel:
    if isinstance(model, str):
        model = load_model(model)
    if not isinstance(model, LoadedModel):
        return LoadedModel.of(model, tokenizer)
    _own_tokenizer(model, tokenizer)
    return model


def _own_tokenizer(
    loaded: LoadedModel, given: "PreTrainedTokenizerBase | None"
) -> "PreTrainedTokenizerBase":
    """A loaded model's own tokenizer.

    Raises:
        UserError: another is given beside it.
    """
    if given not in (None, loaded.tokenizer):
        raise UserError(
            f"tokenizer: {loaded.identity.name} was loaded with its own: leave it out, or give the "
            "model by itself (.model)"
        )
    return loaded.tokenizer


@contextmanager
def _corpus_file(
    corpus: str | Path | Iterable[CorpusRecord | Mapping[str, Any]],
) -> Iterator[Path]:
    """A corpus as a file: mining reads it in windows, once or several times."""
    if isinstance(corpus, str | Path):
        yield find_corpus(corpus)
        return
    records = [_record(record, number) for number, record in enumerate(corpus)]
    if not records:
        raise UserError("corpus: no records in it; give at least one solved task")
    with TemporaryDirectory(prefix="knm-corpus-") as directory:
        path = Path(directory) / "corpus.jsonl"
        save_corpus(path, records)
        yield path


def _record(record: CorpusRecord | Mapping[str, Any], number: int) -> CorpusRecord:
    where = f"corpus[{number}]"
    if isinstance(record, CorpusRecord):
        return record
    if not isinstance(record, Mapping):
        raise UserError(
            f"{where}: neither a record nor a mapping with statement, program and language"
        )
    return parse_record({"id": f"record-{number}", "source": "python", **record}, where)
