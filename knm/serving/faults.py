"""What can go wrong with an engine that others share."""


class EngineFailed(Exception):
    """The engine raised what it cannot go on from, or answers a request with an error."""


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
