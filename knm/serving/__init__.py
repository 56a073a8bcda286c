"""One engine for many: a process that owns the model, the HTTP in front of it, and its client.

Importing this package loads neither a model library nor a web framework.
"""

from knm.serving.client import ChatAnswer, EngineClient
from knm.serving.errors import EngineFailed, EngineLost, EngineRefused
from knm.serving.process import EngineProcess, end_ahead, start_ahead

__all__ = [
    "ChatAnswer",
    "EngineClient",
    "EngineFailed",
    "EngineLost",
    "EngineProcess",
    "EngineRefused",
    "end_ahead",
    "start_ahead",
]
