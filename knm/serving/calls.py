"""What a client may ask: bodies of OpenAI's completion calls, read into engine requests.

An ordinary call has OpenAI's meaning. The object `knm` in a body adds what the bench needs:
`chat` (put the chat template around the prompts of /v1/completions), `ids` and `samples` (one for
each prompt, from which sampling draws its noise), `withheld` (why the datastore is not to be used)
and `whole` (each choice of a stream comes in one piece, an error of one choice is its own).
"""

import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from knm.hashing import hash_bytes
from knm.records import GREEDY, Request, Sampling
from knm.serving.errors import ApiError

MOST_CHOICES: Final = 128
MOST_STOPS: Final = 16
_COMMON: Final = frozenset(
    {"model", "n", "temperature", "top_p", "seed", "stop", "max_tokens"}
    | {"stream", "stream_options", "user", "knm"}
)
_EXTENSIONS: Final = frozenset({"chat", "ids", "samples", "whole", "withheld"})
_NEUTRAL: Final[Mapping[str, tuple[Any, ...]]] = {
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logprobs": (False,),
    "logit_bias": ({},),
    "echo": (False,),
    "best_of": (1,),
    "tools": ([],),
    "tool_choice": ("none",),
    "response_format": ({"type": "text"},),
}
"""Fields that are not supported, and the values that ask for nothing."""


@dataclass(frozen=True)
class Call:
    """One call: its requests in the order of its choices, and how the answer is to be given.

    `first_choices` are the places of the requests that are the first of their prompt.
    """

    requests: tuple[Request, ...]
    first_choices: frozenset[int]
    chat: bool
    stream: bool
    include_usage: bool
    whole: bool


Messages = Sequence[dict[str, str]]


def read_completion_call(body: Any, model: str, longest: int) -> Call:
    """Read the body of POST /v1/completions.

    Raises:
        ApiError: it is malformed or asks for what is not supported.
    """
    fields = _Fields(body, model, _COMMON | {"prompt"})
    prompts = fields.prompts()
    extension = fields.extension(len(prompts))
    return fields.call(prompts, longest, extension, chat=bool(extension.get("chat")))


def read_chat_call(body: Any, model: str, longest: int, render: Callable[[Messages], str]) -> Call:
    """Read the body of POST /v1/chat/completions.

    One user message is what the bench sends; a longer conversation is written out by `render`.

    Raises:
        ApiError: it is malformed or asks for what is not supported.
    """
    fields = _Fields(body, model, _COMMON | {"messages", "max_completion_tokens"})
    messages = fields.messages()
    alone = len(messages) == 1 and messages[0]["role"] == "user"
    prompt = messages[0]["content"] if alone else render(messages)
    extension = fields.extension(1)
    if "chat" in extension:
        raise ApiError(400, "knm.chat: only for /v1/completions", param="knm")
    return fields.call([prompt], longest, extension, chat=alone, conversation=True)


