"""A local HTTP server that speaks the part of Codeforces' API that tells submissions."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LIMIT = (400, {"status": "FAILED", "comment": "Call limit exceeded"}, None)
BUSY = (503, None, "0")
TOO_MANY = (429, None, "0")


class CodeforcesServer:
    """Tells `submissions`, the newest first, `page` at a time at most.

    `troubles` are answers (status, JSON, Retry-After) that are given first; `asked` is what was
    asked, by method and parameters.
    """

    def __init__(self, submissions: Sequence[dict[str, Any]], page: int = 1000) -> None:
        self.submissions, self.page = list(submissions), page
        self.troubles: list[tuple[int, Any, str | None]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.address = ""

    def answer(self, method: str, query: dict[str, str]) -> tuple[int, Any, str | None]:
        """Status, JSON and Retry-After."""
        self.asked.append((method, query))
        if self.troubles:
            return self.troubles.pop(0)
        first, count = int(query.get("from", 1)), int(query["count"])
        if method == "user.status" and "handle" in query:
            found = [one for one in self.submissions if _by(one, query["handle"])]
        elif method == "contest.status" and "contestId" in query:
            found = [one for one in self.submissions if one["contestId"] == int(query["contestId"])]
            if "handle" in query:
                found = [one for one in found if _by(one, query["handle"])]
        else:
            return 400, {"status": "FAILED", "comment": "handle: Field should not be empty"}, None
        found.sort(key=lambda one: -one["id"])
        told = found[first - 1 : first - 1 + min(count, self.page)]
        return 200, {"status": "OK", "result": told}, None


def _by(submission: dict[str, Any], handle: str) -> bool:
    return {"handle": handle} in submission["author"]["members"]


@contextmanager
def serving(server: CodeforcesServer) -> Iterator[CodeforcesServer]:
    """The server at an address of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            method = parts.path.removeprefix("/api/")
            status, value, wait = server.answer(method, query)
            body = b"<html>busy</html>" if value is None else json.dumps(value).encode()
            self.send_response(status)
            if wait is not None:
                self.send_header("Retry-After", wait)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    server.address = f"http://127.0.0.1:{http.server_port}/api"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
