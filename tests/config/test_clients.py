"""The HTTP clients on loopback: bounds, errors that say what happened, and a clean end."""

import asyncio
import gc
import socket

import httpx
import pytest
from telegram.error import NetworkError, TimedOut
from telegram.request import HTTPXRequest

from bot.clients import ClientSettings, ProxyUnusable, make_client, proxy_for, surely_not_sent, telegram_httpx_kwargs
from tests.config.loopback import serve

QUICK = ClientSettings(connect_timeout_s=1.0, read_timeout_s=1.0)
TOKEN = "123456789:AAMarkerMarkerMarkerMarkerMarkerMa"


async def test_many_requests_are_in_flight_at_once():
    async with serve(delay_s=0.2) as server, make_client(ClientSettings(max_connections=200)) as client:
        answers = await asyncio.gather(*(client.get(server.url) for _ in range(200)))
    assert {answer.text for answer in answers} == {"ok"}
    assert server.most_in_flight > 100


async def test_no_more_connections_are_opened_than_allowed():
    async with serve(delay_s=0.01) as server, make_client(ClientSettings(max_connections=5)) as client:
        await asyncio.gather(*(client.get(server.url) for _ in range(50)))
    assert server.connections == 5
    assert server.most_in_flight <= 5


async def test_the_limit_holds_for_telegram_too():
    settings = ClientSettings(max_connections=5)
    request = HTTPXRequest(connection_pool_size=50, httpx_kwargs=telegram_httpx_kwargs(settings))
    async with serve(delay_s=0.01) as server, request:
        await asyncio.gather(*(request.do_request(server.url, "POST") for _ in range(50)))
    assert server.connections == 5


async def failure(client: httpx.AsyncClient, url: str, method: str = "GET") -> httpx.TransportError:
    with pytest.raises(httpx.TransportError) as caught:
        await client.request(method, f"{url}/bot{TOKEN}/getMe")
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


async def test_a_server_that_does_not_answer_is_a_read_timeout():
    settings = ClientSettings(read_timeout_s=0.1)
    async with serve(delay_s=5) as server, make_client(settings) as client:
        error = await failure(client, server.url)
    assert type(error) is httpx.ReadTimeout
    assert not surely_not_sent(error)


async def test_a_full_pool_is_a_connect_timeout_and_nothing_was_sent():
    settings = ClientSettings(max_connections=1, connect_timeout_s=0.1)
    async with serve(delay_s=1) as server, make_client(settings) as client:
        first = asyncio.create_task(client.get(server.url))
        await asyncio.sleep(0.05)
        error = await failure(client, server.url)
        await first
    assert type(error) is httpx.ConnectTimeout
    assert surely_not_sent(error)
    assert len(server.requests) == 1


async def test_a_refused_connection_is_a_connect_error_and_nothing_was_sent():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with make_client(QUICK) as client:
        error = await failure(client, f"http://127.0.0.1:{port}")
    assert type(error) is httpx.ConnectError
    assert surely_not_sent(error)


@pytest.mark.parametrize(
    "raw",
    [
        b"rubbish\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
    ],
)
async def test_a_garbled_answer_is_a_transport_error_after_sending(raw: bytes):
    async with serve(raw=raw) as server, make_client(QUICK) as client:
        error = await failure(client, server.url)
    assert isinstance(error, httpx.RemoteProtocolError | httpx.ReadError)
    assert not surely_not_sent(error)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_reset_after_sending_is_no_connect_timeout_and_nothing_is_sent_again(method: str):
    async with serve(close_after=1) as server, make_client(QUICK) as client:
        await client.get(server.url)
        error = await failure(client, server.url, method)
    assert isinstance(error, httpx.RemoteProtocolError | httpx.ReadError)
    assert not surely_not_sent(error)
    assert len(server.requests) == 2


async def test_telegram_s_errors_tell_whether_anything_was_sent():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with HTTPXRequest(httpx_kwargs=telegram_httpx_kwargs(QUICK)) as request:
        with pytest.raises(NetworkError) as refused:
            await request.do_request(f"http://127.0.0.1:{port}", "POST")
    assert surely_not_sent(refused.value)
    slow = ClientSettings(read_timeout_s=0.1)
    async with serve(delay_s=5) as server, HTTPXRequest(httpx_kwargs=telegram_httpx_kwargs(slow)) as request:
        with pytest.raises(TimedOut) as late:
            await request.do_request(server.url, "POST")
    assert not surely_not_sent(late.value)


async def test_a_request_object_works_again_after_its_shutdown():
    request = HTTPXRequest(httpx_kwargs=telegram_httpx_kwargs(QUICK))
    async with serve() as server:
        for _ in range(2):
            await request.initialize()
            assert await request.do_request(server.url, "POST") == (200, b"ok")
            await request.shutdown()


async def test_a_redirect_is_handed_back_and_not_followed():
    raw = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    async with serve(raw=raw) as server, make_client(QUICK) as client:
        assert (await client.get(server.url)).status_code == 302
    assert len(server.requests) == 1


