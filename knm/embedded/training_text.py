"""The embedded LM's training text: plenty of Python, scarce Lua.

It is drawn in chunks, each from a seed of its own, so that all cores can take part; the text does
not depend on how many there are.
"""

import os
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import Final

from knm.embedded.generator import draw_samples
from knm.embedded.recipes import Recipe
from knm.embedded.splits import lua_weights
from knm.problems import fence_program, load_template

CHUNK_SAMPLES: Final = 2_000

Text = tuple[str, str]
"""A prompt and its completion."""


@dataclass(frozen=True)
class _Chunk:
    seed: int
    language: str
    number: int
    count: int


def draw_texts(recipe: Recipe) -> Iterator[Text]:
    """The texts of a recipe: first its Python samples, then its Lua ones."""
    chunks = [*_chunks(recipe.seed, "python", recipe.python_samples)]
    chunks += _chunks(recipe.seed, "lua", recipe.lua_samples)
    if recipe.python_samples + recipe.lua_samples <= CHUNK_SAMPLES:
        for chunk in chunks:
            yield from _draw_chunk(chunk)
        return
    workers = min(len(chunks), len(os.sched_getaffinity(0)))
    # Not forked: torch may run threads here, which a forked child lacks.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for texts in pool.map(_draw_chunk, chunks):
            yield from texts


def _chunks(seed: int, language: str, count: int) -> Iterator[_Chunk]:
    for number, start in enumerate(range(0, count, CHUNK_SAMPLES)):
        yield _Chunk(seed, language, number, min(CHUNK_SAMPLES, count - start))


def _draw_chunk(chunk: _Chunk) -> list[Text]:
    rng = random.Random(f"training text {chunk.seed} {chunk.language} {chunk.number}")
    shown = lua_weights(chunk.seed) if chunk.language == "lua" else {}
    samples = draw_samples(
        rng, "train", chunk.language, lambda operation: shown.get(operation.name, 1.0)
    )
    template = load_template("task")
    return [
        (
            template.render(sample.statement, chunk.language),
            fence_program(sample.program, chunk.language),
        )
        for sample in islice(samples, chunk.count)
    ]
