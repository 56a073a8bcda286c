"""A local HTTP server that speaks the few hub endpoints which a download needs."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def serve_dataset(
    repo_id: str, files: Mapping[str, bytes], branch: str = "main"
) -> AbstractContextManager[str]:
    """Serve one data set; gives the server's address. Any other is not found, `own/gated` gated.

    There is one revision: `branch`.
    """
    return _serve(f"datasets/{repo_id}", f"datasets/{repo_id}", files, branch)


def serve_model(
    repo_id: str, files: Mapping[str, bytes], branch: str = "main"
) -> AbstractContextManager[str]:
    """Serve one model, likewise."""
    return _serve(f"models/{repo_id}", repo_id, files, branch)


@contextmanager
def _serve(
    name_in_api: str, name_in_urls: str, files: Mapping[str, bytes], branch: str
) -> Iterator[str]:
    api, resolve = f"/api/{name_in_api}", f"/{name_in_urls}/resolve/{COMMIT}/"
    listing = [
        {
            "type": "file",
            "path": name,
            "size": len(content),
            "oid": hashlib.sha1(content).hexdigest(),
        }
        for name, content in files.items()
    ]
    info = {
        "id": name_in_api.partition("/")[2],
        "sha": COMMIT,
        "siblings": [{"rfilename": name} for name in files],
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            name = path.removeprefix(resolve)
            if path == f"{api}/revision/{branch}":
                self._answer(200, json.dumps(info).encode())
            elif path.startswith(f"{api}/revision/"):
                self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
            elif path == f"{api}/tree/{COMMIT}":
                self._answer(200, json.dumps(listing).encode())
            elif path.startswith(resolve) and name in files:
                etag = hashlib.sha1(files[name]).hexdigest()
                self._answer(200, files[name], {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})
            elif "own/gated" in path:
                self._answer(403, b"", {"X-Error-Code": "GatedRepo"})
            else:
                self._answer(404, b"", {"X-Error-Code": "RepoNotFound"})

        def _answer(
            self, status: int, body: bytes, headers: Mapping[str, str] | None = None
        ) -> None:
            self.send_response(status)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