async def test_cookies_are_not_kept_by_the_connection_layer():
    raw = b"HTTP/1.1 200 OK\r\nset-cookie: a=b; path=/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    async with serve(raw=raw) as server, make_client(QUICK) as client:
        await client.get(server.url)
        client.cookies.clear()
        await client.get(server.url)
    assert "cookie:" not in server.requests[1].lower()


async def test_nothing_is_taken_from_the_surroundings(tmp_path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password planted\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with serve() as server, make_client(QUICK) as client:
        await client.get(server.url)
    assert "authorization" not in server.requests[0].lower()


async def test_a_proxy_is_asked_with_its_password_and_the_whole_address():
    async with serve() as proxy:
        settings = ClientSettings(proxy=proxy.url.replace("//", "//me:pass@"))
        for client in (make_client(settings), httpx.AsyncClient(**telegram_httpx_kwargs(settings))):
            async with client:
                await client.get("http://provider.example/x")
    assert len(proxy.requests) == 2
    for head in proxy.requests:
        assert head.startswith("GET http://provider.example/x HTTP/1.1")
        assert "proxy-authorization: basic bwu6cgfzcw==" in head.lower()


async def test_a_proxy_that_refuses_a_tunnel_is_a_proxy_error_and_nothing_was_sent():
    raw = b"HTTP/1.1 407 Proxy Authentication Required\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    async with (
        serve(raw=raw) as proxy,
        make_client(ClientSettings(proxy=proxy.url.replace("//", "//me:pass@"))) as client,
    ):
        error = await failure(client, "https://provider.example")
    assert type(error) is httpx.ProxyError
    assert surely_not_sent(error)
    (head,) = proxy.requests
    assert head.startswith("CONNECT provider.example:443 ")
    assert "\r\nproxy-authorization: basic bwu6cgfzcw==\r\n" in head.lower()
    assert "\r\nauthorization" not in head.lower()


async def test_a_proxy_that_is_down_is_a_proxy_error_and_nothing_was_sent():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with make_client(ClientSettings(proxy=f"http://127.0.0.1:{port}")) as client:
        error = await failure(client, "http://provider.example")
    assert type(error) is httpx.ProxyError
    assert surely_not_sent(error)


PROXIES = {"HTTPS_PROXY": "http://s:1", "http_proxy": "p:2", "NO_PROXY": "in.example, .corp.example"}


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://api.telegram.org", PROXIES, "http://s:1"),
        ("http://sms.example", PROXIES, "http://p:2"),
        ("https://in.example", PROXIES, None),
        ("https://a.in.example", PROXIES, None),
        ("https://corp.example", PROXIES, None),
        ("https://notin.example", PROXIES, "http://s:1"),
        ("http://127.0.0.1:8081", PROXIES, None),
        ("http://localhost:8081", PROXIES, None),
        ("http://[::1]:8081", PROXIES, None),
        ("https://a.example", {"ALL_PROXY": "http://x:3"}, "http://x:3"),
        ("https://a.example", {"ALL_PROXY": "http://x:3", "no_proxy": "*"}, None),
        ("https://a.example", {"HTTP_PROXY": "http://x:3", "HTTPS_PROXY": " "}, None),
        ("https://a.example", {}, None),
    ],
)
def test_the_environment_names_the_proxy(url: str, environ: dict[str, str], proxy: str | None):
    assert proxy_for(url, environ) == proxy


def test_a_socks_proxy_is_refused_in_words_without_its_password():
    with pytest.raises(ProxyUnusable, match="HTTPS_PROXY") as caught:
        proxy_for("https://a.example", {"HTTPS_PROXY": "socks5://me:planted@x:1"})
    assert "planted" not in str(caught.value)


def test_a_proxy_s_password_is_not_in_the_settings_repr():
    assert "planted" not in repr(ClientSettings(proxy="http://me:planted@x:1"))


async def test_a_long_answer_can_be_left_unread():
    async with serve(body=b"x" * 5_000_000) as server, make_client(QUICK) as client:
        async with client.stream("GET", server.url) as answer:
            first = await anext(answer.aiter_bytes(1000))
        assert len(first) == 1000
        assert (await client.get(server.url)).status_code == 200


async def test_a_cancelled_request_frees_its_connection():
    async with serve(delay_s=0.2) as server, make_client(ClientSettings(max_connections=1)) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.get(server.url)
        assert (await client.get(server.url)).text == "ok"


@pytest.mark.filterwarnings("error")
async def test_a_closed_client_leaves_nothing_behind():
    noticed: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: noticed.append(context))
    async with serve() as server:
        client = make_client(QUICK)
        await asyncio.gather(*(client.get(server.url) for _ in range(20)))
        await client.aclose()
        unused = make_client(QUICK)
        await unused.aclose()
        del client, unused
        gc.collect()
        await asyncio.sleep(0)
    assert noticed == []
