"""Where a request to a person's address may go: the table of tricks, with WEBHOOK_ALLOW empty and set."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

from bot.clients import Bounds, ClientSettings, make_client
from bot.domain.addresses import is_public, parse_network
from bot.domain.errors import AddressRefused
from bot.egress import LONGEST_URL, Egress, NotTaken, SystemNames
from tests.config.loopback import serve
from tests.support.receiver import handling, receiving
from tests.support.tls import certificate, server_context

PUBLIC = "93.184.215.14"
ALLOW = ("127.0.0.0/8", "::1", "192.168.1.0/24")

NAMES: dict[str, list[str]] = {
    "public.example": [PUBLIC],
    "loopback.example": ["127.0.0.1"],
    "loopback6.example": ["::1"],
    "private.example": ["192.168.1.7"],
    "elsewhere.example": ["10.0.0.7"],
    "mixed.example": [PUBLIC, "10.0.0.7"],
    "mapped.example": ["::ffff:10.0.0.7"],
    "metadata.google.internal": ["169.254.169.254"],
    "localhost": ["127.0.0.1", "::1"],
    "nowhere.example": [],
}


async def answers(host: str) -> list[str]:
    if not NAMES.get(host):
        raise OSError("no such name")
    return NAMES[host]


def an_egress(*allow: str, look_up: Callable[[str], Awaitable[list[str]]] = answers, timeout_s: float = 2.0) -> Egress:
    return Egress(tuple(map(parse_network, allow)), look_up=look_up, timeout_s=timeout_s)


@asynccontextmanager
async def using(egress: Egress) -> AsyncIterator[Egress]:
    try:
        yield egress
    finally:
        await egress.aclose()


@dataclass(frozen=True)
class Row:
    """`allowed`: what an operator who allows ALLOW gets; nobody else gets anything."""

    what: str
    url: str
    allowed: bool = False
    form: bool = False
    """Refused for its form, whatever is allowed."""


TABLE = (
    Row("loopback", "http://127.0.0.1:{port}/", allowed=True),
    Row("another loopback", "http://127.9.9.9:{port}/", allowed=True),
    Row("loopback over TLS", "https://127.0.0.1:{port}/", allowed=True),
    Row("IPv6 loopback", "http://[::1]:{port}/", allowed=True),
    Row("IPv6 loopback in full", "http://[0:0:0:0:0:0:0:1]:{port}/", allowed=True),
    Row("localhost", "http://localhost:{port}/", allowed=True),
    Row("unspecified", "http://0.0.0.0:{port}/"),
    Row("IPv6 unspecified", "http://[::]:{port}/"),
    Row("private 10/8", "https://10.0.0.7/"),
    Row("private 172.16/12", "https://172.31.255.254/"),
    Row("private 192.168/16", "https://192.168.1.7/", allowed=True),
    Row("the next private network", "https://192.168.2.7/"),
    Row("carrier-grade NAT", "https://100.64.0.1/"),
    Row("link-local", "https://169.254.1.1/"),
    Row("metadata", "http://169.254.169.254/latest/meta-data/"),
    Row("metadata, Alibaba", "http://100.100.100.200/"),
    Row("metadata, Oracle", "http://192.0.0.192/"),
    Row("metadata, Azure", "http://168.63.129.16/"),
    Row("metadata, IPv6", "http://[fd00:ec2::254]/"),
    Row("metadata by name", "http://metadata.google.internal/"),
    Row("IPv6 link-local", "https://[fe80::1]/"),
    Row("IPv6 link-local with a zone", "http://[fe80::1%25eth0]:{port}/"),
    Row("IPv6 private", "https://[fc00::1]/"),
    Row("IPv6 site-local", "https://[fec0::1]/"),
    Row("multicast", "https://224.0.0.1/"),
    Row("IPv6 multicast", "https://[ff02::1]/"),
    Row("broadcast", "https://255.255.255.255/"),
    Row("reserved", "https://240.0.0.1/"),
    Row("documentation", "https://203.0.113.7/"),
    Row("benchmarking", "https://198.18.0.1/"),
    Row("mapped loopback", "http://[::ffff:127.0.0.1]:{port}/", allowed=True),
    Row("mapped loopback in hex", "http://[::ffff:7f00:1]:{port}/", allowed=True),
    Row("mapped private", "https://[::ffff:10.0.0.7]/"),
    Row("IPv4-compatible loopback", "http://[::127.0.0.1]:{port}/"),
    Row("6to4 of loopback", "http://[2002:7f00:1::]:{port}/"),
    Row("6to4 of private", "https://[2002:a00:7::1]/"),
    Row("NAT64 of loopback", "http://[64:ff9b::7f00:1]:{port}/"),
    Row("NAT64 of private", "https://[64:ff9b::10.0.0.7]/"),
    Row("local NAT64", "https://[64:ff9b:1::a00:7]/"),
    Row("Teredo", "https://[2001:0:7f00:1::]/"),
    Row("decimal", "http://2130706433:{port}/", form=True),
    Row("hexadecimal", "http://0x7f000001:{port}/", form=True),
    Row("octal", "http://0177.0.0.1:{port}/", form=True),
    Row("hexadecimal parts", "http://0x7f.0.0.1:{port}/", form=True),
    Row("short", "http://127.1:{port}/", form=True),
    Row("zero", "http://0:{port}/", form=True),
    Row("with a final dot", "http://127.0.0.1.:{port}/", form=True),
    Row("percent-encoded", "http://%31%32%37.0.0.1:{port}/", form=True),
    Row("full-width", "http://127。0。0。1:{port}/", form=True),
    Row("enclosed letters", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/", form=True),
    Row("userinfo before loopback", "http://public.example@127.0.0.1:{port}/", form=True),
    Row("userinfo with a port", "http://public.example:80@127.0.0.1:{port}/", form=True),
    Row("empty userinfo", "http://@127.0.0.1:{port}/", form=True),
    Row("loopback as userinfo", "https://127.0.0.1@public.example/", form=True),
    Row("backslash", "http://public.example\\@127.0.0.1:{port}/", form=True),
    Row("tab in the name", "http://127.0.\t0.1:{port}/", form=True),
    Row("line break", "http://127.0.0.1:{port}/\r\nx: y", form=True),
    Row("fragment", "https://public.example/#@127.0.0.1", form=True),
    Row("another scheme", "file:///etc/passwd", form=True),
    Row("gopher", "gopher://127.0.0.1:{port}/", form=True),
    Row("no host", "https:///path", form=True),
    Row("no scheme", "127.0.0.1:{port}", form=True),
    Row("port 0", "https://public.example:0/", form=True),
    Row("a port too high", "https://public.example:99999/", form=True),
    Row("a socket", "http+unix://%2Fvar%2Frun%2Fdocker.sock/", form=True),
    Row("endless", "https://public.example/" + "x" * LONGEST_URL, form=True),
    Row("a name for loopback", "http://loopback.example:{port}/", allowed=True),
    Row("a name for IPv6 loopback", "http://loopback6.example:{port}/", allowed=True),
    Row("a name for a private address", "https://elsewhere.example/"),
    Row("a name for an allowed address", "https://private.example/", allowed=True),
    Row("a name for public and private", "https://mixed.example/"),
    Row("a name for a mapped one", "https://mapped.example/"),
    Row("no such name", "https://nowhere.example/"),
)


async def checked(egress: Egress, url: str) -> str:
    try:
        await egress.check(url)
    except AddressRefused as why:
        return why.reason
    return "ok"


async def posted(egress: Egress, url: str) -> str:
    try:
        return str(await egress.post(url, {}, b"{}"))
    except NotTaken as why:
        return why.reason


async def test_no_trick_leads_to_an_address_that_is_not_public(say: Callable[[str, str], None]) -> None:
    """Each is refused when it is registered, and again when it is used, for whatever reason it came to be there."""
    wrong, lines = [], []
    async with receiving() as receiver, using(an_egress()) as egress:
        for row in TABLE:
            url = row.url.replace("{port}", receiver.url.rpartition(":")[2])
            at_check, at_use = await checked(egress, url), await posted(egress, url)
            lines.append(f"{row.what:<32}{url[:52]!r:<58}{at_check:<16}{at_use}")
            no_name = "nowhere" in url
            expected = ("no_url" if row.form else "not_reachable", "no_contact" if no_name else "not_allowed")
            if (at_check, at_use) != expected:
                wrong.append(lines[-1])
    for line in lines:
        say(f"WEBHOOK_ALLOW empty: {len(TABLE)} ways", line)
    assert not wrong, "\n".join(wrong)
    assert receiver.connections == 0


async def test_an_allowed_network_is_reached_in_every_honest_spelling_and_nothing_else_is(
    say: Callable[[str, str], None],
) -> None:
    wrong, lines = [], []
    async with receiving() as receiver, using(an_egress(*ALLOW)) as egress:
        for row in TABLE:
            url = row.url.replace("{port}", receiver.url.rpartition(":")[2])
            at_check = await checked(egress, url)
            lines.append(f"{row.what:<32}{url[:52]!r:<58}{at_check}")
            if at_check != ("ok" if row.allowed else "no_url" if row.form else "not_reachable"):
                wrong.append(lines[-1])
            if not row.allowed and "nowhere" not in url:
                assert await posted(egress, url) == "not_allowed", row
        reached = [
            row.what
            for row in TABLE
            if row.allowed and "{port}" in row.url and row.url.startswith("http:") and "::1" not in row.url
            if await posted(egress, row.url.replace("{port}", receiver.url.rpartition(":")[2])) == "200"
        ]
    for line in (*lines, f"reached: {', '.join(reached)}"):
        say(f"WEBHOOK_ALLOW={','.join(ALLOW)}", line)
    assert not wrong, "\n".join(wrong)
    assert {"loopback", "mapped loopback", "localhost", "a name for loopback"} <= set(reached)


async def test_a_public_address_needs_tls_and_one_in_an_allowed_network_does_not() -> None:
    async with using(an_egress("192.168.1.0/24")) as egress:
        assert await checked(egress, "https://public.example/hook?token=a") == "ok"
        assert await checked(egress, "https://public.example:8443/hook") == "ok"
        assert await checked(egress, f"https://{PUBLIC}/") == "ok"
        assert await checked(egress, "https://[2a00:1450:4001:80b::200e]/") == "ok"
        assert await checked(egress, "https://[64:ff9b::808:808]/") == "ok"
        assert await checked(egress, "http://public.example/hook") == "not_secure"
        assert await checked(egress, "http://private.example/hook") == "ok"
        assert await posted(egress, "http://public.example/hook") == "not_allowed"


async def test_a_name_that_stands_for_another_address_when_it_is_used_is_refused_then() -> None:
    told = [[PUBLIC], ["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::ffff:127.0.0.1"]]

    async def changing(_host: str) -> list[str]:
        return told.pop(0)

    async with receiving() as receiver, using(an_egress(look_up=changing)) as egress:
        url = f"https://rebinding.example:{receiver.url.rpartition(':')[2]}/"
        assert await checked(egress, url) == "ok"
        assert [await posted(egress, url) for _ in range(3)] == ["not_allowed"] * 3
    assert told == []
    assert receiver.connections == 0


async def test_a_name_is_asked_for_once_and_the_address_that_was_judged_is_connected_to() -> None:
    asked: list[str] = []

    async def once(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    async with receiving() as receiver, using(an_egress("127.0.0.1", look_up=once)) as egress:
        port = receiver.url.rpartition(":")[2]
        assert await posted(egress, f"http://hooks.example:{port}/in") == "200"
    assert asked == ["hooks.example"]
    assert receiver.calls[0].headers["host"] == f"hooks.example:{port}"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost"])
async def test_the_connection_itself_is_fenced_should_a_spelling_ever_slip_through(host: str) -> None:
    bounds = Bounds(SystemNames().look_up, lambda address: is_public(ip_address(address)))
    async with receiving() as receiver, make_client(ClientSettings(bounds=bounds)) as client:
        with pytest.raises(httpx.TransportError):
            await client.post(f"http://{host}:{receiver.url.rpartition(':')[2]}/")
    assert receiver.connections == 0


async def test_a_redirect_is_not_followed_also_not_within_the_allowed_network() -> None:
    async with receiving() as target:
        head = f"HTTP/1.1 307 Away\r\nlocation: {target.url}/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        async with serve(raw=head.encode()) as server, using(an_egress("127.0.0.1")) as egress:
            assert await posted(egress, server.url) == "307"
    assert target.connections == 0


async def test_the_environment_s_proxies_are_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as receiver, using(an_egress("127.0.0.1")) as egress:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert await posted(egress, receiver.url) == "200"
        assert await posted(egress, "http://10.0.0.7/") == "not_allowed"
        assert await posted(egress, "https://elsewhere.example/") == "not_allowed"
    assert (proxy.connections, len(receiver.calls)) == (0, 1)


async def test_the_certificate_of_the_name_is_asked_for_and_has_to_be_good(tmp_path: Path) -> None:
    asked: list[str | None] = []
    tls = server_context(certificate(tmp_path))
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)

    async def nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def look_up(_host: str) -> list[str]:
        return ["127.0.0.1"]

    async with handling(nothing, tls=tls) as port, using(an_egress("127.0.0.1", look_up=look_up)) as egress:
        assert await posted(egress, f"https://hooks.example:{port}/") == "tls"
    assert asked == ["hooks.example"]


@pytest.mark.parametrize("what", ["a name that is never answered", "a server that says nothing", "endless headers"])
async def test_what_is_too_slow_ends_in_time_and_keeps_nobody_else_waiting(what: str) -> None:
    never = asyncio.Event()

    async def look_up(host: str) -> list[str]:
        if host == "slow.example":
            await never.wait()
        return ["127.0.0.1"]

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n" if what == "endless headers" else b"")
        while what == "endless headers" and not writer.is_closing():
            writer.write(b"x: y\r\n")
            await asyncio.sleep(0.02)
        await never.wait()

    async with (
        handling(drip) as port,
        receiving() as receiver,
        using(an_egress("127.0.0.1", look_up=look_up, timeout_s=0.5)) as egress,
    ):
        url = "http://slow.example/" if "name" in what else f"http://quick.example:{port}/"
        slow = [asyncio.create_task(posted(egress, url)) for _ in range(20)]
        await asyncio.sleep(0.05)
        began = time.perf_counter()
        assert await posted(egress, receiver.url) == "200"
        assert time.perf_counter() - began < 0.3
        assert set(await asyncio.gather(*slow)) <= {"timeout", "no_answer"}


async def test_of_an_endless_answer_only_the_head_is_read() -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                sent += 65_536
                await writer.drain()
        except ConnectionError:
            pass

    async with handling(flood) as port, using(an_egress("127.0.0.1")) as egress:
        began = time.perf_counter()
        assert await posted(egress, f"http://127.0.0.1:{port}/") == "200"
        assert time.perf_counter() - began < 0.5
        await asyncio.sleep(0.1)
    assert sent < 20_000_000  # what fits into the buffers between the two


async def test_the_system_s_names_are_looked_up_in_threads_of_their_own() -> None:
    assert set(await SystemNames().look_up("localhost")) <= {"127.0.0.1", "::1"}
    for unknown in ("no-such-name.invalid", "x" * 300):
        with pytest.raises(OSError, match=r"name|Name|address"):
            await SystemNames().look_up(unknown)


def test_bounds_are_not_to_be_had_with_a_proxy() -> None:
    with pytest.raises(ValueError, match="proxy"):
        make_client(ClientSettings(bounds=Bounds(answers, lambda _address: True), proxy="http://127.0.0.1:9"))


async def test_nothing_of_an_address_stands_in_what_is_raised() -> None:
    async with using(an_egress()) as egress:
        with pytest.raises(NotTaken) as refused:
            await egress.post("http://127.0.0.1:9/secret-path?token=planted", {"x": "planted"}, b"planted")
        with pytest.raises(AddressRefused) as unsound:
            await egress.check("http://planted:planted@127.0.0.1/")
    for caught in (refused.value, unsound.value):
        assert "planted" not in f"{caught!r} {caught} {caught.__cause__!r}"
        assert "127" not in str(caught)
