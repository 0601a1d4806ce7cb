"""What the outbox owes, written in its person's language and sent."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from telegram import Bot

from bot.services.clock import Clock
from bot.services.delivery import Letter, MaybeSent, NotSent, Sender, Undeliverable
from bot.texts import Texts
from handlers import sending
from handlers.notices import notice
from handlers.pace import ANSWER, CODE, EDIT, Claim, Pace, Turn
from handlers.screens import Screen
from handlers.views_number import NumberViews
from handlers.views_supply import SupplyViews
from storage.outbox import Owed

PRIORITIES = {"sms": CODE, "notice": ANSWER, "card": EDIT}
MOST_WAITS = 5
LONGEST_WAIT_S = 30.0
"""How often, and how long at a time, the rest of a long SMS waits for Telegram."""


class TelegramMessenger:
    """`surely_not_sent` tells a transport error after which nothing can have reached Telegram."""

    def __init__(
        self,
        bot: Bot,
        pace: Pace,
        texts: Texts,
        views: NumberViews,
        supply: SupplyViews,
        clock: Clock,
        surely_not_sent: Callable[[BaseException], bool],
    ) -> None:
        self._bot = bot
        self._pace = pace
        self._texts = texts
        self._views = views
        self._supply = supply
        self._clock = clock
        self._surely_not_sent = surely_not_sent

    @asynccontextmanager
    async def turn(self, owed: Owed) -> AsyncIterator[Sender]:
        async with self._pace.turn(owed.chat_id, PRIORITIES[owed.kind]) as turn:
            yield partial(self._write, turn)

    async def _write(self, turn: Turn, letter: Letter) -> int | None:
        if letter.owed.kind == "card":
            return await self._card(letter, turn)
        if letter.owed.kind == "sms":
            return await self._sms(letter, turn)
        screen = notice(self._texts.of(letter.user.language), self._views, self._supply, letter)
        return await self._send(letter, screen, turn)

    async def _card(self, letter: Letter, turn: Turn) -> int:
        """Edited where it stands; new where it was never sent, or has been deleted."""
        view = letter.view
        if view is None:
            raise Undeliverable("a card without a number")
        t = self._texts.of(letter.user.language)
        screen = self._views.card(t, letter.user, view, self._clock())
        message_id = view.number.card_message_id
        if message_id is not None:
            try:
                return await sending.edit(
                    self._bot,
                    letter.owed.chat_id,
                    message_id,
                    screen,
                    surely_not_sent=self._surely_not_sent,
                    claim=turn,
                )
            except sending.EditGone:
                pass
        return await self._send(letter, screen, turn)

    async def _sms(self, letter: Letter, turn: Turn) -> int | None:
        """The message that carries the code comes first and notifies; the rest of a long text follows it."""
        if letter.view is None or letter.sms is None:
            raise Undeliverable("an SMS without a number")
        t = self._texts.of(letter.user.language)
        screens = self._views.sms(t, letter.user, letter.view, letter.sms)
        first: int | None = None
        for screen in screens:
            if first is None:
                first = await self._send(letter, screen, turn)
            else:
                await self._send_rest(letter, screen)
        return first

    async def _send_rest(self, letter: Letter, screen: Screen) -> None:
        """A part after the first: put off, it waits here, for to send the letter again would repeat the first."""
        for _ in range(MOST_WAITS):
            try:
                await self._send(letter, screen, CODE)
            except NotSent as error:
                await asyncio.sleep(min(error.retry_after_s or 1.0, LONGEST_WAIT_S))
            else:
                return
        raise MaybeSent("only its beginning was sent")

    async def _send(self, letter: Letter, screen: Screen, claim: Claim) -> int:
        number = letter.view.number if letter.view and letter.owed.kind != "card" else None
        in_its_chat = number is not None and number.card_chat_id == letter.owed.chat_id
        reply_to = number.card_message_id if number is not None and in_its_chat else None
        return await sending.send(
            self._bot,
            letter.owed.chat_id,
            screen,
            reply_to=reply_to,
            surely_not_sent=self._surely_not_sent,
            claim=claim,
        )
