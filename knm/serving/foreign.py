"""Asking a server of another kind that speaks OpenAI's protocol: vLLM, SGLang, a paid API.

It tells no weights and no retrieval; what it writes for a request is the server's own matter.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from knm.engine import ContextExceeded
from knm.errors import UserError, named
from knm.hashing import hash_json
from knm.jsonio import dumps
from knm.records import Completion, Request, conversation
from knm.serving.client import Outcome
from knm.serving.errors import MALFORMED, EngineFailed, EngineLost, EngineRefused, shown
from knm.serving.transport import Patience, Transport

PATIENCE: Final = Patience(silence=1800.0, repeats=8)
"""An answer comes in one piece, when it is whole."""

MODEL_FACTS: Final = ("owned_by", "root", "max_model_len", "knm")
"""What an entry of /v1/models may tell beside its name that does not change from call to call."""

_CHAT: Final = "chat"
_BROKEN_OFF: Final = frozenset({"abort", "error"})
"""Why vLLM, SGLang and routers say that an answer ends where the model did not end it."""
_PROBE: Final = Request("probe", "Say yes.", max_new_tokens=16)
_NUMBER: Final = r"(\d{1,12})"
_CONTEXT = re.compile(
    rf"context (?:length|window)\D{{0,20}}?{_NUMBER}|\({_NUMBER} tokens\)\.?$", re.IGNORECASE
)
_PROMPT = re.compile(
    rf"(?<!\d){_NUMBER} (?:tokens )?(?:in|from) the (?:messages|prompt|input)"
    rf"|has {_NUMBER} input tokens|resulted in {_NUMBER} tokens|input \({_NUMBER} tokens\)"
    rf"|prompt contains (?:at least )?{_NUMBER}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Dialect:
    """How a server wants to be asked for the answer to one user turn.

    `api` is `chat`, or `completions` for a model without a chat template, which gets the bare text
    of the prompt; `limit` is the name that the longest completion goes by.
    """

    api: str = _CHAT
    limit: str = "max_tokens"


class ForeignClient:
    """A client of any server that speaks OpenAI's protocol. May be called from several threads.

    A server that is full is asked again when it wants to be; 5xx, silence and lost connections are
    tried again, less and less often.
    """

    takes_many = False

    def __init__(
        self,
        url: str,
        token: str | None = None,
        dialect: Dialect | None = None,
        patience: Patience = PATIENCE,
    ) -> None:
        """Nothing is sent yet.

        Raises:
            UserError: the URL is none of HTTP, or holds a secret.
        """
        self.url = url
        self._transport = Transport(url, token, patience)
        self._dialect = dialect or Dialect()
        self._meter = _Meter()

    def models(self) -> dict[str, dict[str, Any]]:
        """The models that the server names, each with those of `MODEL_FACTS` that it tells.

        Raises:
            UserError: nobody is there, the key is wrong, or it does not speak the protocol.
        """
        status, value = self._transport.get("/v1/models")
        listed = value.get("data") if isinstance(value, dict) else None
        if status != 200 or not isinstance(listed, list) or not all(map(_has_id, listed)):
            raise UserError(
                f"{named('engine')} {self.url}: answers {status} and names no models; is it "
                "`knm serve` or an OpenAI API?"
            )
        return {
            entry["id"]: {name: entry[name] for name in MODEL_FACTS if entry.get(name) is not None}
            for entry in listed
        }

    def complete(
        self,
        model: str,
        requests: Sequence[Request],
        deliver: Callable[[int, Outcome], None],
        entered: Callable[[], None] = lambda: None,
    ) -> None:
        """Have requests completed, one after the other; see `Client`.

        Raises:
            EngineFailed: the server answers with an error that is not the request's.
            EngineLost: it is gone, or does not answer.
        """
        entered()
        for place, request in enumerate(requests):
            try:
                deliver(place, self.answer(model, request))
            except (ContextExceeded, EngineRefused) as error:
                deliver(place, error)

    def answer(self, model: str, request: Request) -> Completion:
        """One request completed.

        Raises:
            ContextExceeded: its prompt fills the model's context.
            EngineRefused: the server does not take this request.
            EngineFailed: it answers with another error.
            EngineLost: it is gone, or does not answer.
        """
        try:
            return self._ask(model, request)
        except EngineRefused as error:
            prompt, context = read_context_error(str(error))
            if prompt is None or context is None:
                raise
            if prompt >= context:
                raise ContextExceeded(request.id, prompt, context) from None
            left = context - prompt
            if request.max_new_tokens is not None and left >= request.max_new_tokens:
                raise
            return self._ask(model, replace(request, max_new_tokens=left))

    def find_dialect(self, model: str) -> Dialect:
        """Ask for a few tokens, to learn how the server wants to be asked.

        Raises:
            UserError: it gives no answer, whichever way; its own reason is told.
        """
        while True:
            try:
                self.answer(model, _PROBE)
                return self._dialect
            except EngineFailed as error:
                other = _other_dialect(self._dialect, error)
                if other is None:
                    raise UserError(
                        f"{named('engine')} {self.url}: {model} does not answer: {error}"
                    ) from None
                self._dialect = other
            except (ContextExceeded, EngineLost) as error:
                raise UserError(f"{named('engine')} {self.url}: {error}") from None

    def is_alive(self) -> bool:
        """Whether the server answers."""
        return self._transport.is_alive("/v1/models")

    def close(self) -> None:
        """End all calls in progress."""
        self._transport.close()

    def _ask(self, model: str, request: Request) -> Completion:
        assert not request.prefix, "no server of another kind continues token ids"
        chat = request.chat and self._dialect.api == _CHAT
        body = dumps(_body(model, request, chat=chat, limit=self._dialect.limit)).encode()
        with self._meter.measure() as share:
            answer = self._transport.call(
                "/v1/chat/completions" if chat else "/v1/completions", body
            )
        try:
            return _read_answer(request, json.loads(answer), share[0], chat=chat)
        except MALFORMED as error:
            raise EngineFailed(
                f"{self.url}: not an answer of OpenAI's protocol: {shown(answer)}"
            ) from error


class _Meter:
    """Shares the time of a server among the calls that are with it.

    A second in which n calls are under way is 1/n of a second for each, so that the sum over calls
    is the time for which the server had work.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._share = 0.0  # of a call that had been there from the beginning
        self._changed = 0.0

    @contextmanager
    def measure(self) -> Iterator[list[float]]:
        """Measure a call; its share in seconds is in the list afterwards."""
        share: list[float] = []
        began = self._advance(1)
        try:
            yield share
        finally:
            share.append(self._advance(-1) - began)

    def _advance(self, change: int) -> float:
        with self._lock:
            now = time.perf_counter()
            if self._calls:
                self._share += (now - self._changed) / self._calls
            self._changed = now
            self._calls += change
            return self._share


