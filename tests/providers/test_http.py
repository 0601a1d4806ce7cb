"""What goes wrong below a provider's protocol: every case is a typed error, in time, and says nothing secret."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from bot.clients import ClientSettings, make_client
from bot.domain.errors import Throttled
from bot.providers.http import Answer, NoAnswer, ProviderHttp
from tests.support.tls import certificate, server_context

KEY = "sk_very_secret"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(answer: Serve) -> AsyncIterator[str]:
    tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await answer(reader, writer)
        writer.close()

    def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks[asyncio.create_task(accept(reader, writer))] = writer

    listener = await asyncio.start_server(start, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        for task, writer in tasks.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()
        await asyncio.sleep(0)


@asynccontextmanager
async def http(timeout_s: float = 5.0, max_in_flight: int = 8, **options: object) -> AsyncIterator[ProviderHttp]:
    client = make_client(ClientSettings(connect_timeout_s=5.0, read_timeout_s=5.0))
    try:
        yield ProviderHttp(client, timeout_s=timeout_s, max_in_flight=max_in_flight, **options)  # type: ignore[arg-type]
    finally:
        await client.aclose()


def raw(answer: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return serve


async def no_answer(url: str, **options: object) -> NoAnswer:
    async with http(**options) as provider:  # type: ignore[arg-type]
        with pytest.raises(NoAnswer) as caught:
            await provider.request("GET", url, params={"api_key": KEY})
    assert KEY not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


async def test_an_answer_has_its_status_headers_in_lower_case_and_its_body() -> None:
    async with (
        server(raw(b"HTTP/1.1 402 No\r\nX-Thing: Yes\r\ncontent-length: 2\r\n\r\nhi")) as url,
        http() as provider,
    ):
        answer = await provider.request("GET", url)
    assert (answer.status, answer.body, answer.headers["x-thing"]) == (402, b"hi", "Yes")


async def test_thirty_megabytes_are_not_read_to_their_end() -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 30000000\r\n\r\n")
        for _ in range(300):
            writer.write(b"x" * 100_000)
            await writer.drain()
            sent += 100_000

    async with server(serve) as url:
        error = await no_answer(url, most_bytes=1_000_000)
    assert error.sent
    assert sent < 20_000_000


async def test_a_body_that_drips_ends_with_the_total_timeout() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    started = time.monotonic()
    async with server(serve) as url:
        error = await no_answer(url, timeout_s=0.3)
    assert error.sent
    assert time.monotonic() - started < 2


async def test_headers_that_drip_end_with_the_total_timeout() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(10_000):
            writer.write(b"x-%d: y\r\n" % number)
            await writer.drain()
            await asyncio.sleep(0.02)

    async with server(serve) as url:
        assert (await no_answer(url, timeout_s=0.3)).sent


async def test_a_redirect_is_returned_and_not_followed() -> None:
    visited: list[str] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visited.append("yes")

    async with server(elsewhere) as other:
        head = f"HTTP/1.1 302 Found\r\nlocation: {other}/\r\ncontent-length: 0\r\n\r\n".encode()
        async with server(raw(head)) as url, http() as provider:
            answer = await provider.request("GET", url, params={"api_key": KEY})
    assert answer.status == 302
    assert visited == []


async def test_a_server_that_speaks_no_tls_was_surely_sent_nothing() -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        error = await no_answer(f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}", timeout_s=3)
    finally:
        listener.close()
        await listener.wait_closed()
    assert not error.sent


async def test_a_certificate_of_nobody_was_surely_sent_nothing(untrusted: ssl.SSLContext) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=untrusted)
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    try:
        error = await no_answer(f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}", timeout_s=3)
    finally:
        listener.close()
        await listener.wait_closed()
    assert not error.sent


async def test_a_refused_connection_was_surely_sent_nothing() -> None:
    async with server(raw(b"")) as url:
        pass
    assert not (await no_answer(url)).sent


async def test_an_address_without_a_host_was_surely_sent_nothing() -> None:
    assert not (await no_answer("http://")).sent


async def test_a_reset_after_the_request_may_have_taken_effect() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with server(serve) as url:
        assert (await no_answer(url)).sent


async def test_half_a_body_is_no_answer() -> None:
    async with server(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nACCESS_NUMBER:1")) as url:
        assert (await no_answer(url)).sent


async def test_an_answer_that_is_no_http_may_have_taken_effect() -> None:
    async with server(raw(b"220 smtp.example ESMTP\r\n\r\n")) as url:
        assert (await no_answer(url)).sent


async def test_garbage_instead_of_compressed_data_is_no_answer() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello"
    async with server(raw(head)) as url:
        assert (await no_answer(url)).sent


async def test_no_more_requests_are_in_flight_than_allowed() -> None:
    most = now = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.03)
        now -= 1
        writer.write(OK)

    async with server(serve) as url, http(max_in_flight=2) as provider:
        await asyncio.gather(*(provider.request("GET", url) for _ in range(6)))
    assert most == 2


async def test_a_turn_that_does_not_come_in_time_is_our_own_queue_s_doing_and_no_fault_of_the_provider_s() -> None:
    async with server(raw(OK)) as url, http(timeout_s=0.2, min_interval_s=30) as provider:
        await provider.request("GET", url)
        with pytest.raises(Throttled):
            await provider.request("GET", url)


class Time:
    """Moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


