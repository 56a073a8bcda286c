"""What a client may ask: bodies of OpenAI's completion calls, read into engine requests.

An ordinary call has OpenAI's meaning. The object `knm` in a body adds what the bench needs:
`chat` (put the chat template around the prompts of /v1/completions, with a turn of the `system`
before it), `ids` and `samples` (one for
each prompt, from which sampling draws its noise), `withheld` (why the datastore is not to be used),
`whole` (each choice of a stream comes in one piece, an error of one choice is its own) and, with
`echo`, `prompt_tokens` (how many tokens of each prompt are what was asked: the datastore corrects
those behind them).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from knm.records import ChatArguments, Messages, Request
from knm.serving.errors import ApiError
from knm.serving.fields import MOST_ALTERNATIVES, Bounds, Fields, Prompt

_COMMON: Final = frozenset(
    {"model", "n", "temperature", "top_p", "seed", "stop", "max_tokens"}
    | {"stream", "stream_options", "logprobs", "chat_template_kwargs", "knm"}
)
_CHAT: Final = _COMMON | {"messages", "max_completion_tokens", "top_logprobs"}
_RESPONSE: Final = frozenset(
    {"model", "input", "instructions", "max_output_tokens", "temperature", "top_p"}
    | {"chat_template_kwargs", "knm"}
)


class Kind(Enum):
    """Which call it is, and so what the answer is like."""

    TEXT = "text_completion"
    CHAT = "chat.completion"
    RESPONSE = "response"


@dataclass(frozen=True)
class Call:
    """One call: its requests in the order of its choices, and how the answer is to be given.

    `first_choices` are the places of the requests that are the first of their prompt. `pieces`:
    text is sent as it is written, which it is not where the prompt's has to come before it.
    """

    requests: tuple[Request, ...]
    first_choices: frozenset[int]
    kind: Kind
    stream: bool
    include_usage: bool
    whole: bool
    pieces: bool


Render = Callable[[Messages, ChatArguments], str]


def read_completion_call(body: Any, bounds: Bounds) -> Call:
    """Read the body of POST /v1/completions.

    Raises:
        ApiError: it is malformed or asks for what is not supported.
    """
    fields = Fields(body, bounds, _COMMON | {"prompt", "echo"})
    prompts = fields.prompts()
    extension = fields.extension(len(prompts))
    chat, echo = bool(extension.get("chat")), fields.get("echo", bool, False)
    if chat and any(prompt.ids for prompt in prompts):
        raise ApiError(400, "knm.chat: only for prompts that are text", param="knm")
    if not chat and ("system" in extension or fields.chat_arguments()):
        raise ApiError(
            400, "knm.system, chat_template_kwargs: only with knm.chat, or a chat", param="knm"
        )
    if "prompt_tokens" in extension and not echo:
        raise ApiError(400, "knm.prompt_tokens: only with echo", param="knm")
    alternatives = None
    if fields.values.get("logprobs") is not False:
        alternatives = fields.integer("logprobs", 0, MOST_ALTERNATIVES, default=None)
    requests = fields.requests(prompts, extension, chat=chat, alternatives=alternatives, echo=echo)
    return _call(fields, requests, extension, Kind.TEXT)


def read_chat_call(body: Any, bounds: Bounds, render: Render) -> Call:
    """Read the body of POST /v1/chat/completions.

    One user message is what the bench sends; a longer conversation is written out by `render`.

    Raises:
        ApiError: it is malformed or asks for what is not supported.
    """
    fields = Fields(body, bounds, _CHAT)
    prompt, alone = _asked(fields, fields.messages("messages"), render)
    extension = _extension_of_turn(fields)
    told = fields.get("logprobs", bool, False)
    if not told and fields.values.get("top_logprobs"):
        raise ApiError(400, "top_logprobs: only with logprobs", param="top_logprobs")
    most = fields.integer("top_logprobs", 0, MOST_ALTERNATIVES, default=0)
    requests = fields.requests(
        [prompt],
        extension,
        chat=alone,
        longest_names=("max_completion_tokens", "max_tokens"),
        alternatives=most if told else None,
    )
    return _call(fields, requests, extension, Kind.CHAT)


def read_response_call(body: Any, bounds: Bounds, render: Render) -> Call:
    """Read the body of POST /v1/responses: a text, or a conversation.

    Raises:
        ApiError: it is malformed or asks for what is not supported.
    """
    fields = Fields(body, bounds, _RESPONSE | {"stream"})
    if fields.get("stream", bool, False):
        raise ApiError(
            400, "stream: not supported here; /v1/chat/completions streams", param="stream"
        )
    given = fields.values.get("input")
    if isinstance(given, str):
        messages = [{"role": "user", "content": given}]
    else:
        messages = fields.messages("input")
    instructions = fields.get("instructions", str, "")
    if instructions:
        messages = [{"role": "system", "content": instructions}, *messages]
    prompt, alone = _asked(fields, messages, render)
    extension = _extension_of_turn(fields)
    requests = fields.requests(
        [prompt], extension, chat=alone, longest_names=("max_output_tokens",)
    )
    return _call(fields, requests, extension, Kind.RESPONSE)


def _asked(fields: Fields, messages: Messages, render: Render) -> tuple[Prompt, bool]:
    """The prompt of a conversation, and whether it is one user turn that has yet to be written."""
    if len(messages) == 1 and messages[0]["role"] == "user":
        return Prompt(messages[0]["content"]), True
    return Prompt(render(messages, fields.chat_arguments())), False


def _extension_of_turn(fields: Fields) -> Mapping[str, Any]:
    extension = fields.extension(1)
    for name in ("chat", "prompt_tokens", "system"):
        if name in extension:
            raise ApiError(400, f"knm.{name}: only for /v1/completions", param="knm")
    return extension


def _call(
    fields: Fields, requests: tuple[Request, ...], extension: Mapping[str, Any], kind: Kind
) -> Call:
    stream, whole = fields.get("stream", bool, False), bool(extension.get("whole"))
    echo = any(request.scoring is not None and request.scoring.echo for request in requests)
    return Call(
        requests=requests,
        first_choices=frozenset(range(0, len(requests), fields.choices())),
        kind=kind,
        stream=stream,
        include_usage=bool(fields.get("stream_options", dict, {}).get("include_usage")),
        whole=whole,
        pieces=stream and not whole and not echo,
    )
