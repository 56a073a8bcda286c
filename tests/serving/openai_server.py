"""A server of another kind: OpenAI's protocol as vLLM and paid APIs speak it, with their faults."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, Any], dict[str, str]]
"""Status, body, headers."""


def error(status: int, message: str, code: str | None = None, **headers: str) -> Answer:
    """An error in OpenAI's shape."""
    return status, {"error": {"message": message, "type": "error", "code": code}}, headers


def answer(text: Any, *, chat: bool, finish_reason: str = "stop") -> Answer:
    """A completion, whole."""
    content = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    choice = {"index": 0, **content, "logprobs": None, "finish_reason": finish_reason}
    return 200, {"id": "x", "choices": [choice], "usage": usage}, {}


@dataclass
class OpenAIServer:
    """Answers `<prompt> written` from `/v1/chat/completions` and `/v1/completions`.

    `faults` are used up first, one a call, whatever the call; `object_to` may answer a body
    otherwise. `bodies` are the calls that came, `most` is how many were answered at a time.
    """

    models: tuple[dict[str, Any], ...] = ({"id": "small", "owned_by": "vllm", "created": 1},)
    key: str | None = None
    seconds: float = 0.0
    faults: list[Answer | float] = field(default_factory=list)
    object_to: Callable[[str, dict[str, Any]], Answer | None] = lambda _path, _body: None
    bodies: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    most: int = 0
    _now: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def prompts(self) -> list[str]:
        """The prompts of the calls that came, without those that try it out."""
        told = [
            body["prompt"] if "prompt" in body else body["messages"][0]["content"]
            for _, body in self.bodies
        ]
        return [prompt for prompt in told if prompt != "Say yes."]

    def respond(self, path: str, body: dict[str, Any]) -> Answer:
        with self._lock:
            self.bodies.append((path, body))
            self._now += 1
            self.most = max(self.most, self._now)
            fault = self.faults.pop(0) if self.faults else None
        try:
            if isinstance(fault, float):
                time.sleep(fault)
            elif fault is not None:
                return fault
            time.sleep(self.seconds)
            objection = self.object_to(path, body)
            if objection is not None:
                return objection
            chat = path.endswith("chat/completions")
            prompt = body["messages"][0]["content"] if chat else body["prompt"]
            return answer(f"{prompt} written", chat=chat)
        finally:
            with self._lock:
                self._now -= 1


@contextmanager
def speaking(server: OpenAIServer) -> Iterator[str]:
    """The server on the loopback; gives the address with `/v1`, as such are named."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if not self._admitted():
                return
            if self.path == "/v1/models":
                self._send((200, {"object": "list", "data": list(server.models)}, {}))
            else:
                self._send(error(404, "Not Found"))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self._admitted():
                self._send(server.respond(self.path, body))

        def _admitted(self) -> bool:
            right = server.key is None or self.headers["Authorization"] == f"Bearer {server.key}"
            if not right:
                self._send(error(401, "Incorrect API key provided", "invalid_api_key"))
            return right

        def _send(self, given: Answer) -> None:
            status, value, headers = given
            text = json.dumps(value).encode()
            self.send_response(status)
            for name, content in {
                **headers,
                "Content-Type": "application/json",
                "Content-Length": str(len(text)),
            }.items():
                self.send_header(name.replace("_", "-"), content)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    class Web(ThreadingHTTPServer):
        request_queue_size = 256

        def handle_error(self, *_: Any) -> None:  # a client that did not wait
            pass

    web = Web(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{web.server_address[1]}/v1"
    finally:
        web.shutdown()
        web.server_close()
        thread.join()
