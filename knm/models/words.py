"""Which tokens write the same word, with a space before it or without."""

from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

_UNDECODABLE = "\ufffd"  # part of a character: such tokens only look alike


def token_words(
    tokenizer: PreTrainedTokenizerBase, size: int
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Of each of the tokens 0 to `size` - 1 the first that writes the same but for outer spaces.

    A token of spaces alone is a word of its own.
    """
    texts = tokenizer.batch_decode([[token] for token in range(min(size, len(tokenizer)))])
    first: dict[str, int] = {}
    words = np.arange(size)
    for token, text in enumerate(texts):
        if text and _UNDECODABLE not in text:
            words[token] = first.setdefault(text.strip() or text, token)
    return words
