"""Submissions from a local server that speaks Codeforces' API."""

import time

import pytest

from knm.errors import UserError
from tests.gathering.importing.codeforces_server import (
    BUSY,
    LIMIT,
    TOO_MANY,
    CodeforcesServer,
    serving,
)
from tests.gathering.importing.importers import find, submission, write_files


@pytest.fixture
def sources(tmp_path):
    programs = {f"{number}.lua": f"print({number})" for number in range(1, 8)}
    return write_files(tmp_path / "sources", programs)


@pytest.fixture
def server():
    told = [submission(number) for number in range(1, 8)]
    told.append(submission(8, verdict="RUNTIME_ERROR"))
    with serving(CodeforcesServer(told, page=3)) as started:
        yield started


def ids(server, sources, **options):
    options = {"handles": ("someone",), "pause": 0, **options}
    found, skips = find("codeforces", server.address, sources=sources, **options)
    return [one.record.id for one in found], skips


def test_all_pages_are_asked_for(server, sources):
    found, skips = ids(server, sources)
    assert found == [f"codeforces-{number}" for number in range(7, 0, -1)]
    assert skips.reasons == {"not accepted": 1}
    assert [query["from"] for _, query in server.asked] == ["1", "4", "7", "9"]
    assert {method for method, _ in server.asked} == {"user.status"}


def test_a_contest_is_asked_for_whole_or_by_handle(server, sources):
    server.submissions.append(submission(9, contestId=5))
    assert len(ids(server, sources, handles=(), contests=(4,))[0]) == 7
    assert ids(server, sources, contests=(4,), handles=("nobody",))[0] == []
    assert {method for method, _ in server.asked} == {"contest.status"}


def test_a_busy_server_is_asked_again(server, sources):
    server.troubles = [BUSY, LIMIT, TOO_MANY, LIMIT]
    found, _ = ids(server, sources)
    assert len(found) == 7
    assert len(server.asked) == 8


def test_as_long_as_it_says_is_waited(server, sources):
    server.troubles = [(503, None, "1")]
    began = time.monotonic()
    ids(server, sources)
    assert time.monotonic() - began >= 1


def test_a_busy_server_is_not_asked_again_at_once(server, sources):
    server.troubles = [(503, None, "soon")]  # no number, no date: it says nothing
    began = time.monotonic()
    ids(server, sources, pause=0.1)
    assert time.monotonic() - began >= 0.2 + 3 * 0.1


def test_questions_keep_their_distance(server, sources):
    began = time.monotonic()
    ids(server, sources, pause=0.1)
    assert time.monotonic() - began >= 0.3


def test_a_failure_is_told_with_what_was_asked(server, sources):
    server.troubles = [(400, {"status": "FAILED", "comment": "handle: no such user"}, None)]
    with pytest.raises(UserError, match="user.status handle=someone: handle: no such user"):
        ids(server, sources)


def test_what_never_passes_is_given_up(server, sources):
    for trouble, message in (
        (BUSY, "status 503"),
        (LIMIT, "Call limit"),
        ((200, [], None), "JSON"),
    ):
        server.troubles = [trouble] * 3
        with pytest.raises(UserError, match=message):
            ids(server, sources, retries=1)


def test_a_server_that_is_gone_is_told(sources):
    with serving(CodeforcesServer([])) as server:
        pass
    with pytest.raises(UserError, match="run the command again"):
        ids(server, sources, retries=1)


def test_pages_that_came_are_not_asked_for_again(server, sources):
    server.troubles = []
    answer = server.answer

    def dying(method, query):
        if query["from"] == "7":
            return 400, {"status": "FAILED", "comment": "gone"}, None
        return answer(method, query)

    server.answer = dying
    with pytest.raises(UserError, match="gone"):
        ids(server, sources)
    # One more came in meanwhile: all others have moved by one place.
    server.submissions.append(submission(10))
    server.answer, server.asked = answer, []
    found, _ = ids(server, sources)
    assert sorted(found) == [f"codeforces-{number}" for number in range(1, 8)]
    assert [query["from"] for _, query in server.asked] == ["7", "10"]