class _Fields:
    """A body whose fields are known, read one by one."""

    def __init__(self, body: Any, model: str, known: frozenset[str]) -> None:
        if not isinstance(body, dict):
            raise ApiError(400, "the body is not a JSON object")
        self._values = {name: value for name, value in body.items() if value is not None}
        for name, value in self._values.items():
            if name not in known and not _asks_nothing(name, value):
                raise ApiError(
                    400,
                    f"{name}: not supported; leave it out",
                    param=name,
                    code="unsupported_parameter",
                )
        if self._get("model", str, model) != model:
            raise ApiError(
                404,
                f"model {self._values['model']!r}: this server has {model!r}",
                param="model",
                code="model_not_found",
            )

    def prompts(self) -> list[str]:
        """The prompt, or several."""
        prompt = self._values.get("prompt")
        prompts: list[Any] = prompt if isinstance(prompt, list) else [prompt]
        if not prompts or not all(isinstance(text, str) and text for text in prompts):
            raise ApiError(400, "prompt: give text, or a list of texts", param="prompt")
        return prompts

    def messages(self) -> list[dict[str, str]]:
        """The conversation; contents in parts are joined."""
        messages = self._values.get("messages")
        if not isinstance(messages, list) or not messages:
            raise ApiError(400, "messages: give a list with at least one", param="messages")
        return [_message(message, f"messages[{place}]") for place, message in enumerate(messages)]

    def extension(self, prompts: int) -> dict[str, Any]:
        """The object `knm`."""
        extension: dict[str, Any] = self._get("knm", dict, {})
        unknown = sorted(extension.keys() - _EXTENSIONS)
        if unknown:
            raise ApiError(400, f"knm.{unknown[0]}: unknown", param="knm")
        withheld = extension.get("withheld")
        if withheld is not None and not (isinstance(withheld, str) and withheld):
            raise ApiError(400, "knm.withheld: give the reason as text", param="knm")
        for name, kind in (("ids", str), ("samples", int)):
            values = extension.get(name)
            if values is not None and not (
                isinstance(values, list)
                and len(values) == prompts
                and all(type(value) is kind for value in values)
            ):
                raise ApiError(400, f"knm.{name}: give one for each prompt", param="knm")
        return extension

    def call(
        self,
        prompts: Sequence[str],
        longest: int,
        extension: Mapping[str, Any],
        *,
        chat: bool,
        conversation: bool = False,
    ) -> Call:
        """All the rest."""
        choices = self._integer("n", 1, MOST_CHOICES, default=1)
        ids = extension.get("ids") or [hash_bytes(prompt.encode()) for prompt in prompts]
        samples = extension.get("samples") or [0] * len(prompts)
        sampling, stop, bound = self._sampling(), self._stop(), self._longest(longest)
        requests = tuple(
            Request(
                id=ids[place],
                prompt=prompt,
                chat=chat,
                sample=samples[place] + choice,
                max_new_tokens=bound,
                stop=stop,
                sampling=sampling,
                withheld=extension.get("withheld"),
            )
            for place, prompt in enumerate(prompts)
            for choice in range(choices)
        )
        stream_options = self._get("stream_options", dict, {})
        return Call(
            requests=requests,
            first_choices=frozenset(range(0, len(requests), choices)),
            chat=conversation,
            stream=self._get("stream", bool, False),
            include_usage=bool(stream_options.get("include_usage")),
            whole=bool(extension.get("whole")),
        )

    def _sampling(self) -> Sampling:
        temperature = self._number("temperature", 0.0, 2.0)
        top_p = self._number("top_p", 0.0, 1.0)
        if top_p == 0:
            raise ApiError(400, "top_p 0: must be above 0", param="top_p")
        seed = self._integer("seed", -(2**63), 2**63 - 1, default=None)
        if temperature == 0:
            return GREEDY
        return Sampling(temperature, top_p, secrets.randbits(63) if seed is None else seed)

    def _stop(self) -> tuple[str, ...]:
        stop = self._values.get("stop", [])
        stops = [stop] if isinstance(stop, str) else stop
        if (
            not isinstance(stops, list)
            or len(stops) > MOST_STOPS
            or not all(isinstance(text, str) and text for text in stops)
        ):
            raise ApiError(400, f"stop: give a text, or up to {MOST_STOPS}", param="stop")
        return tuple(stops)

    def _longest(self, longest: int) -> int:
        name = "max_completion_tokens"
        if name not in self._values:
            name = "max_tokens"
        bound: int = self._integer(name, 1, None, default=longest)
        if bound > longest:
            raise ApiError(
                400,
                f"{name} {bound}: this server decodes at most {longest} tokens a completion",
                param=name,
            )
        return bound

    def _number(self, name: str, least: float, most: float) -> float:
        value = self._values.get(name, 1.0)
        if type(value) not in (int, float) or not math.isfinite(value):
            raise ApiError(400, f"{name}: expected a number", param=name)
        if not least <= value <= most:
            raise ApiError(400, f"{name} {value}: must be from {least:g} to {most:g}", param=name)
        return float(value)

    def _integer(self, name: str, least: int, most: int | None, *, default: Any) -> Any:
        value = self._values.get(name, default)
        if name in self._values and type(value) is not int:
            raise ApiError(400, f"{name}: expected an integer", param=name)
        if value is not None and (value < least or (most is not None and value > most)):
            bounds = f"from {least} to {most}" if most is not None else f"at least {least}"
            raise ApiError(400, f"{name} {value}: must be {bounds}", param=name)
        return value

    def _get(self, name: str, kind: type, default: Any) -> Any:
        value = self._values.get(name, default)
        if type(value) is not kind:
            raise ApiError(400, f"{name}: expected {kind.__name__}", param=name)
        return value


def _asks_nothing(name: str, value: Any) -> bool:
    """Whether a field that is not supported has a neutral value; 0 is not false, 0.0 is 0."""
    return any(
        isinstance(value, bool) == isinstance(neutral, bool) and value == neutral
        for neutral in _NEUTRAL.get(name, ())
    )


def _message(value: Any, where: str) -> dict[str, str]:
    role = value.get("role") if isinstance(value, dict) else None
    if role not in {"system", "user", "assistant"}:
        raise ApiError(400, f"{where}.role: expected system, user or assistant", param="messages")
    content = value.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [
        part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
        for part in parts
    ]
    if not all(isinstance(text, str) for text in texts):
        raise ApiError(400, f"{where}.content: only text is supported", param="messages")
    return {"role": role, "content": "".join(map(str, texts))}
