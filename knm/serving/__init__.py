"""One engine for many: a process that owns the model, the HTTP in front of it, and its client.

Importing this package loads neither a model library nor a web framework.
"""

from knm.serving.client import EngineClient
from knm.serving.faults import EngineFailed, EngineLost
from knm.serving.process import EngineProcess

__all__ = ["EngineClient", "EngineFailed", "EngineLost", "EngineProcess"]
