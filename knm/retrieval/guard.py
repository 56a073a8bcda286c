"""Which prompts a datastore may answer: the one place where datastore and prompt are compared.

A datastore was measured on text of its own languages and its own kind of prompts; of others it
knows nothing, and its nearest key is always near something. A prompt that does not belong is
decoded exactly as without the datastore.

A decision is about one prompt alone: that it names a language, and that it is put as the corpus's
prompts are. Whether problems are of another kind only many of them tell together: who has a whole
problem set asks `objection_to_set` once, before any of it is selected.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from knm.datastore import Datastore
from knm.datastore.domain import display_names, is_foreign, name_pattern, names_language, surrounds
from knm.datastore.manifest import PromptDomain
from knm.languages.descriptions import language_names
from knm.retrieval.presets import Preset

BOUNDED_KINDS: Final = frozenset({"calibrated", "learned", "outcome"})
"""Kinds of weight that keep within what a datastore is known to be good for."""


@dataclass(frozen=True)
class Guard:
    """What a datastore's own prompts are like. Plain values: a server tells its clients.

    `own` and `others` are what prompts call the datastore's languages (none where it does not tell
    them) and all further ones that are known here. `domain` is that of its corpus, if it has one.
    """

    domain: PromptDomain | None
    own: Sequence[str]
    others: Sequence[str]

    @classmethod
    def of(cls, preset: Preset, datastore: Datastore) -> "Guard | None":
        """The guard of a datastore; None for presets with a weight of their own: they insist."""
        if preset.weight_kind not in BOUNDED_KINDS:
            return None
        domain = datastore.manifest.domain
        languages = {origin.language for origin in datastore.records if origin.language}
        framed = () if domain is None or domain.frame is None else domain.frame.languages
        own = sorted({*framed, *display_names(languages)})
        known = display_names(language_names())
        others = [name for name in known if name not in own] if own else []
        return None if domain is None and not own else cls(domain, own, others)

    def objection(self, prompt: str) -> str | None:
        """Why a prompt is not the datastore's to answer; None if it is."""
        return next(self._objections(prompt), None)

    def _objections(self, prompt: str) -> Iterator[str]:
        frame = None if self.domain is None else self.domain.frame
        if not _names(self.own, prompt):
            asked = _names(self.others, prompt)
            if asked:
                yield f"the prompt asks for {asked}, the datastore holds {self._held}"
            if frame is not None and names_language(frame):
                yield f"the prompt does not ask for {self._held}, which the datastore holds"
        if frame is not None and not surrounds(frame, prompt):
            yield "the prompt has another form than those that the datastore was mined from"

    def objection_to_set(self, prompts: Sequence[str]) -> str | None:
        """Why problems with these prompts are not the datastore's to answer; None if they are."""
        if self.domain is not None and is_foreign(self.domain, prompts):
            return "the datastore was mined from problems of another kind"
        return None

    @property
    def _held(self) -> str:
        return " or ".join(self.own)


def _names(names: Iterable[str], prompt: str) -> str | None:
    """The first of these names in a prompt."""
    found = name_pattern(names).search(prompt) if names else None
    return None if found is None else found[0]
