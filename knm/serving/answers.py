"""What a client gets: the shapes of OpenAI's completion objects and their chunks, and metrics.

Each choice carries the object `knm`: tokens, seconds and, where a datastore corrected the model,
what it changed.
"""

import secrets
import time
from collections.abc import Sequence
from typing import Any, Final

from knm.codec import to_json
from knm.engine import ContextExceeded, Event, Scores
from knm.records import Completion
from knm.serving.calls import Call, Kind
from knm.serving.errors import CONTEXT_EXCEEDED
from knm.serving.loop import EngineLoop
from knm.serving.shapes import chat_log_probs, render_response, text_log_probs

_TYPES: Final = {Kind.TEXT: "cmpl", Kind.CHAT: "chatcmpl"}


class Answer:
    """Builds the objects of one answer, which share id, time and model."""

    def __init__(self, call: Call, model: str) -> None:
        self._call = call
        chat = call.kind is Kind.CHAT
        self._head: dict[str, Any] = {
            "id": f"{_TYPES.get(call.kind, 'resp')}-{secrets.token_hex(12)}",
            "object": call.kind.value + (".chunk" if chat and call.stream else ""),
            "created": int(time.time()),
            "model": model,
        }

    def full(self, ended: Sequence[Event]) -> dict[str, Any]:
        """The whole answer, where nothing is streamed: of the last event of each choice."""
        completions = {
            index: event.completion
            for index, event in enumerate(ended)
            if event.completion is not None
        }
        usage = self._usage(completions)
        if self._call.kind is Kind.RESPONSE:
            return {**self._head, **render_response(completions[0], usage, self._head["created"])}
        choices = [
            {
                "index": index,
                **self._whole_text(done, ended[index].scores),
                "logprobs": self._log_probs(ended[index].scores),
                "finish_reason": done.finish_reason,
                "knm": {**_details(done), **_details_of_prompt(ended[index].scores)},
            }
            for index, done in completions.items()
        ]
        return {**self._head, "choices": choices, "usage": usage}

    def _whole_text(self, done: Completion, scores: Scores | None) -> dict[str, Any]:
        if self._call.kind is Kind.CHAT:
            return {"message": {"role": "assistant", "content": done.text, "refusal": None}}
        return {"text": self._before(scores) + done.text}

    def _before(self, scores: Scores | None) -> str:
        """The prompt, where it is told too."""
        scoring = self._call.requests[0].scoring
        return "" if scores is None or scoring is None or not scoring.echo else scores.prompt_text

    def _log_probs(self, scores: Scores | None) -> dict[str, Any] | None:
        scoring = self._call.requests[0].scoring
        if scores is None or scoring is None or scoring.alternatives is None:
            return None
        if self._call.kind is Kind.CHAT:
            return chat_log_probs(scores.completion)
        return text_log_probs([*scores.prompt, *scores.completion])

    def role(self, index: int) -> dict[str, Any]:
        """The chunk that opens a choice of a conversation."""
        return self._chunk(index, {"delta": {"role": "assistant", "content": ""}})

    def piece(self, index: int, text: str) -> dict[str, Any]:
        """A chunk with more text."""
        return self._chunk(index, self._text(text))

    def end(
        self, index: int, completion: Completion, text: str, scores: Scores | None
    ) -> dict[str, Any]:
        """The last chunk of a choice, with the log-probabilities of all its tokens.

        They are known no sooner: a text is scored when it is whole.
        """
        return self._chunk(
            index,
            self._text(self._before(scores) + text),
            logprobs=self._log_probs(scores),
            finish_reason=completion.finish_reason,
            knm={**_details(completion), **_details_of_prompt(scores)},
        )

    def broken(self, index: int, error: Exception) -> dict[str, Any]:
        """The last chunk of a choice that failed alone."""
        return self._chunk(
            index, self._text(""), knm={"error": str(error), **_exceeded_context(error)}
        )

    def usage(self, completions: dict[int, Completion]) -> dict[str, Any]:
        """The chunk after all choices."""
        return {**self._head, "choices": [], "usage": self._usage(completions)}

    def _text(self, text: str) -> dict[str, Any]:
        if self._call.kind is Kind.CHAT:
            return {"delta": {"content": text} if text else {}}
        return {"text": text}

    def _chunk(self, index: int, content: dict[str, Any], **more: Any) -> dict[str, Any]:
        choice = {"index": index, **content, "logprobs": None, "finish_reason": None, **more}
        return {**self._head, "choices": [choice]}

    def _usage(self, completions: dict[int, Completion]) -> dict[str, int]:
        prompt = sum(
            done.prompt_tokens
            for index, done in completions.items()
            if index in self._call.first_choices
        )
        written = sum(done.completion_tokens for done in completions.values())
        return {
            "prompt_tokens": prompt,
            "completion_tokens": written,
            "total_tokens": prompt + written,
        }


def render_metrics(loop: EngineLoop) -> str:
    """The state of a server in the text format of Prometheus."""
    counters = loop.counters
    completions = {
        f'{{finish_reason="{reason}"}}': count
        for reason, count in sorted(counters.completions.items())
    }
    lines: list[str] = []
    for name, kind, text, samples in (
        ("completions_total", "counter", "Completions, by why they ended.", completions),
        ("errors_total", "counter", "Requests that ended with an error.", counters.errors),
        ("cancelled_total", "counter", "Requests that their clients gave up.", counters.cancelled),
        ("prompt_tokens_total", "counter", "Tokens read.", counters.prompt_tokens),
        ("completion_tokens_total", "counter", "Tokens written.", counters.completion_tokens),
        ("busy_seconds_total", "counter", "Time spent decoding.", counters.busy_seconds),
        ("pending_requests", "gauge", "Requests that wait or decode.", loop.pending),
        ("capacity_requests", "gauge", "Requests admitted at most.", loop.capacity),
        ("up", "gauge", "Whether the engine can decode.", int(loop.status != "failed")),
    ):
        lines += [f"# HELP knm_{name} {text}", f"# TYPE knm_{name} {kind}"]
        values = samples if isinstance(samples, dict) else {"": samples}
        lines += [f"knm_{name}{label} {value}" for label, value in values.items()]
    return "\n".join(lines) + "\n"


def _exceeded_context(error: Exception) -> dict[str, Any]:
    """What a client is told beside the message of a prompt that the model's context cannot hold."""
    if not isinstance(error, ContextExceeded):
        return {}
    return {
        "code": CONTEXT_EXCEEDED,
        "prompt_tokens": error.prompt_tokens,
        "context": error.context,
    }


def _details(completion: Completion) -> dict[str, Any]:
    interventions = completion.interventions
    return {
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "seconds": completion.seconds,
        "interventions": None if interventions is None else to_json(interventions),
    }


def _details_of_prompt(scores: Scores | None) -> dict[str, Any]:
    """What the datastore did to the log-probabilities of a prompt that was told too."""
    if scores is None or scores.interventions is None:
        return {}
    return {"prompt_interventions": to_json(scores.interventions)}
