"""What a corpus asks for, by which other prompts are known as foreign.

Distances cannot tell that: where a datastore is far from everything, as on another domain than its
own, that is what it is used to. So the texts are compared themselves. What stands around all
statements, the frame, tells one prompt of another form from the corpus's own without fail. The
words of one statement do not tell of what kind it is: what people write for contests is as strange
to a corpus of drawn tasks as a library of functions. Of many statements together they do.
"""

import operator
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final

import numpy as np

from knm.datastore.manifest import PromptDomain, PromptFrame
from knm.errors import UserError
from knm.languages.descriptions import language_names
from knm.languages.language import language_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from knm.datastore.examples import ExampleSource

_WORD: Final = re.compile(r"[a-z]+")
_WORDS: Final = 400
_PROMPTS: Final = 2048
_LEAST_PROMPTS: Final = 30  # fewer tell too little
_EVERYWHERE: Final = 0.95  # of the prompts
_OUTLIERS: Final = 0.01
_ALIKE: Final = 0.75  # of a frame's words: a date in it may change
_LANGUAGE: Final = "{language}"


def describe_prompts(prompts: Sequence[str], languages: Sequence[str] = ()) -> PromptDomain | None:
    """The domain of a corpus with these prompts; None where they are too few to tell.

    `languages` are what prompts call the languages of the corpus, and their dialects.
    """
    texts = [_words(prompt) for prompt in prompts]
    spread = Counter(word for text in texts for word in set(text))
    everywhere = sorted(word for word, count in spread.items() if count > _EVERYWHERE * len(texts))
    counts = Counter(word for text in texts for word in text if word not in everywhere)
    total = counts.total()
    if len(prompts) < _LEAST_PROMPTS or not total:
        return None
    common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_WORDS]
    shares = {word: count / total for word, count in common}
    frame = _find_frame(prompts, languages)
    domain = PromptDomain(everywhere, shares, 0.5 * min(shares.values()), low=0.0, frame=frame)
    scores = [score for prompt in prompts if (score := prompt_score(domain, prompt)) is not None]
    return replace(domain, low=float(np.quantile(scores, _OUTLIERS)))


def prompt_score(domain: PromptDomain, prompt: str) -> float | None:
    """How usual the words of a prompt are in a domain; None where it has none."""
    words = [word for word in _words(prompt) if word not in domain.everywhere]
    found = [domain.shares.get(word, domain.rare) for word in words]
    return float(np.log(found).mean()) if found else None


def is_foreign(domain: PromptDomain, prompts: Iterable[str]) -> bool:
    """Whether most of these prompts are stranger than all but one in a hundred of the domain's."""
    scores = [score for prompt in prompts if (score := prompt_score(domain, prompt)) is not None]
    return bool(scores) and float(np.median(scores)) < domain.low


def names_language(frame: PromptFrame) -> bool:
    """Whether every prompt says in which language the program has to be."""
    return _LANGUAGE in (*frame.opening, *frame.closing)


def surrounds(frame: PromptFrame, prompt: str) -> bool:
    """Whether a prompt begins and ends as the corpus's, but for a quarter of the words."""
    words = _split(prompt, frame.languages)
    ends = (words, frame.opening), (words[::-1], frame.closing[::-1])
    return all(
        sum(map(operator.eq, found, wanted)) >= _ALIKE * len(wanted) for found, wanted in ends
    )


def _find_frame(prompts: Sequence[str], languages: Sequence[str]) -> PromptFrame:
    texts = [_split(prompt, languages) for prompt in prompts]
    opening = _common_beginning(texts)
    rest = [text[len(opening) :][::-1] for text in texts]
    return PromptFrame(opening, _common_beginning(rest)[::-1], list(languages))


def _common_beginning(texts: Sequence[Sequence[str]]) -> list[str]:
    alike = takewhile(lambda words: len(set(words)) == 1, zip(*texts, strict=False))
    return [words[0] for words in alike]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _split(text: str, languages: Sequence[str]) -> list[str]:
    """The words of a text as blanks divide it, with one for each name of a language."""
    if languages:
        longest_first = sorted(languages, key=len, reverse=True)
        text = name_pattern(longest_first).sub(_LANGUAGE, text)
    return text.split()


def name_pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Matches any of these names where it stands as a word of its own."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")


def domain_of(source: "ExampleSource", tokenizer: "PreTrainedTokenizerBase") -> PromptDomain | None:
    """The domain of the first prompts that examples begin with; None where there are no prompts."""
    if source.description.get("format") == "raw":
        return None
    drawn = (example for window in source.windows(0) for example in window.examples)
    examples = list(islice(drawn, _PROMPTS))
    languages = {example.language for example in examples if example.language is not None}
    return describe_prompts(
        [read_prompt(tokenizer, example.prompt) for example in examples], display_names(languages)
    )


def read_prompt(tokenizer: "PreTrainedTokenizerBase", ids: Sequence[int]) -> str:
    """The text of a prompt's token ids, as domains compare it."""
    return str(tokenizer.decode(list(ids), skip_special_tokens=True))


def display_names(languages: Iterable[str]) -> list[str]:
    """What prompts call these languages and the packaged dialects of them, sorted."""
    own = []
    for name in languages:
        with suppress(UserError):  # its file may be somewhere else
            own.append(language_prompt(name))
    fences = {language.fence for language in own}
    packaged = map(language_prompt, language_names())
    return sorted({each.display for each in (*own, *packaged) if each.fence in fences})
