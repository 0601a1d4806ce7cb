"""Providers' webhooks over real HTTP: from where they are taken, what they are worth, and when they are answered."""

import asyncio
import contextlib
import dataclasses
import json
import logging
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from bot.domain.sms import IncomingSms
from bot.domain.time import HOUR, SECOND
from bot.providers.base import WebhookRequest
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from bot.providers.signature import sign
from bot.web.routes import create_app
from bot.web.server import HttpServer, PortTaken
from tests.simulators.rest import API_KEY, WEBHOOK_SECRET, RestSimulator
from tests.support.stories import HOOK_SECRET, SHORT, SIGNING_SECRET, Clock, Story, playing, until
from tests.support.telegram import serving

OPTION = "PROVIDERS__SANDBOX__"
HOOK = f"/hooks/sandbox/{HOOK_SECRET}"
TEXT = "planted text of an SMS"
ELSEWHERE = "203.0.113.7"
ONLY_HINTS = {f"{OPTION}WEBHOOK_SIGNING_SECRET": ""}


def event(provider_ref: str = "sb-x", sms_id: str = "s1") -> bytes:
    sms = {"id": sms_id, "sender": "Bank", "text": f"{TEXT} 445566", "received_at": 1_795_000_000_000}
    return json.dumps({"id": "m", "type": "sms.received", "provider_ref": provider_ref, "sms": sms}).encode()


