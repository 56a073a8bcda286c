"""The parts of OpenAI's answers that depend on nothing but their content."""

import secrets
from collections.abc import Sequence
from typing import Any

from knm.engine import TokenScore
from knm.records import Completion


def text_log_probs(scores: Sequence[TokenScore]) -> dict[str, Any]:
    """`logprobs` of a choice of /v1/completions: lists that go beside each other.

    Of alternatives that are written alike the likelier is told.
    """
    offsets, offset = [], 0
    for score in scores:
        offsets.append(offset)
        offset += len(score.text)
    return {
        "tokens": [score.text for score in scores],
        "token_logprobs": [score.log_prob for score in scores],
        "top_logprobs": [
            None if score.log_prob is None else _likeliest(score.top) for score in scores
        ],
        "text_offset": offsets,
    }


def _likeliest(top: Sequence[tuple[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for text, log_prob in top:
        found[text] = max(log_prob, found.get(text, log_prob))
    return found


def chat_log_probs(scores: Sequence[TokenScore]) -> dict[str, Any]:
    """`logprobs` of a choice of /v1/chat/completions."""
    return {
        "content": [
            {
                **_token(score.text, score.log_prob),
                "top_logprobs": [_token(text, log_prob) for text, log_prob in score.top],
            }
            for score in scores
        ],
        "refusal": None,
    }


def _token(text: str, log_prob: float | None) -> dict[str, Any]:
    return {"token": text, "logprob": log_prob, "bytes": list(text.encode())}


def render_response(done: Completion, usage: dict[str, int], created: int) -> dict[str, Any]:
    """What an answer of /v1/responses has beside its id and model."""
    status = "incomplete" if done.truncated else "completed"
    content = {"type": "output_text", "text": done.text, "annotations": [], "logprobs": []}
    message = {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": [content],
    }
    return {
        "created_at": created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if done.truncated else None,
        "output": [message],
        "parallel_tool_calls": False,
        "tool_choice": "none",
        "tools": [],
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage["total_tokens"],
        },
    }
