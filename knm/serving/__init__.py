"""One engine for many: a process that owns the model, the HTTP in front of it, and its clients.

Clients ask servers of ours or of any other kind, several at a time. Importing this package loads
neither a model library nor a web framework.
"""

from knm.serving.client import Client, EngineClient
from knm.serving.errors import EngineFailed, EngineLost, EngineRefused
from knm.serving.fleet import Dispatcher, Fleet
from knm.serving.foreign import Dialect, ForeignClient
from knm.serving.process import EngineProcess, end_ahead, start_ahead
from knm.serving.servers import Server, ServerGroup, configuration_differences, find_servers

__all__ = [
    "Client",
    "Dialect",
    "Dispatcher",
    "EngineClient",
    "EngineFailed",
    "EngineLost",
    "EngineProcess",
    "EngineRefused",
    "Fleet",
    "ForeignClient",
    "Server",
    "ServerGroup",
    "configuration_differences",
    "end_ahead",
    "find_servers",
    "start_ahead",
]