def signed(story: Story, body: bytes) -> dict[str, str]:
    return sign(SIGNING_SECRET, "m", story.clock() // SECOND, body)


async def post(story: Story, body: bytes, path: str = HOOK, **headers: str) -> int:
    async with httpx.AsyncClient(base_url=story.url, trust_env=False, timeout=10) as http:
        answer = await http.post(path, content=body, headers=signed(story, body) | headers)
        return answer.status_code


def kept(story: Story) -> int:
    return len(story.rows("SELECT id FROM sms"))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the routes said, which in no case holds a secret or a text."""
    said = [one.getMessage() for one in caplog.records if one.name == "bot.web.routes"]
    assert {one.levelno for one in caplog.records if one.name == "bot.web.routes"} <= {logging.WARNING}
    for secret in (HOOK_SECRET, SIGNING_SECRET, TEXT, "445566"):
        assert secret not in "".join(said)
    return said


# where they come from


async def test_a_webhook_from_an_address_that_is_named_is_taken(tmp_path, caplog):
    settings = {f"{OPTION}WEBHOOK_FROM": f"{ELSEWHERE}, 127.0.0.0/8"}
    async with playing(tmp_path, settings=settings) as story:
        assert await post(story, event()) == 200
        assert kept(story) == 1
    assert warnings(caplog) == []


async def test_a_webhook_from_elsewhere_is_refused_with_one_warning_that_names_where_it_came_from(tmp_path, caplog):
    async with playing(tmp_path, settings={f"{OPTION}WEBHOOK_FROM": ELSEWHERE}) as story:
        assert await post(story, event()) == 403
        [line] = warnings(caplog)
        assert line.startswith("a webhook of sandbox came from 127.0.0.1,")
        assert "TRUSTED_PROXIES" in line
        for path in ("/hooks/sandbox/wrong-secret-000000", f"/hooks/nobody/{HOOK_SECRET}"):
            assert await post(story, event(), path) == 404
        assert len(warnings(caplog)) == 1, "who does not know the path cannot fill the log"
        assert kept(story) == 0


@contextlib.contextmanager
def both_families() -> Iterator[HttpServer]:
    """A socket of IPv6 that serves IPv4 on loopback, whose peers show as mapped addresses."""
    try:
        server = HttpServer.bind("::ffff:127.0.0.1", 0)
    except (OSError, PortTaken) as error:
        pytest.skip(f"no IPv6 here: {error}")
    yield server


@pytest.mark.parametrize(("source", "status"), [("127.0.0.1", 200), (ELSEWHERE, 403)])
async def test_an_ipv4_address_counts_as_such_on_a_socket_of_ipv6(tmp_path, source, status):
    async with playing(tmp_path, settings={f"{OPTION}WEBHOOK_FROM": source}) as story:
        with both_families() as server:
            await server.start(create_app(story.app.health, story.app.inbox, None))
            try:
                async with httpx.AsyncClient(trust_env=False) as http:
                    url = f"http://127.0.0.1:{server.port}{HOOK}"
                    answer = await http.post(url, content=event(), headers=signed(story, event()))
            finally:
                await server.stop()
        assert answer.status_code == status


FORWARDED = (
    (ELSEWHERE, 200),
    (f"198.51.100.9, {ELSEWHERE}", 200),
    (f"::ffff:{ELSEWHERE}", 200),
    (f"{ELSEWHERE}, 127.0.0.1", 200),
    (f"{ELSEWHERE}, 198.51.100.9", 403),  # what the client itself claims stands before what the proxy saw
    (f"{ELSEWHERE}, {TEXT}", 403),
    ("", 403),
)


async def test_behind_a_trusted_proxy_the_clients_address_decides_whatever_the_client_claims(tmp_path, caplog):
    settings = {"TRUSTED_PROXIES": "127.0.0.1", f"{OPTION}WEBHOOK_FROM": ELSEWHERE}
    async with playing(tmp_path, settings=settings) as story:
        for place, (forwarded, status) in enumerate(FORWARDED):
            body = event(sms_id=f"s{place}")
            assert await post(story, body, **{"X-Forwarded-For": forwarded}) == status, forwarded
        assert kept(story) == 4
    froms = [line.split(" came from ")[1].split(",")[0] for line in warnings(caplog)]
    assert froms == ["198.51.100.9", "an unknown place", "127.0.0.1"]


async def test_nobody_is_believed_about_an_address_who_is_no_trusted_proxy(tmp_path, caplog):
    settings = {"TRUSTED_PROXIES": "198.51.100.1", f"{OPTION}WEBHOOK_FROM": ELSEWHERE}
    async with playing(tmp_path, settings=settings) as story:
        for headers in ({"X-Forwarded-For": ELSEWHERE}, {"Forwarded": f"for={ELSEWHERE}"}, {"X-Real-IP": ELSEWHERE}):
            assert await post(story, event(), **headers) == 403
        assert all("127.0.0.1" in line for line in warnings(caplog))


# what they are worth


@contextlib.asynccontextmanager
async def with_rest(tmp_path) -> AsyncIterator[tuple[Story, RestSimulator, SandboxWorld]]:
    """The program with a `rest` provider alone, which signs."""
    clock = Clock()
    world = SandboxWorld(seed=7, clock=clock, settings=SandboxSettings(cancel_from_ms=0))
    simulator = RestSimulator(clock, world)
    async with serving(simulator.app) as url:
        rest = {
            "KIND": "rest",
            "URL": url,
            "API_KEY": API_KEY,
            "WEBHOOK_SECRET": HOOK_SECRET,
            "WEBHOOK_SIGNING_SECRET": f"{SIGNING_SECRET} {WEBHOOK_SECRET}",
        }
        settings = {f"PROVIDERS__REST__{name}": value for name, value in rest.items()}
        nothing = ("KIND", "URL", "WEBHOOK_SECRET", "WEBHOOK_SIGNING_SECRET")
        async with playing(tmp_path, settings=settings | {f"{OPTION}{name}": "" for name in nothing}) as story:
            yield story, simulator, world
    await world.aclose()


async def test_a_signed_webhook_of_rest_is_believed_once_and_a_forged_or_stale_one_never(tmp_path):
    async with with_rest(tmp_path) as (story, simulator, world):
        ada = await story.comes()
        await ada.buys()
        provider_ref = world.record()[0]["provider_ref"]
        true = simulator.webhook(IncomingSms(provider_ref, "s1", "Bank", "your code 445566", simulator.clock()))
        simulator.down = True  # so that nothing but the webhook can tell
        stale = sign(WEBHOOK_SECRET, "e1", simulator.clock() // SECOND - 301, true.body)
        ahead = sign(WEBHOOK_SECRET, "e1", simulator.clock() // SECOND + 360, true.body)
        by_another = sign(WEBHOOK_SECRET + "BBBB", "e1", simulator.clock() // SECOND, true.body)
        path = f"/hooks/rest/{HOOK_SECRET}"
        async with httpx.AsyncClient(base_url=story.url, trust_env=False) as http:

            async def answer(request: WebhookRequest) -> int:
                return (await http.post(path, content=request.body, headers=request.headers)).status_code

            for headers in ({}, stale, ahead, by_another):
                assert await answer(WebhookRequest(headers, true.body)) == 401
            assert await answer(WebhookRequest(true.headers, true.body.replace(b"445566", b"665544"))) == 401
            assert kept(story) == 0
            ada.look_from_now()
            assert await answer(true) == 200
            await ada.sees("445566", kind="message")
            before = story.rows("SELECT * FROM transfers"), story.rows("SELECT * FROM sms")
            assert await answer(true) == 200
            assert (story.rows("SELECT * FROM transfers"), story.rows("SELECT * FROM sms")) == before
            await story.settled()
            assert sum("445566" in one.text for one in ada.chat() if "#1-1" in one.text) == 1


async def test_an_installation_that_set_only_the_paths_secret_takes_webhooks_as_hints(tmp_path):
    unpolled = dataclasses.replace(SHORT, poll_young=HOUR, poll_middle=HOUR, poll_old=HOUR)
    async with playing(tmp_path, hooks=False, settings=ONLY_HINTS, timing=unpolled) as story:
        ada = await story.comes()
        await ada.buys()
        [sold] = story.sold()
        story.sms(sold["phone"], "the true code 778899")
        assert kept(story) == 0
        assert await post(story, event(sold["provider_ref"], "made-up")) == 200
        assert [row["text"] for row in story.rows("SELECT text FROM sms")] == ["the true code 778899"]


async def test_a_hint_whose_provider_does_not_answer_is_to_be_sent_again(tmp_path, caplog):
    async with playing(tmp_path, hooks=False, settings=ONLY_HINTS) as story:
        story.sandbox.mode = "down"
        assert await post(story, event()) == 503
        assert warnings(caplog) == ["a webhook of sandbox could not be taken: ProviderFault"]
        assert kept(story) == 0
        story.sandbox.mode = "normal"
        assert await post(story, event()) == 200
        assert kept(story) == 0, "the provider knows of no such SMS"


MALFORMED = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"7",
    b"\xff\xfe",
    json.dumps(TEXT).encode(),
    json.dumps({"type": TEXT}).encode(),
    event().replace(b'"s1"', b"7"),
    event().replace(b'"Bank"', b"null"),
    event().replace(b"1795000000000", b'"now"'),
    event().replace(b"sb-x", b""),
    b'{"provider_ref":' * 50_000,
    b"[" * 500_000,
    b"9" * 500_000,
)


@pytest.mark.parametrize("settings", [{}, ONLY_HINTS], ids=["signed", "hints"])
async def test_a_malformed_webhook_is_logged_without_its_text_and_not_asked_for_again(tmp_path, caplog, settings):
    async with playing(tmp_path, settings=settings) as story:
        for count, body in enumerate(MALFORMED, start=1):
            assert await post(story, body) == 200, body[:40]
            said = warnings(caplog)
            assert len(said) == count, body[:40]
            assert said[-1].startswith("a webhook of sandbox was not understood: ")
            assert len(said[-1]) < 120
        assert kept(story) == 0


# how they are read and answered


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_a_body_of_a_megabyte_is_read_and_one_byte_more_is_refused_also_without_a_length(tmp_path, caplog):
    async with (
        playing(tmp_path) as story,
        httpx.AsyncClient(base_url=story.url, trust_env=False, timeout=10) as http,
    ):
        largest = event().ljust(1_000_000)
        assert (await http.post(HOOK, content=largest, headers=signed(story, largest))).status_code == 200
        again = await http.post(HOOK, content=_pieces(largest[:9], largest[9:]), headers=signed(story, largest))
        assert again.status_code == 200
        assert again.request.headers["transfer-encoding"] == "chunked"
        assert kept(story) == 1
        too_large = event(sms_id="s2").ljust(1_000_001)
        for content in (too_large, _pieces(too_large[:700_000], too_large[700_000:])):
            assert (await http.post(HOOK, content=content, headers=signed(story, too_large))).status_code == 413
        assert kept(story) == 1
        assert set(warnings(caplog)) == {"a webhook of sandbox was too large"}


@contextlib.asynccontextmanager
async def begun(story: Story, path: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A request whose body does not come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", story.http.port)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n".encode())
    try:
        yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize(("path", "status"), [(HOOK, b" 403 "), ("/hooks/sandbox/wrong-000000000", b" 404 ")])
async def test_nobodys_body_is_waited_for_who_is_not_the_provider(tmp_path, path, status):
    settings = {f"{OPTION}WEBHOOK_FROM": ELSEWHERE}
    async with playing(tmp_path, settings=settings) as story, begun(story, path) as (reader, _):
        assert status in await asyncio.wait_for(reader.readline(), 5)


async def test_a_webhook_cut_off_on_its_way_breaks_nothing(tmp_path, caplog):
    async with playing(tmp_path) as story:
        async with begun(story, HOOK) as (_, writer):
            writer.write(b"{")
            await writer.drain()
            await asyncio.sleep(0.1)
            writer.transport.abort()
        await until(lambda: warnings(caplog))
        assert warnings(caplog) == ["a webhook of sandbox could not be taken: ClientDisconnect"]
        assert await post(story, event()) == 200


async def test_a_webhook_is_answered_only_after_the_commit(tmp_path):
    async with playing(tmp_path) as story:
        async with story.app._db.transaction():  # the SMS waits for the writer
            told = asyncio.create_task(post(story, event()))
            await asyncio.sleep(0.3)
            assert not told.done()
            assert kept(story) == 0
        assert await told == 200
        assert kept(story) == 1


async def test_a_webhook_of_a_number_that_has_ended_long_ago_is_answered_as_taken(tmp_path):
    async with playing(tmp_path, hooks=False) as story:
        ada = await story.comes()
        await ada.buys()
        story.clock.advance(30 * HOUR)
        assert await post(story, event(story.sold()[0]["provider_ref"])) == 200
        await story.settled()