OK = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"


async def test_requests_keep_their_distance() -> None:
    clock = Time()
    async with (
        server(raw(OK)) as url,
        http(min_interval_s=0.5, clock=clock, sleep=clock.sleep) as provider,
    ):
        for _ in range(3):
            await provider.request("GET", url)
        clock.now += 10
        await provider.request("GET", url)
    assert clock.slept == [0.5, 0.5]


async def test_many_that_can_wait_keep_nobody_waiting_who_cannot() -> None:
    arrived: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        writer.write(OK)

    async with server(serve) as url, http(max_in_flight=4, min_interval_s=0.05) as provider:

        async def ask(name: str, *, can_wait: bool) -> None:
            await provider.request("GET", url, can_wait=can_wait)
            arrived.append(name)

        lists = [asyncio.create_task(ask("list", can_wait=True)) for _ in range(20)]
        await asyncio.sleep(0.2)
        began = time.monotonic()
        before = len(arrived)
        await ask("code", can_wait=False)
        assert len(arrived) - before < 8, "it overtakes those that stand in the back row"
        assert time.monotonic() - began < 0.6
        await asyncio.gather(*lists)
    assert arrived.count("list") == 20


async def test_a_request_that_gave_up_its_place_delays_nobody() -> None:
    async with server(raw(OK)) as url, http(timeout_s=0.3, min_interval_s=0.2) as provider:
        await provider.request("GET", url)
        late = [asyncio.create_task(provider.request("GET", url)) for _ in range(5)]
        results = await asyncio.gather(*late, return_exceptions=True)
        assert any(isinstance(result, Throttled) for result in results)
        assert (await provider.request("GET", url)).text() == "ok"


async def test_a_pause_refuses_at_once_until_it_is_over() -> None:
    clock = Time()
    async with server(raw(OK)) as url, http(clock=clock) as provider:
        provider.pause(30)
        provider.pause(5)
        clock.now += 10
        with pytest.raises(Throttled) as caught:
            await provider.request("GET", url)
        assert caught.value.retry_after_s == pytest.approx(20)
        clock.now += 21
        assert (await provider.request("GET", url)).text() == "ok"


async def test_a_pause_reaches_requests_that_wait_already() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        writer.write(OK)

    async with server(serve) as url, http(max_in_flight=1) as provider:
        first = asyncio.create_task(provider.request("GET", url))
        second = asyncio.create_task(provider.request("GET", url))
        await asyncio.sleep(0.02)
        provider.pause(60)
        assert (await first).text() == "ok"
        with pytest.raises(Throttled):
            await second


async def test_no_pause_lasts_longer_than_an_hour() -> None:
    clock = Time()
    async with server(raw(OK)) as url, http(clock=clock) as provider:
        provider.pause(10**12)
        clock.now += 3601
        assert (await provider.request("GET", url)).status == 200


def answer(body: bytes, **headers: str) -> Answer:
    return Answer(200, headers, body)


def test_text_has_no_byte_order_mark_no_surrounding_blanks_and_survives_wrong_bytes() -> None:
    assert answer(b"\xef\xbb\xbf ACCESS_BALANCE:1 \n").text() == "ACCESS_BALANCE:1"
    assert answer(b"\xff\xfeab").text() == "��ab"


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'{"a":NaN}', b"[" * 100_000, b"9" * 5000, b"\xff"])
def test_what_is_no_json_is_a_value_error_without_the_body(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(no JSON|nested too deep)$"):
        answer(body).json()


def test_half_a_surrogate_pair_is_replaced_and_a_whole_one_is_kept() -> None:
    assert answer(b'{"\\ud83d":["\\ud83d x","\\ud83d\\ude42"]}').json() == {"?": ["? x", "🙂"]}


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), (" 7 ", 7.0), ("", None), ("soon", None), ("-3", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(said: str, seconds: float | None) -> None:
    assert answer(b"", **{"retry-after": said}).retry_after_s() == seconds


@pytest.fixture(scope="module")
def untrusted(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return server_context(certificate(tmp_path_factory.mktemp("tls")))
