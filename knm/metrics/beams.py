"""Beam search over whatever gives log-probabilities: it knows no model and no datastore.

The score of a text is the sum of its tokens' log-probabilities, without a length norm. A text that
has ended keeps its place among the beams, so that one beam is greedy decoding, and as many beams as
there are texts find the likeliest of all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Continuation(Protocol):
    """R texts that grow token by token, all at once."""

    def log_probs(self) -> Tensor:
        """Of the next token of every text: (R, V) float32."""
        ...

    def extend(self, texts: Tensor, tokens: Tensor) -> None:
        """Go on with `texts` (R',) int64, numbers of the present ones, by `tokens` (R',) each."""
        ...


@dataclass(frozen=True)
class Beam:
    """A text's new tokens, the last one of which may have ended it, and its log-probability."""

    tokens: tuple[int, ...]
    log_prob: float
    ended: bool


def search_beams(
    continuation: Continuation,
    cases: int,
    *,
    beams: int,
    most_tokens: int,
    ends: Callable[[Sequence[int]], bool],
) -> list[list[Beam]]:
    """The `beams` likeliest texts of each case found, best first; fewer where there are no more.

    `continuation` holds one text per case at first, and `beams` texts per case later. `ends` tells
    of a text's new tokens whether the last one ends it.
    """
    held = [[Beam((), 0.0, ended=False)] for _ in range(cases)]
    for _ in range(most_tokens):
        # Texts get no likelier as they go on: one that leads and has ended stays ahead.
        if all(texts[0].ended for texts in held):
            break
        step = continuation.log_probs().double()
        width = len(held[0])
        chosen: list[int] = []
        tokens: list[int] = []
        grown: list[list[Beam]] = []
        likeliest = step.topk(min(beams, step.shape[1]), dim=1)
        values, indices = likeliest.values.tolist(), likeliest.indices.tolist()
        for case, texts in enumerate(held):
            options = [
                (beam.log_prob + value, place, token)
                for place, beam in enumerate(texts)
                if not beam.ended and beam.log_prob > -torch.inf
                for value, token in zip(
                    values[case * width + place], indices[case * width + place], strict=True
                )
            ]
            options += [
                (beam.log_prob, place, -1) for place, beam in enumerate(texts) if beam.ended
            ]
            options.sort(key=lambda option: (-option[0], option[1], option[2]))
            kept = []
            for score, place, token in options[:beams]:
                new = texts[place]
                if token >= 0:
                    written = (*new.tokens, token)
                    new = Beam(written, score, ended=ends(written))
                kept.append(new)
                chosen.append(case * width + place)
                tokens.append(max(token, 0))
            # Every case has as many rows: what is missing is a text that nothing can follow.
            for _ in range(beams - len(kept)):
                kept.append(Beam((), -torch.inf, ended=True))
                chosen.append(case * width)
                tokens.append(0)
            grown.append(kept)
        held = grown
        device = step.device
        continuation.extend(
            torch.tensor(chosen, device=device), torch.tensor(tokens, device=device)
        )
    return [[beam for beam in texts if beam.log_prob > -torch.inf] for texts in held]
