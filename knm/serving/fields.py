"""The fields of a call's body, read one by one; what is not supported is refused by name.

Fields that ask for nothing are passed over: those that only describe a call, and others where their
value is the one that they have anyway.
"""

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from knm.errors import UserError
from knm.hashing import hash_bytes, hash_json
from knm.models.chat_arguments import check_chat_arguments
from knm.records import GREEDY, ChatArguments, Request, Sampling, Scoring
from knm.serving.errors import ApiError

MOST_CHOICES: Final = 128
MOST_STOPS: Final = 16
MOST_ALTERNATIVES: Final = 20
_EXTENSIONS: Final = frozenset(
    {"chat", "system", "ids", "samples", "whole", "withheld", "prompt_tokens"}
)
_DESCRIPTIVE: Final = frozenset(
    {"metadata", "store", "service_tier", "user", "safety_identifier", "prompt_cache_key"}
    | {"prompt_cache_retention"}
)
"""Fields that change no answer: they say whose a call is, what it costs, who may keep it."""
_NEUTRAL: Final[Mapping[str, tuple[Any, ...]]] = {
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "repetition_penalty": (1,),
    "min_p": (0,),
    "top_k": (-1, 0),
    "logit_bias": ({},),
    "best_of": (1,),
    "suffix": ("",),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "modalities": (["text"],),
    "response_format": ({"type": "text"},),
    "text": (
        {},
        {"format": {"type": "text"}},
        {"verbosity": "medium"},
        {"format": {"type": "text"}, "verbosity": "medium"},
    ),
    "verbosity": ("medium",),
    "reasoning_effort": ("none",),
    "truncation": ("disabled",),
    "background": (False,),
    "include": ([], ["reasoning.encrypted_content"]),  # there is none to be told
    "reasoning": ({}, {"effort": "none"}),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "echo": (False,),
}
"""Fields that are not supported everywhere, and the values that ask for nothing."""
_WHY_NOT: Final[Mapping[str, str]] = {
    "response_format": "only text: a grammar would have to see every token before the next step, "
    "and steps are taken several at a time; ask for JSON in the prompt, and check the answer",
}


@dataclass(frozen=True)
class Prompt:
    """One prompt: text, or token ids."""

    text: str = ""
    ids: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """From which sampling draws its noise, where a client gives no other."""
        return hash_json(list(self.ids)) if self.ids else hash_bytes(self.text.encode())


@dataclass(frozen=True)
class Bounds:
    """What a server decodes: `model`, and at most `longest` tokens of a completion.

    Where that is the model's `context`, more may be asked for: there is just no room for it.
    """

    model: str
    longest: int
    context: int | None = None


