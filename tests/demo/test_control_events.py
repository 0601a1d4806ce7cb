"""The event stream: what it tells, and that it always ends."""

import asyncio
import time
from collections.abc import Callable

import pytest

from bot.demo.events import MOST_STREAMS, Streams
from bot.demo.telegram.world import TelegramWorld
from tests.demo.demo_site import Site, demo_site


async def eventually(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within two seconds")


async def until_open(site: Site, count: int) -> None:
    await eventually(lambda: site.streams.open == count)


async def test_the_events_of_both_worlds_come_in_one_stream():
    async with demo_site() as site, site.events() as events:
        anna = site.telegram.add_user("Anna")
        assert (await events.event("user"))["user"]["id"] == anna
        site.telegram.say(anna, "line one\nline two")
        assert (await events.event("message"))["message"]["text"] == "line one\nline two"
        site.sandbox.mode = "slow"
        assert await events.event("provider") == {"type": "provider", "mode": "slow"}


async def test_a_reader_that_leaves_takes_its_stream_and_its_tasks_along():
    async with demo_site() as site:
        async with site.events():
            await until_open(site, 1)
            during = len(asyncio.all_tasks())
        await until_open(site, 0)
        await eventually(lambda: len(asyncio.all_tasks()) <= during - 4)
        assert site.telegram.events._queues == set()


async def test_the_server_stops_at_once_although_a_stream_is_open():
    async with demo_site() as site:
        reader = site.events()
        events = await reader.__aenter__()
        started = time.monotonic()
        site.streams.close()
        with pytest.raises(EOFError):
            await events.event("user")
        await reader.__aexit__(None, None, None)
    assert time.monotonic() - started < 1.5


async def test_no_stream_is_opened_once_the_streams_are_closed():
    async with demo_site() as site:
        site.streams.close()
        answer = await site.http.get("/demo/events")
        assert answer.status_code == 503
        assert "error" in answer.json()


async def test_a_silent_stream_is_kept_alive():
    sent: list[bytes] = []
    streams = Streams(TelegramWorld("1:sandbox"), keep_alive_s=0.02)

    async def send(message):
        sent.append(message.get("body", b""))
        if len(sent) == 4:
            streams.close()

    async with asyncio.timeout(2):
        await streams({"type": "http"}, asyncio.Event().wait, send)
    assert sent[:4] == [b"", b"retry: 1000\n\n", b": keep-alive\n\n", b": keep-alive\n\n"]


async def test_the_streams_are_bounded_in_number():
    async with demo_site() as site:
        streams = [site.events() for _ in range(MOST_STREAMS)]
        for stream in streams:
            await stream.__aenter__()
        answer = await site.http.get("/demo/events")
        assert answer.status_code == 503
        for stream in streams:
            await stream.__aexit__(None, None, None)
        await until_open(site, 0)
