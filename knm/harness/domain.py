"""Whether a datastore is of the language and of the domain that a run writes."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from knm.datastore import Datastore
from knm.problems import Problem, PromptTemplate, language_prompt
from knm.retrieval import Preset

BOUNDED_KINDS: Final = ("calibrated", "learned")
"""Kinds of weight that keep within what a datastore is known to be good for."""
_PROMPTS: Final = 64


def preset_within(
    preset: Preset, datastore: Datastore, language: str, prompts: Sequence[str] = ()
) -> Preset:
    """`preset`, with weight 0 where it keeps to what a datastore is good for and that is not this.

    A datastore was measured on text of its own languages and its own kind of prompts; of others it
    knows nothing, and its nearest key is always near something. Presets with a weight of their own
    are left alone.
    """
    if preset.weight_kind not in BOUNDED_KINDS:
        return preset
    reason = next(_reasons(datastore, language, prompts), None)
    if reason is None:
        return preset
    print(
        f"knm: {datastore.path.name} {reason}: preset {preset.name!r} does not use it "
        "(--knn-preset dense does)",
        file=sys.stderr,
    )
    return replace(preset, weight=0.0)


def sample_prompts(
    problems: Sequence[Problem], template: PromptTemplate, language: str
) -> list[str]:
    """Prompts of problems at equal distances, 64 at most; always the same of a problem set."""
    step = max(1, len(problems) // _PROMPTS)
    asked = language_prompt(language)
    chosen = islice(problems, 0, None, step)
    return [template.render(problem.question_content, asked) for problem in chosen]


def _reasons(datastore: Datastore, language: str, prompts: Sequence[str]) -> Iterator[str]:
    known = {_family(origin.language) for origin in datastore.records if origin.language}
    if known and _family(language) not in known:
        yield f"holds {', '.join(sorted(known))}, the run writes {language}"
    domain = datastore.manifest.domain
    if domain is not None and domain.is_foreign(prompts):
        yield "was mined from prompts of another kind than the run's"


def _family(language: str) -> str:
    """`lua` of `lua5.4`: dialects share most of their text."""
    return language.rstrip("0123456789.")