class Fields:
    """A body whose fields are known."""

    def __init__(self, body: Any, bounds: Bounds, known: frozenset[str]) -> None:
        if not isinstance(body, dict):
            raise ApiError(400, "the body is not a JSON object")
        self._bounds = bounds
        self.values = {
            name: value
            for name, value in body.items()
            if value is not None and name not in _DESCRIPTIVE
        }
        for name, value in self.values.items():
            if name not in known and not _asks_nothing(name, value):
                why = f": {_WHY_NOT[name]}" if name in _WHY_NOT else "; leave it out"
                raise ApiError(
                    400,
                    f"{name}: not supported{why}",
                    param=name,
                    code="unsupported_parameter",
                )
        model = self.get("model", str, bounds.model)
        if model != bounds.model:
            raise ApiError(
                404,
                f"model {model!r}: this server has {bounds.model!r}",
                param="model",
                code="model_not_found",
            )

    def prompts(self) -> list[Prompt]:
        """The prompt, or several: texts, or lists of token ids."""
        value = self.values.get("prompt")
        one = isinstance(value, str) or (isinstance(value, list) and _are_tokens(value))
        prompts: Any = [value] if one else value
        if not isinstance(prompts, list) or not prompts:
            prompts = [None]
        found = []
        for prompt in prompts:
            if isinstance(prompt, str) and prompt:
                found.append(Prompt(prompt))
            elif isinstance(prompt, list) and _are_tokens(prompt):
                found.append(Prompt(ids=tuple(prompt)))
            else:
                raise ApiError(
                    400, "prompt: give text or token ids, or a list of either", param="prompt"
                )
        return found

    def messages(self, name: str) -> list[dict[str, str]]:
        """The conversation; contents in parts are joined."""
        messages = self.values.get(name)
        if not isinstance(messages, list) or not messages:
            raise ApiError(400, f"{name}: give a list with at least one", param=name)
        return [
            _message(message, f"{name}[{place}]", name) for place, message in enumerate(messages)
        ]

    def extension(self, prompts: int) -> dict[str, Any]:
        """The object `knm`."""
        extension: dict[str, Any] = self.get("knm", dict, {})
        unknown = sorted(extension.keys() - _EXTENSIONS)
        if unknown:
            raise ApiError(400, f"knm.{unknown[0]}: unknown", param="knm")
        if not isinstance(extension.get("system", ""), str):
            raise ApiError(400, "knm.system: expected text", param="knm")
        withheld = extension.get("withheld")
        if withheld is not None and not (isinstance(withheld, str) and withheld):
            raise ApiError(400, "knm.withheld: give the reason as text", param="knm")
        for name, kind in (("ids", str), ("samples", int), ("prompt_tokens", int)):
            values = extension.get(name)
            if values is not None and not (
                isinstance(values, list)
                and len(values) == prompts
                and all(type(value) is kind for value in values)
            ):
                raise ApiError(400, f"knm.{name}: give one for each prompt", param="knm")
        if any(count < 1 for count in extension.get("prompt_tokens") or ()):
            raise ApiError(400, "knm.prompt_tokens: must be at least 1", param="knm")
        return extension

    def requests(
        self,
        prompts: Sequence[Prompt],
        extension: Mapping[str, Any],
        *,
        chat: bool,
        longest_names: Sequence[str] = ("max_tokens",),
        alternatives: int | None = None,
        echo: bool = False,
    ) -> tuple[Request, ...]:
        """A request for each prompt and choice."""
        choices = self.choices()
        ids = extension.get("ids") or [prompt.name for prompt in prompts]
        samples = extension.get("samples") or [0] * len(prompts)
        asked = extension.get("prompt_tokens") or [None] * len(prompts)
        scored = echo or alternatives is not None
        sampling, stop = self._sampling(), self._stop()
        bound = self._longest(longest_names, least=0 if echo else 1)
        return tuple(
            Request(
                id=ids[place],
                prompt=prompt.text,
                chat=chat and not prompt.ids,
                sample=samples[place] + choice,
                max_new_tokens=bound,
                stop=stop,
                sampling=sampling,
                withheld=extension.get("withheld"),
                ids=prompt.ids,
                system=extension.get("system", ""),
                chat_arguments=self.chat_arguments() if chat else (),
                scoring=Scoring(alternatives, echo, asked[place]) if scored else None,
            )
            for place, prompt in enumerate(prompts)
            for choice in range(choices)
        )

    def chat_arguments(self) -> ChatArguments:
        """What the chat template is given by name."""
        given = self.get("chat_template_kwargs", dict, {})
        try:
            return check_chat_arguments(given)
        except UserError as error:
            raise ApiError(
                400, f"chat_template_kwargs: {error}", param="chat_template_kwargs"
            ) from None

    def choices(self) -> int:
        """How many completions of each prompt."""
        choices: int = self.integer("n", 1, MOST_CHOICES, default=1)
        return choices

    def _sampling(self) -> Sampling:
        temperature = self._number("temperature", 0.0, 2.0)
        top_p = self._number("top_p", 0.0, 1.0)
        if top_p == 0:
            raise ApiError(400, "top_p 0: must be above 0", param="top_p")
        seed = self.integer("seed", -(2**63), 2**63 - 1, default=None)
        if temperature == 0:
            return GREEDY
        return Sampling(temperature, top_p, secrets.randbits(63) if seed is None else seed)

    def _stop(self) -> tuple[str, ...]:
        stop = self.values.get("stop", [])
        stops = [stop] if isinstance(stop, str) else stop
        if (
            not isinstance(stops, list)
            or len(stops) > MOST_STOPS
            or not all(isinstance(text, str) and text for text in stops)
        ):
            raise ApiError(400, f"stop: give a text, or up to {MOST_STOPS}", param="stop")
        return tuple(stops)

    def _longest(self, names: Sequence[str], least: int) -> int:
        name = next((name for name in names if name in self.values), names[-1])
        longest = self._bounds.longest
        if self.values.get(name) == 0 and least:
            raise ApiError(400, f"{name} 0: only with echo", param=name)
        bound: int = self.integer(name, least, None, default=longest)
        if bound > longest and longest != self._bounds.context:
            raise ApiError(
                400,
                f"{name} {bound}: this server decodes at most {longest} tokens a completion",
                param=name,
            )
        return min(bound, longest)

    def _number(self, name: str, least: float, most: float) -> float:
        value = self.values.get(name, 1.0)
        if type(value) not in (int, float) or not math.isfinite(value):
            raise ApiError(400, f"{name}: expected a number", param=name)
        if not least <= value <= most:
            raise ApiError(400, f"{name} {value}: must be from {least:g} to {most:g}", param=name)
        return float(value)

    def integer(self, name: str, least: int, most: int | None, *, default: Any) -> Any:
        """An integer within bounds."""
        value = self.values.get(name, default)
        if name in self.values and type(value) is not int:
            raise ApiError(400, f"{name}: expected an integer", param=name)
        if value is not None and (value < least or (most is not None and value > most)):
            bounds = f"from {least} to {most}" if most is not None else f"at least {least}"
            raise ApiError(400, f"{name} {value}: must be {bounds}", param=name)
        return value

    def get(self, name: str, kind: type, default: Any) -> Any:
        """A field of that very type."""
        value = self.values.get(name, default)
        if type(value) is not kind:
            raise ApiError(400, f"{name}: expected {kind.__name__}", param=name)
        return value


def _are_tokens(value: list[Any]) -> bool:
    return bool(value) and all(type(token) is int for token in value)


def _asks_nothing(name: str, value: Any) -> bool:
    """Whether a field that is not supported has a neutral value; 0 is not false, 0.0 is 0."""
    return any(
        isinstance(value, bool) == isinstance(neutral, bool) and value == neutral
        for neutral in _NEUTRAL.get(name, ())
    )


def _message(value: Any, where: str, param: str) -> dict[str, str]:
    """A turn. Chat templates know no developer: what one says is said by the system."""
    role = value.get("role") if isinstance(value, dict) else None
    if role not in {"system", "developer", "user", "assistant"}:
        raise ApiError(
            400, f"{where}.role: expected system, developer, user or assistant", param=param
        )
    content = value.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [
        part.get("text")
        if isinstance(part, dict) and part.get("type") in {"text", "input_text", "output_text"}
        else None
        for part in parts
    ]
    if not all(isinstance(text, str) for text in texts):
        raise ApiError(400, f"{where}.content: only text is supported", param=param)
    return {
        "role": "system" if role == "developer" else role,
        "content": "".join(map(str, texts)),
    }
