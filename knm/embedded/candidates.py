"""The corpora that the project can make, by name; each candidate comes with what verifies it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from knm.corpora.records import CorpusRecord
from knm.embedded.generator import draw_corpus
from knm.embedded.utility import draw_utilities
from knm.embedded.utility.drawing import PASSED
from knm.errors import UserError, named
from knm.testcases import TestCase

CORPUS_SPLITS: Final = ("corpus", "corpus-dev", "corpus-test")


@dataclass(frozen=True)
class Candidate:
    """A record, and the program with its tests that must be accepted before it is `verified`."""

    record: CorpusRecord
    check: str
    tests: tuple[TestCase, ...]


def draw_candidates(name: str, seed: int, split: str, prefix: str) -> Iterator[Candidate]:
    """Draw records of a corpus without end.

    Raises:
        UserError: there is no such corpus, or it has no such split.
    """
    if name not in CORPORA:
        raise UserError(f"{named('name')} {name}: unknown; choose one of {', '.join(CORPORA)}")
    return CORPORA[name](seed, split, prefix)


def _contest(seed: int, split: str, prefix: str) -> Iterator[Candidate]:
    if split not in CORPUS_SPLITS:
        raise UserError(f"{named('split')} {split}: choose {', '.join(CORPUS_SPLITS)}")
    for record, tests in draw_corpus(seed, split, prefix):
        yield Candidate(record, record.program, tuple(TestCase(*test) for test in tests))


def _utility(seed: int, split: str, prefix: str) -> Iterator[Candidate]:
    if split != "corpus":
        raise UserError(
            f"{named('split')} {split}: lua_utility has no splits; leave the option out"
        )
    for record, check in draw_utilities(seed, prefix):
        yield Candidate(record, check, (TestCase("", PASSED),))


CORPORA: Final[Mapping[str, Callable[[int, str, str], Iterator[Candidate]]]] = {
    "lua_cp": _contest,
    "lua_utility": _utility,
}
