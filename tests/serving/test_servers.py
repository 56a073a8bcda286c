"""What servers say they are, and whether several of them are one engine."""

from contextlib import ExitStack
from dataclasses import replace

import pytest

from knm.codec import to_json
from knm.engine import completion_key
from knm.errors import UserError
from knm.records import Request
from knm.serving import Dialect, EngineClient, ForeignClient, ServerGroup, find_servers
from knm.serving.servers import find_key
from tests.engine.configurations import CONFIGURATION
from tests.serving.openai_server import OpenAIServer, speaking
from tests.serving.scripted import ScriptedEngine, serving

REQUEST = Request("p", "Add.")


@pytest.fixture
def ours():
    """Servers of ours, by their configurations; gives their URLs, with commas."""
    with ExitStack() as stack:

        def start(*configurations):
            return ",".join(
                stack.enter_context(serving(ScriptedEngine(), configuration=each))
                for each in configurations
            )

        yield start


@pytest.fixture
def foreign():
    """Servers of another kind; gives their URLs, with commas."""
    with ExitStack() as stack:
        yield lambda *servers: ",".join(stack.enter_context(speaking(each)) for each in servers)


def test_servers_of_ours_are_one_engine_whatever_they_call_it(ours):
    urls = ours(
        CONFIGURATION, replace(CONFIGURATION, model="/models/same", device="cuda:1", datastore="x")
    )
    group = find_servers(urls, None)
    assert [server.url for server in group.servers] == urls.split(",")
    assert all(isinstance(server.client(), EngineClient) for server in group.servers)
    assert group.configuration == CONFIGURATION
    assert group.configuration.verified


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"weights_hash": "v" * 64}, r"weights_hash: w{12} there, v{12} here"),
        ({"datastore_hash": "e" * 64}, r"datastore_hash: d{12} there, e{12} here"),
        ({"preset": {"name": "v2", "k": 8, "weight": 0.25}}, r"preset: .*'k': 16.*'k': 8"),
        ({"hardware": "another card"}, "hardware: x86_64 AVX2, 2 threads there, another card here"),
        ({"max_new_tokens": 32}, "max_new_tokens: 64 there, 32 here"),
    ],
)
def test_servers_that_would_write_otherwise_are_refused_by_their_url(ours, change, told):
    urls = ours(CONFIGURATION, CONFIGURATION, replace(CONFIGURATION, **change))
    with pytest.raises(UserError, match=told) as raised:
        find_servers(urls, None)
    first, _, other = urls.split(",")
    assert f"{other}: not the same engine as {first}" in str(raised.value)


def test_a_server_of_another_kind_is_tried_out_and_told_as_unverified(foreign):
    server = OpenAIServer(
        models=({"id": "small", "root": "/m", "max_model_len": 600, "created": 5, "x": {}},)
    )
    group = find_servers(foreign(server, server), None)
    assert group.configuration.model == "small"
    assert not group.configuration.verified
    assert group.configuration.weights_hash is None
    assert group.configuration.told == {
        "id": "small",
        "root": "/m",
        "max_model_len": 600,
        "api": "chat",
    }
    assert [server.dialect for server in group.servers] == [Dialect()] * 2
    assert isinstance(group.servers[0].client(), ForeignClient)
    assert len(server.bodies) == 2
    assert ServerGroup.from_json(to_json(group)) == group


def test_how_many_there_are_does_not_decide_what_is_kept_but_the_model_does(foreign, ours):
    one, two = OpenAIServer(), OpenAIServer()
    other = OpenAIServer(models=({"id": "large", "owned_by": "vllm"},))
    keys = [
        completion_key(find_servers(urls, None).configuration, REQUEST)
        for urls in (foreign(one), foreign(one, two), foreign(other))
    ]
    assert keys[0] == keys[1] != keys[2]
    own = [
        completion_key(find_servers(ours(*configurations), None).configuration, REQUEST)
        for configurations in ([CONFIGURATION], [CONFIGURATION] * 2)
    ]
    assert own[0] == own[1] == completion_key(CONFIGURATION, REQUEST) != keys[0]


def test_of_several_models_one_has_to_be_named(foreign):
    server = OpenAIServer(models=tuple({"id": f"m{number}"} for number in range(14)))
    url = foreign(server)
    with pytest.raises(UserError, match=rf"{url}: has the models m0, .*m9 and 4 more: name one"):
        find_servers(url, None)
    with pytest.raises(UserError, match=rf"{url}: has not m77, but the models m0"):
        find_servers(url, "m77")
    assert find_servers(url, "m12").configuration.model == "m12"


def test_servers_of_another_kind_have_to_agree_on_the_model(foreign, ours):
    small, large = OpenAIServer(), OpenAIServer(models=({"id": "large", "owned_by": "vllm"},))
    urls = foreign(small, large)
    with pytest.raises(UserError, match=rf"{urls.split(',')[1]}: not the same engine"):
        find_servers(urls, None)
    with pytest.raises(UserError, match="not the same engine"):
        find_servers(f"{ours(CONFIGURATION)},{foreign(small)}", None)


def test_one_that_is_not_there_or_speaks_otherwise_is_named(ours, foreign):
    with pytest.raises(UserError, match=r"http://127.0.0.1:9: cannot be reached"):
        find_servers(f"{ours(CONFIGURATION)},http://127.0.0.1:9", None)
    with pytest.raises(UserError, match="names no models"):
        find_servers(foreign(OpenAIServer(models=({"name": "x"},))), None)


@pytest.mark.parametrize("urls", ["", "http://a,", "http://a,http://a/", ","])
def test_a_list_that_is_none_is_refused(urls):
    with pytest.raises(UserError, match="give URLs with a comma|names one twice"):
        find_servers(urls, None)


@pytest.mark.parametrize(
    "url", ["http://me:secret@host:8000", "http://host/v1?api_key=secret", "https://h/#secret"]
)
def test_an_address_with_a_secret_in_it_is_refused_without_telling_it(url):
    with pytest.raises(UserError, match="put a key into KNM_API_KEY") as raised:
        find_servers(url, None)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://host:port", "ftp://host", "host:8000", "http://[::1"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(UserError, match="expected a URL such as"):
        find_servers(url, None)


def test_the_key_comes_from_the_environment(foreign, monkeypatch):
    for name in ("KNM_API_KEY", "KNM_ENGINE_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    url = foreign(OpenAIServer(key="right"))
    with pytest.raises(UserError, match=rf"{url}: wants a key, or another: set KNM_API_KEY"):
        find_servers(url, None)
    monkeypatch.setenv("OPENAI_API_KEY", "right")
    assert find_servers(url, None).servers[0].token == "right"
    assert find_key("https://api.example/v1") == "right"
    assert find_key("http://10.0.0.7:8000") is None, "in clear text over a network"
    monkeypatch.setenv("KNM_API_KEY", "own")
    assert find_key("http://10.0.0.7:8000") == find_key("https://api.example/v1") == "own"
