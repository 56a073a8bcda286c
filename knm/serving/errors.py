"""What can go wrong with an engine that others share, and what its clients are told of it."""

from typing import Any, Final

from knm.engine import ContextExceeded
from knm.errors import UserError

CONTEXT_EXCEEDED: Final = "context_length_exceeded"
"""OpenAI's code for a prompt that is longer than the model's context."""

MALFORMED: Final = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    OverflowError,
    UserError,
)
"""What reading a server's answer raises that is none of the protocol's."""

_SHOWN: Final = 200  # characters of an answer that nobody understands


class EngineFailed(Exception):
    """The engine raised what it cannot go on from, or answers a request with an error.

    `status` is that of the HTTP answer which said so; None where something else did.
    """

    status: int | None = None


class EngineRefused(EngineFailed):
    """The engine refused this very request; others it would take."""


class ServerStopping(EngineFailed):
    """The server was told to end while it had work."""

    def __init__(self, message: str = "the server is shutting down") -> None:
        super().__init__(message)


class EngineLost(Exception):
    """The engine's process died, or it cannot be reached any more."""


class QueueFull(Exception):
    """More requests wait than the server admits: try again later."""


class ApiError(Exception):
    """An answer that is an error, in OpenAI's shape."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code

    def to_json(self) -> dict[str, Any]:
        """The body of the answer."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {
            "error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        }


def shown(answer: bytes) -> str:
    """The beginning of an answer, for an error about it."""
    text = answer.decode("utf-8", "replace").strip()
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def as_api_error(error: Exception) -> ApiError:
    """What a client is told of an error of its request, or of the engine."""
    if isinstance(error, ContextExceeded):
        return ApiError(400, str(error), code=CONTEXT_EXCEEDED)
    if isinstance(error, UserError):
        return ApiError(400, str(error))
    if isinstance(error, EngineFailed):
        return engine_failed(error)
    return ApiError(500, f"{type(error).__name__}: {error}")


def engine_failed(error: EngineFailed) -> ApiError:
    """503: the engine is no more, for this request and all others."""
    if isinstance(error, ServerStopping):
        return ApiError(503, str(error), code="server_stopping")
    return ApiError(503, f"the engine failed: {error}", code="engine_failed")
