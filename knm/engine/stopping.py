"""When a completion ends, and which of its text is final."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from knm.models import LoadedModel

_UNFINISHED = "\N{REPLACEMENT CHARACTER}"  # what half a character decodes to


@dataclass(frozen=True)
class Ending:
    """How a completion ended: after `tokens` tokens, with `text`."""

    tokens: int
    text: str
    reason: str  # "stop" or "length"


def end_tokens(loaded: LoadedModel) -> frozenset[int]:
    """The tokens that end a completion; none where nobody names one.

    The tokenizer's, with which solved examples end, and those of both configurations: chat models
    name in one of them what they forget in another.
    """
    model = loaded.model
    found: set[int] = set()
    for source in (
        loaded.tokenizer,
        model.config,
        model.config.get_text_config(),
        model.generation_config,
    ):
        ends = getattr(source, "eos_token_id", None)
        if ends is not None:
            found.update(ends if isinstance(ends, (list, tuple)) else [ends])
    return frozenset(found)


class GrowingText:
    """The text of tokens that become more, of which only the newest are decoded at each look.

    Decoding all of them each time would take the square of their number. That parts of a text make
    up the whole holds where each begins with a whole character, and where a tokenizer does not
    mend spaces when it has decoded.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._forget()

    def _forget(self) -> None:
        # `_text` is that of the first `_read` tokens; those from `_start` are decoded again with
        # what follows, as the first of a text may be written otherwise than the same further on.
        self._start = self._read = self._overlap = 0
        self._text = ""

    def of(self, tokens: Sequence[int]) -> str:
        """The text of `tokens`, which begin with those of the last call or start over."""
        if len(tokens) < self._read:
            self._forget()
        window = self._decode(tokens[self._start :])
        text = self._text + window[self._overlap :]
        if len(tokens) > self._read and not window.endswith(_UNFINISHED):
            overlap = len(self._decode(tokens[self._read :]))
            if overlap:  # behind tokens of no text, what follows would be the first of one
                self._start, self._read, self._overlap = self._read, len(tokens), overlap
                self._text = text
        return text


class StopRule:
    """Decides from a completion's tokens whether, where and why it ends."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        ends: frozenset[int],
        limit: int,
        stop: Sequence[str] = (),
    ) -> None:
        self._tokenizer = tokenizer
        self._ends = ends
        self._limit = limit
        self._stop = [text for text in stop if text]
        self.restart()

    def restart(self) -> None:
        """Forget what was written; what is written next may be other tokens, as many."""
        mends = getattr(self._tokenizer, "clean_up_tokenization_spaces", False)
        self._text = self.decode if mends else GrowingText(self.decode).of

    def ending(self, tokens: Sequence[int], seen: int = 0) -> Ending | None:
        """The end of `tokens`, None where they go on; the first `seen` are known not to end it."""
        fresh = range(seen, min(len(tokens), self._limit))
        end = next((place for place in fresh if tokens[place] in self._ends), None)
        written = tokens[: self._limit] if end is None else tokens[:end]
        if self._stop:
            cut = self._stop_string(written, seen)
            if cut is not None:
                return cut
        if end is not None:
            return Ending(end + 1, self.decode(written), "stop")
        if len(tokens) >= self._limit:
            return Ending(self._limit, self.decode(written), "length")
        return None

    def settled(self, tokens: Sequence[int]) -> str:
        """The text of `tokens` that no later token changes or cuts off."""
        text = self._text(tokens).rstrip(_UNFINISHED)
        longest = max(map(len, self._stop), default=0)
        for held in range(min(longest - 1, len(text)), 0, -1):
            if any(stop.startswith(text[-held:]) for stop in self._stop):
                return text[:-held]
        return text

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without special ones."""
        text: str = self._tokenizer.decode(list(tokens), skip_special_tokens=True)
        return text

    def _stop_string(self, tokens: Sequence[int], seen: int) -> Ending | None:
        """The end where the text first holds a stop string: found token by token, as written."""
        whole = self._text(tokens)
        if not any(stop in whole for stop in self._stop):
            return None
        for count in range(seen + 1, len(tokens) + 1):
            text = self.decode(tokens[:count])
            places = [place for stop in self._stop if (place := text.find(stop)) >= 0]
            if places:
                return Ending(count, text[: min(places)], "stop")
        return None
