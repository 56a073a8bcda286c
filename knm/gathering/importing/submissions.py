"""Asking a server for submissions, by the API of Codeforces: a page at a time, and never too fast.

An answer is `{"status": "OK", "result": [..]}` or `{"status": "FAILED", "comment": ..}`, whatever
its HTTP status; the newest submissions come first, from number `from` on, from 1. Too many
questions are answered by `Call limit exceeded`, or by HTTP 429 or 503, which may say how long to
wait.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3

from knm.errors import UserError
from knm.gathering.importing.found import Origin
from knm.hashing import hash_json
from knm.journal import Journal
from knm.progress import progress_bar

PAGE: Final = 1000
"""Submissions asked for at a time."""

MOST_BYTES: Final = 64 << 20
"""Of an answer: a page of submissions has far less."""

_TIMEOUT: Final = urllib3.Timeout(connect=10, read=60)
_LONGEST_PAUSE: Final = 120
_PASSING: Final = frozenset({429, 500, 502, 503, 504})
_LIMIT: Final = "call limit exceeded"

Page = tuple[list[dict[str, Any]], dict[str, int]]
"""The submissions of a page that are kept, and how many are passed over for each reason."""

Wanted = Callable[[Iterable[Any], str], Page]
"""Makes a page of an answer's `result`; the place names it in messages."""


def is_address(place: str) -> bool:
    """Whether a place is a server's address and no file."""
    return urlsplit(place).scheme in {"http", "https"}


@dataclass(frozen=True)
class _Question:
    """Whose submissions are asked for."""

    method: str
    parameters: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return " ".join((self.method, *(f"{name}={value}" for name, value in self.parameters)))


def ask_submissions(
    address: str, origin: Origin, journal: Journal, wanted: Wanted
) -> Iterator[Page]:
    """The pages of all that `origin` asks for; those that the journal holds are not asked again.

    Submissions that come in meanwhile move the others towards later pages, so that some are met
    twice and none is missed.

    Raises:
        UserError: the server refuses, answers with something else, or is gone; pages that came
            are kept.
    """
    server = _Server(address, origin.pause, origin.retries)
    terms = [address, origin.language, list(origin.compilers)]
    for question in _questions(origin):
        with progress_bar(label=str(question), unit="submission") as bar:
            first = 1
            while True:
                key = hash_json(["page", terms, str(question), first])
                entry = journal.get(key)
                if entry is None:
                    result = server.ask(question, first)
                    kept, passed_over = wanted(result, f"{question} from={first}")
                    entry = {"told": len(result), "kept": kept, "passed_over": passed_over}
                    journal.put(key, entry)
                bar.update(entry["told"])
                yield entry["kept"], entry["passed_over"]
                # A server may tell fewer than it is asked for: only an empty page is the end.
                if entry["told"] == 0:
                    break
                first += entry["told"]


def _questions(origin: Origin) -> Iterator[_Question]:
    """One for each contest and handle, or for either where only one of them is given."""
    if not origin.contests:
        for handle in origin.handles:
            yield _Question("user.status", (("handle", handle),))
    for contest in origin.contests:
        of = ("contestId", str(contest))
        if not origin.handles:
            yield _Question("contest.status", (of,))
        for handle in origin.handles:
            yield _Question("contest.status", (of, ("handle", handle)))


@dataclass(frozen=True)
class _Refusal:
    """Why a question has no result, whether it may pass, and how many seconds are asked for."""

    why: str
    passes: bool = False
    wait: float | None = None


class _Server:
    """One server, asked one question at a time."""

    def __init__(self, address: str, pause: float, retries: int) -> None:
        self._address, self._pause = address.rstrip("/"), pause
        self._retries = retries
        self._asked: float | None = None
        # Questions are repeated here, where all pauses are kept, and not by the pool.
        self._pool = urllib3.PoolManager(
            timeout=_TIMEOUT,
            retries=urllib3.Retry(
                connect=0,
                read=0,
                status=0,
                other=0,
                redirect=3,
                respect_retry_after_header=False,
            ),
            headers={"Accept": "application/json", "User-Agent": "knm"},
        )

    def ask(self, question: _Question, first: int) -> list[Any]:
        """The submissions from number `first` on, as many as the server tells at a time.

        What may pass is asked again after as long as the server says, or else after pauses that
        double.

        Raises:
            UserError: it refuses, answers with something else, or is gone.
        """
        fields = dict(question.parameters) | {"from": str(first), "count": str(PAGE)}
        pause = max(self._pause, 0.01)
        for left in range(self._retries, -1, -1):
            told = self._try(question, fields)
            if isinstance(told, list):
                return told
            if not told.passes or not left:
                break
            pause = min(2 * pause, _LONGEST_PAUSE)
            time.sleep(pause if told.wait is None else min(told.wait, _LONGEST_PAUSE))
        assert isinstance(told, _Refusal)
        raise UserError(
            f"{self._address}: {question}: {told.why:.300}; what has come is kept: run the "
            "command again to go on from there"
        )

    def _try(self, question: _Question, fields: dict[str, str]) -> list[Any] | _Refusal:
        """Ask once, not too soon after the last time."""
        if self._asked is not None:
            time.sleep(max(0.0, self._asked + self._pause - time.monotonic()))
        self._asked = time.monotonic()
        try:
            answer = self._pool.request(
                "GET", f"{self._address}/{question.method}", fields=fields, preload_content=False
            )
            body = answer.read(MOST_BYTES + 1, decode_content=True)
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            return _Refusal(str(getattr(error, "reason", None) or error), passes=True)
        if len(body) > MOST_BYTES:
            return _Refusal(f"an answer of more than {MOST_BYTES >> 20} MiB")
        passes, wait = answer.status in _PASSING, _wait(answer.headers.get("Retry-After"))
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            why = f"HTTP status {answer.status}, and no JSON of the API"
            return _Refusal(why, passes, wait)
        if value.get("status") == "OK" and isinstance(value.get("result"), list):
            return list(value["result"])
        comment = str(value.get("comment") or f"HTTP status {answer.status}")
        return _Refusal(comment, passes or _LIMIT in comment.lower(), wait)


def _wait(told: str | None) -> float | None:
    """Seconds that a `Retry-After` asks for, as a number or a date; None where it does not."""
    try:
        return None if told is None else urllib3.Retry().parse_retry_after(told)
    except urllib3.exceptions.InvalidHeader:
        return None
