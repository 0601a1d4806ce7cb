"""Who leaves when, through python-telegram-bot's own bot: codes first, each chat at its pace, and no wait is lost."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from telegram.error import RetryAfter
from telegram.ext import ExtBot
from telegram.request import BaseRequest, RequestData

from handlers.pace import ANSWER, CODE, EDIT, Claim, Pace


class Wire(BaseRequest):
    """Telegram, which answers at once: `texts` in the order in which they came, and when."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.at: list[float] = []
        self.refuse: dict[str, int] = {}
        """By text: the seconds after which it may come again."""

    read_timeout = 5.0

    async def initialize(self) -> None:
        """Nothing to set up."""

    async def shutdown(self) -> None:
        """Nothing to tear down."""

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, **_timeouts: Any
    ) -> tuple[int, bytes]:
        name = url.rpartition("/")[2]
        sent = request_data.parameters if request_data else {}
        if name == "getMe":
            return 200, _answer({"id": 42, "is_bot": True, "first_name": "Bot", "username": "bot"})
        if (seconds := self.refuse.pop(sent["text"], None)) is not None:
            refusal = {"ok": False, "error_code": 429, "description": "", "parameters": {"retry_after": seconds}}
            return 429, json.dumps(refusal).encode()
        self.texts.append(sent["text"])
        self.at.append(time.monotonic())
        chat = {"id": sent["chat_id"], "type": "private"}
        return 200, _answer({"message_id": len(self.texts), "date": 0, "chat": chat, "text": sent["text"]})


def _answer(result: dict[str, Any]) -> bytes:
    return json.dumps({"ok": True, "result": result}).encode()


class Line:
    def __init__(self, rate: float) -> None:
        self.wire, self.pace = Wire(), Pace(rate)
        self.bot: ExtBot[Claim] = ExtBot("42:token", request=self.wire, rate_limiter=self.pace)

    def send(self, chat: int, text: str, claim: Claim) -> asyncio.Task[Any]:
        return asyncio.create_task(self.bot.send_message(chat, text, rate_limit_args=claim))

    async def fill(self, many: int) -> None:
        """So much has just been sent, each to somebody else."""
        await asyncio.gather(*(self.send(1_000 + place, "before", ANSWER) for place in range(many)))
        self.wire.texts.clear()
        self.wire.at.clear()


@asynccontextmanager
async def a_line(rate: float) -> AsyncIterator[Line]:
    line = Line(rate)
    await line.bot.initialize()
    try:
        yield line
    finally:
        await line.bot.shutdown()


async def test_codes_leave_before_answers_and_answers_before_edits_of_cards():
    async with a_line(20) as line:
        await line.fill(20)
        waiting = [
            line.send(chat, f"{name} {chat}", claim)
            for name, claim in (("edit", EDIT), ("answer", ANSWER), ("code", CODE))
            for chat in (1, 2, 3)
        ]
        await asyncio.gather(*waiting)
    names = [text.partition(" ")[0] for text in line.wire.texts]
    assert names == ["code"] * 3 + ["answer"] * 3 + ["edit"] * 3
    assert line.wire.texts[:3] == ["code 1", "code 2", "code 3"], "those that are alike keep their order"


async def test_a_crowd_leaves_at_even_steps_so_that_a_code_finds_a_place_soon():
    async with a_line(20) as line:
        crowd = [line.send(chat, "edit", EDIT) for chat in range(1, 61)]
        await asyncio.sleep(1.2)
        began = time.monotonic()
        await line.send(99, "code", CODE)
        assert time.monotonic() - began < 0.5
        assert line.wire.texts.count("edit") < 60
        await _call_off(crowd)


async def _call_off(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_chat_that_has_had_its_share_holds_up_no_other():
    async with a_line(30) as line:
        hot = [line.send(7, "hot", CODE) for _ in range(20)]
        cold = [line.send(chat, "cold", EDIT) for chat in (8, 9)]
        await asyncio.gather(*cold)
        assert 8 <= line.wire.texts.count("hot") < 20
        await _call_off(hot)


async def test_a_refusal_pauses_its_chat_alone():
    async with a_line(30) as line:
        line.wire.refuse["refused"] = 1
        with pytest.raises(RetryAfter):
            await line.send(7, "refused", CODE)
        began = time.monotonic()
        later = line.send(7, "later", CODE)
        await line.send(8, "elsewhere", EDIT)
        assert line.wire.texts == ["elsewhere"]
        await later
        assert line.wire.at[-1] - began > 0.9


async def test_a_turn_is_for_one_message_and_a_second_one_waits_for_its_own():
    async with a_line(2) as line, line.pace.turn(7, CODE) as turn:
        await line.send(7, "first", turn)
        await line.send(8, "another", CODE)
        await line.send(7, "second", turn)
    assert line.wire.texts == ["first", "another", "second"]
    assert line.wire.at[2] - line.wire.at[0] > 0.9


async def test_a_turn_that_is_not_used_and_a_wait_that_is_called_off_leave_their_place_to_others():
    async with a_line(1) as line:
        async with line.pace.turn(7, EDIT):
            called_off = line.send(8, "called off", EDIT)
            code = line.send(9, "code", CODE)
            await asyncio.sleep(0.05)
            called_off.cancel()
            await asyncio.gather(called_off, return_exceptions=True)
            assert line.wire.texts == []
        async with asyncio.timeout(0.5):
            await code
        assert line.wire.texts == ["code"]


async def test_a_wait_that_is_called_off_at_the_moment_of_its_turn_gives_it_back():
    async with a_line(1) as line:
        async with line.pace.turn(7, EDIT):
            unlucky = asyncio.create_task(line.pace._turn(8, CODE))
            await asyncio.sleep(0.01)
        unlucky.cancel()  # its turn has been given, and it has not run since
        await asyncio.gather(unlucky, return_exceptions=True)
        assert unlucky.cancelled()
        async with asyncio.timeout(0.5):
            await line.send(9, "next", EDIT)