def read_context_error(message: str) -> tuple[int | None, int | None]:
    """Tokens of the prompt and of the context, where an error says that they do not go together.

    None is what it does not tell. Known are the words of OpenAI, vLLM and SGLang.
    """
    if "context" not in message.lower():
        return None, None
    context, prompt = _CONTEXT.search(message), _PROMPT.search(message)
    return _first_number(prompt), _first_number(context)


def _first_number(match: re.Match[str] | None) -> int | None:
    if match is None:
        return None
    return int(next(group for group in match.groups() if group is not None))


def _other_dialect(dialect: Dialect, error: EngineFailed) -> Dialect | None:
    """How else a server may want to be asked that answered with an error; None if in no way."""
    text = str(error).lower()
    if dialect.limit == "max_tokens" and "max_completion_tokens" in text:
        return replace(dialect, limit="max_completion_tokens")
    if dialect.api == _CHAT and (error.status in {404, 405, 501} or "chat template" in text):
        return replace(dialect, api="completions", limit="max_tokens")
    return None


def _has_id(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("id"), str)


def _body(model: str, request: Request, *, chat: bool, limit: str) -> dict[str, Any]:
    """An ordinary call of OpenAI's; nothing is in it that only says what is so anyway."""
    sampling = request.sampling
    body: dict[str, Any] = {"model": model, "temperature": sampling.temperature}
    if chat:
        body["messages"] = conversation(request.prompt, request.system)
        if request.chat_arguments:  # no field of OpenAI's own; servers of open models have it
            body["chat_template_kwargs"] = dict(request.chat_arguments)
    else:
        # Without a chat template nobody but the text can say what the system says.
        body["prompt"] = "\n\n".join(filter(None, [request.system, request.prompt]))
    if request.max_new_tokens is not None:
        body[limit] = request.max_new_tokens
    if request.stop:
        body["stop"] = list(request.stop)
    if sampling.temperature > 0:
        body |= {"top_p": sampling.top_p, "seed": _seed(request)}
    return body


def _seed(request: Request) -> int:
    """The seed of one sample; the first has the run's own."""
    seed = request.sampling.seed
    return int(hash_json([seed, request.sample])[:8], 16) if request.sample else seed


def _read_answer(request: Request, value: Any, seconds: float, *, chat: bool) -> Completion:
    """The completion in an answer.

    Raises:
        EngineRefused: the provider held it back.
        EngineFailed: it was broken off.
        Exception: one of `MALFORMED`: there is none in it.
    """
    choice = value["choices"][0]
    reason = choice.get("finish_reason")
    if reason in _BROKEN_OFF:
        raise EngineFailed(f"the server broke the answer off: finish_reason {reason!r}")
    if reason == "content_filter":
        raise EngineRefused("the provider's filter held the answer back")
    text = choice["message"]["content"] if chat else choice["text"]
    if not isinstance(text, str | None):
        raise TypeError(f"a text is expected, not {type(text).__name__}")
    usage: Mapping[str, Any] = value.get("usage") or {}
    return Completion(
        id=request.id,
        text=text or "",
        finish_reason=reason if reason in {"stop", "length"} else None,
        prompt_tokens=int(usage.get("prompt_tokens") or 0),
        completion_tokens=int(usage.get("completion_tokens") or 0),
        seconds=seconds,
        interventions=None,
    )
