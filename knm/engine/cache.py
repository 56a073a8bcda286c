"""Completions kept on disk, by everything that determines them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from knm.cache import Cache, Table
from knm.codec import to_json
from knm.engine.configuration import EngineConfiguration
from knm.hashing import hash_bytes, hash_json
from knm.records import Completion, Request

FILE_NAME: Final = "completions.sqlite"
KEY_VERSION: Final = 4
_TABLE: Final = Table("completions", "completion", {"model": "text not null", "datastore": "text"})


def completion_key(configuration: EngineConfiguration, request: Request) -> str:
    """Hash of everything that determines a request's completion by a configured engine."""
    longest = request.max_new_tokens
    # Servers of another kind were once asked without these two, whose answers may be kept.
    said = bool(configuration.told is not None and (request.system or request.chat_arguments))
    return hash_json(
        {
            "version": KEY_VERSION,
            "engine": configuration.determinants(),
            "id": request.id,
            "prompt": hash_bytes(request.prompt.encode("utf-8", "surrogatepass")),
            "chat": request.chat,
            "sample": request.sample,
            "max_new_tokens": configuration.max_new_tokens if longest is None else longest,
            "stop": list(request.stop),
            "sampling": to_json(request.sampling),
            "withheld": request.withheld,
            "prefix": list(request.prefix),
            **{
                name: to_json(value)
                for name in ("ids", "system", "chat_arguments")
                if (value := getattr(request, name))
            },
            **({"said": True} if said else {}),
        }
    )


@dataclass(frozen=True)
class CacheInfo:
    """What a cache holds; times are Unix seconds, None where it is empty."""

    path: str
    completions: int
    bytes: int
    oldest: float | None
    newest: float | None
    by_model: dict[str, int]


class CompletionCache(Cache):
    """A cache of completions."""

    def __init__(self, directory: Path, notify: Callable[[str], None]) -> None:
        """Open or create the cache in `directory`.

        Raises:
            UserError: the directory cannot be made or written.
        """
        super().__init__(directory / FILE_NAME, _TABLE, notify)

    def get(self, key: str, *, since: float = 0.0) -> Completion | None:
        """The completion kept under `key`, if it was stored at `since` or later."""
        kept = self.read(key, Completion, since=since)
        return None if kept is None else kept.value

    def put(self, key: str, completion: Completion, configuration: EngineConfiguration) -> None:
        """Keep a completion; one that was there under the same key is replaced."""
        self.write(key, completion, configuration.model, configuration.datastore)

    def info(self) -> CacheInfo:
        """Counts, size and age."""
        told = self.figures()
        return CacheInfo(
            path=told.path,
            completions=told.count,
            bytes=told.bytes,
            oldest=told.oldest,
            newest=told.newest,
            by_model=self.counts("model"),
        )
