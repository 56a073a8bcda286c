"""The servers of `--engine URL,URL`: what each is, and whether they are one engine."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from knm.codec import from_json
from knm.engine import EngineConfiguration
from knm.errors import UserError, named
from knm.option_fields import read_list
from knm.serving.client import Client, EngineClient
from knm.serving.foreign import Dialect, ForeignClient
from knm.serving.process import is_loopback
from knm.serving.transport import KEY_VARIABLES, Patience, Transport, parse_url

_MOST_NAMED: Final = 10


@dataclass(frozen=True)
class Server:
    """How a server is reached. Plain values: they travel to other processes.

    `dialect` is how one of another kind is asked; None of ours. `device` is where the engine of a
    server computes that is this run's own; None of any other.
    """

    url: str
    token: str | None = None
    dialect: Dialect | None = None
    device: str | None = None

    @property
    def name(self) -> str:
        """What the user calls it: the device, or the URL."""
        return self.url if self.device is None else f"engine on {self.device}"

    def client(self) -> Client:
        """A client of it."""
        if self.dialect is None:
            return EngineClient(self.url, self.token)
        return ForeignClient(self.url, self.token, self.dialect)


@dataclass(frozen=True)
class ServerGroup:
    """Servers that write the same for the same request, as far as they tell what they are."""

    servers: tuple[Server, ...]
    configuration: EngineConfiguration

    @classmethod
    def from_json(cls, value: Any) -> "ServerGroup":
        """Read back what `to_json` gave."""
        return from_json(cls, value, "the run's servers")


def find_servers(urls: str, model: str | None) -> ServerGroup:
    """Ask the servers at some URLs, with commas between them, what they are.

    One of another kind than ours is asked for `model`, or its only one if that is None; that it
    answers is tried out.

    Raises:
        UserError: naming the URL: nobody answers, or the servers are not one engine.
    """
    listed = read_list("engine", urls, "URLs", lambda url: url.rstrip("/"))
    found = [_describe(url, model) for url in listed]
    (first, configuration), *others = found
    for server, other in others:
        differences = list(configuration_differences(configuration, other))
        if differences:
            lines = "\n".join(
                f"  {name}: {here} there, {there} here" for name, here, there in differences
            )
            raise UserError(
                f"{named('engine')} {server.url}: not the same engine as {first.url}:\n{lines}\n"
                "start all servers alike, or name those that are"
            )
    return ServerGroup(tuple(server for server, _ in found), configuration)


def configuration_differences(
    a: EngineConfiguration, b: EngineConfiguration
) -> Iterator[tuple[str, str, str]]:
    """In what two engines may write different completions: its name, and how it is with each."""
    left, right = a.determinants(), b.determinants()
    for name in sorted(left.keys() | right.keys()):
        here, there = left.get(name), right.get(name)
        if here != there:
            yield name, _shown(here), _shown(there)


def find_key(url: str) -> str | None:
    """The key that a server is shown: of the environment.

    The one for OpenAI goes nowhere in clear text but to this machine.
    """
    *own, general = KEY_VARIABLES
    for name in own:
        if os.environ.get(name):
            return os.environ[name]
    parts = parse_url(url)
    if parts.scheme == "https" or is_loopback(parts.hostname or ""):
        return os.environ.get(general) or None
    return None


def _describe(url: str, model: str | None) -> tuple[Server, EngineConfiguration]:
    token = find_key(url)
    status, value = Transport(url, token, Patience()).get("/v1/knm/configuration")
    if status == 200 and isinstance(value, dict):
        where = f"{named('engine')} {url}"
        return Server(url, token), EngineConfiguration.from_json(value, where)
    client = ForeignClient(url, token)
    models = client.models()
    chosen = _choose_model(url, list(models), model)
    dialect = client.find_dialect(chosen)
    told = {**models[chosen], "id": chosen, "api": dialect.api}
    return Server(url, token, dialect), EngineConfiguration.of_another_kind(chosen, told)


def _choose_model(url: str, models: Sequence[str], asked: str | None) -> str:
    if asked in models:
        assert asked is not None
        return asked
    if asked is None and len(models) == 1:
        return models[0]
    more = f" and {len(models) - _MOST_NAMED} more" if len(models) > _MOST_NAMED else ""
    has = ", ".join(models[:_MOST_NAMED]) + more if models else "none"
    wrong = "" if asked is None else f"not {asked}, but "
    raise UserError(
        f"{named('engine')} {url}: has {wrong}the models {has}: name one with {named('model')}"
    )


def _shown(value: Any) -> str:
    text = str(value)
    return text[:12] if len(text) == 64 else text
