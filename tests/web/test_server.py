"""The HTTP server's own part: the port that it claims, and whose word it takes about a client's address."""

import socket

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.config import load
from bot.web.server import HttpServer, PortTaken


async def test_a_port_is_claimed_before_anything_is_served_on_it():
    first = HttpServer.bind("127.0.0.1", 0)
    try:
        with pytest.raises(PortTaken, match="Stop the program that uses it"):
            HttpServer.bind("127.0.0.1", first.port)
    finally:
        await first.stop()


async def test_a_port_that_was_given_free_can_be_claimed_again():
    first = HttpServer.bind("127.0.0.1", 0)
    port = first.port
    await first.stop()
    second = HttpServer.bind("127.0.0.1", port)
    assert second.port == port
    await second.stop()


async def peer_seen(trusted: str, forwarded: list[str], host: str = "127.0.0.1") -> str:
    """Which client address an application behind `trusted` proxies sees of a request of 127.0.0.1."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            seen.append(scope["client"][0])
            await Response()(scope, receive, send)

    server = HttpServer.bind(host, 0)
    await server.start(app, load({"TRUSTED_PROXIES": trusted}, None).trusted_proxies)
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            headers = [("X-Forwarded-For", value) for value in forwarded]
            await http.get(f"http://127.0.0.1:{server.port}/", headers=headers)
    finally:
        await server.stop()
    return seen[0]


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ("", ["203.0.113.7"], "127.0.0.1"),
        ("198.51.100.1", ["203.0.113.7"], "127.0.0.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("127.0.0.0/8", ["2001:db8::7"], "2001:db8::7"),
        ("127.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("127.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("127.0.0.1", ["10.9.9.9, 203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["10.9.9.9", "203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["127.0.0.1, 203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1,198.51.100.0/24", ["10.9.9.9, 203.0.113.7, 198.51.100.2"], "203.0.113.7"),
        ("127.0.0.1,198.51.100.0/24", ["203.0.113.7, ::ffff:198.51.100.2"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7, 198.51.100.2"], "198.51.100.2"),
        ("127.0.0.1", ["203.0.113.7, nonsense"], "nonsense"),
        ("127.0.0.1", ["203.0.113.7,"], "127.0.0.1"),
    ],
)
async def test_the_client_is_the_last_address_that_is_no_trusted_proxy(trusted, forwarded, client):
    assert await peer_seen(trusted, forwarded) == client


async def test_an_ipv4_proxy_is_trusted_on_a_socket_of_ipv6_too():
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::ffff:127.0.0.1", 0))
        except OSError as error:
            pytest.skip(f"no IPv6 here: {error}")
    assert await peer_seen("", [], "::ffff:127.0.0.1") == "::ffff:127.0.0.1"
    assert await peer_seen("127.0.0.1", ["203.0.113.7"], "::ffff:127.0.0.1") == "203.0.113.7"
    assert await peer_seen("127.0.0.0/8", ["203.0.113.7"], "::ffff:127.0.0.1") == "203.0.113.7"
    assert await peer_seen("::ffff:127.0.0.1", ["203.0.113.7"]) == "203.0.113.7"


async def test_the_environment_of_the_server_s_library_trusts_nobody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert await peer_seen("", ["203.0.113.7"]) == "127.0.0.1"
    assert await peer_seen("198.51.100.1", ["203.0.113.7"]) == "127.0.0.1"
