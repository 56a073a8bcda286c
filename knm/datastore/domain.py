"""What a corpus asks for: the words of its prompts, by which other prompts are known as foreign.

Distances cannot tell that: where a datastore is far from everything, as on another domain than its
own, that is what it is used to. So the texts are compared themselves.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from knm.datastore.examples import ExampleSource

_WORD: Final = re.compile(r"[a-z]+")
_WORDS: Final = 400
_PROMPTS: Final = 2048
_LEAST_PROMPTS: Final = 30  # fewer tell too little
_EVERYWHERE: Final = 0.95  # of the prompts
_OUTLIERS: Final = 0.01


@dataclass(frozen=True)
class PromptDomain:
    """The commonest words of a corpus's prompts, and how usual its own prompts are by them.

    `shares` are the words' shares of all words, `rare` what any other word counts; a prompt's score
    is the mean logarithm of its words' shares. Words that stand in nearly every prompt,
    `everywhere`, are the template's and do not count. All but one in a hundred of the corpus's own
    prompts score at least `low`.
    """

    everywhere: Sequence[str]
    shares: Mapping[str, float]
    rare: float
    low: float

    def score(self, prompt: str) -> float | None:
        """How usual the words of a prompt are; None where it has none."""
        words = [word for word in _words(prompt) if word not in self.everywhere]
        found = [self.shares.get(word, self.rare) for word in words]
        return float(np.log(found).mean()) if found else None

    def is_foreign(self, prompts: Iterable[str]) -> bool:
        """Whether most of these prompts are stranger than all but one in a hundred of its own."""
        scores = [score for prompt in prompts if (score := self.score(prompt)) is not None]
        return bool(scores) and float(np.median(scores)) < self.low


def describe_prompts(prompts: Sequence[str]) -> PromptDomain | None:
    """The domain of a corpus with these prompts; None where they are too few to tell."""
    texts = [_words(prompt) for prompt in prompts]
    spread = Counter(word for text in texts for word in set(text))
    everywhere = sorted(word for word, count in spread.items() if count > _EVERYWHERE * len(texts))
    counts = Counter(word for text in texts for word in text if word not in everywhere)
    total = counts.total()
    if len(prompts) < _LEAST_PROMPTS or not total:
        return None
    common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_WORDS]
    shares = {word: count / total for word, count in common}
    domain = PromptDomain(everywhere, shares, rare=0.5 * min(shares.values()), low=0.0)
    scores = [score for prompt in prompts if (score := domain.score(prompt)) is not None]
    return replace(domain, low=float(np.quantile(scores, _OUTLIERS)))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def domain_of(source: "ExampleSource", tokenizer: "PreTrainedTokenizerBase") -> PromptDomain | None:
    """The domain of the first prompts that examples begin with; None where there are no prompts."""
    if source.description.get("format") == "raw":
        return None
    examples = (example for window in source.windows(0) for example in window.examples)
    prompts = [
        str(tokenizer.decode(list(example.prompt), skip_special_tokens=True))
        for example in islice(examples, _PROMPTS)
    ]
    return describe_prompts(prompts)
