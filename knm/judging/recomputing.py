"""The details of retrieval of one problem of a report whose engine gave none."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knm.errors import UserError, named
from knm.judging.requests import problem_request
from knm.languages.descriptions import check_noted
from knm.languages.language import own_hash
from knm.problems import load_problems, load_template
from knm.records import Completion, Request
from knm.report import Report
from knm.report.explanation import find_result

if TYPE_CHECKING:
    from knm.models import LoadedModel


@dataclass(frozen=True)
class Recomputation:
    """Where to look again; what is None, the report names or the datastore has by default."""

    datastore: Path
    preset: str | None = None
    problems: str = "embedded"
    model: str | None = None
    language: str | None = None
    device: str | None = None


def recompute_report(report: Report, problem: str, how: Recomputation) -> Report:
    """The report, as if the engine had told what it did to the completion that decides `problem`.

    Where the report keeps no tokens, the text is split as the tokenizer splits it.

    Raises:
        UserError: there is no such problem or no completion of it, the problem set, prompt or model
            is another, or the datastore or preset does not fit.
    """
    from knm.datastore import Datastore
    from knm.engine.recomputing import recompute_interventions
    from knm.models import load_model
    from knm.retrieval import Retriever

    result = find_result(report, problem)
    completion = result.sample.completion
    if completion is None:
        raise UserError(f"{report.path}: {result.question_id} has no completion to look at again")
    request = _request(report, result.question_id, how)
    settings = report.configuration
    name = how.model or settings["model"]
    loaded = load_model(name, dtype=settings.get("dtype"), device=how.device)
    _check(report, "model", loaded.identity.weights_hash, f"{named('model')} {name}")
    store = Datastore.open(how.datastore, expect=loaded.identity)
    retriever = Retriever(store, how.preset, device=loaded.device)
    tokens = completion.tokens or _tokens(loaded, completion)
    done = recompute_interventions(loaded, retriever, request, tokens, completion.text)
    told = replace(completion, interventions=done)
    samples = tuple(
        replace(each, completion=told) if each is result.sample else each for each in result.samples
    )
    changed = replace(result, samples=samples)
    knn = {"datastore": str(how.datastore), "preset": retriever.preset.to_json()}
    return replace(
        report,
        configuration={**settings, "knn": knn},
        hashes={**report.hashes, "datastore": store.content_hash},
        results=tuple(changed if each is result else each for each in report.results),
    )


def _request(report: Report, question_id: str, how: Recomputation) -> Request:
    settings = report.configuration
    problems = load_problems(how.problems)
    _check(report, "problem_set", problems.content_hash, f"{named('problems')} {how.problems}")
    template = load_template(settings["prompt"])
    _check(report, "prompt", template.content_hash, f"prompt {settings['prompt']}")
    problem = next((each for each in problems if each.question_id == question_id), None)
    if problem is None:
        raise UserError(
            f"{named('problems')} {how.problems}: has no {question_id}, which {report.path} has"
        )
    mend = f"give it by {named('language')}"
    language = how.language or check_noted(settings["language"], str(report.path), mend)
    told = own_hash(language).get("language")
    if told is not None:
        _check(report, "language", told, f"{named('language')} {language}")
    return problem_request(problem, template, language)


def _check(report: Report, what: str, here: str, name: str) -> None:
    """Refuse what is not what the run had, as far as the report tells."""
    there: Any = report.hashes.get(what)
    if there not in (None, here):
        raise UserError(
            f"{name}: {here[:12]} is not what {report.path} was made with, {there[:12]}: name that"
        )


def _tokens(loaded: "LoadedModel", completion: Completion) -> tuple[int, ...]:
    """The tokens of a text, and the end where one was written."""
    tokenizer = loaded.tokenizer
    ids = tokenizer(completion.text, add_special_tokens=False)["input_ids"]
    ended = completion.finish_reason == "stop" and tokenizer.eos_token_id is not None
    return (*ids, tokenizer.eos_token_id) if ended else tuple(ids)
