"""People who buy, press twice, change their minds, walk away, block the bot and come back."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

from bot.demo.telegram.errors import PersonError
from handlers import buttons as b
from tests.chaos.world.chats import CODE_MESSAGE, Chats
from tests.chaos.world.plan import Plan, Tally

PLACES = (
    *("germany", "turkey", "netherlands", "england", "spain", "poland"),  # alpha is the cheapest there
    *("usa", "usa", "france", "india"),  # beta
    "indonesia",  # gamma, which takes five requests a second and no more
)
RENTED = ("DE", "FR", "NL", "ES", "PL", "GB")
Message = dict[str, Any]


class Gone(Exception):
    """Nothing came of it in the time that a person waits."""


class Buyer:
    """One person at their chat. `more` says whether there is still something to be bought."""

    def __init__(self, chats: Chats, user_id: int, plan: Plan, tally: Tally, more: Callable[[], bool]) -> None:
        self._chats = chats
        self.id = user_id
        self._chance = random.Random(f"{plan.seed}:person {user_id}")
        self._tally = tally
        self._more = more
        self._patience_s = plan.lifetime_ms / 1000
        self._seen: dict[int, Message] = {}
        self._changed = asyncio.Event()
        chats.listeners[user_id] = self._note

    def _note(self, message: Message) -> None:
        self._seen[message["message_id"]] = message
        if len(self._seen) > 60:
            del self._seen[min(self._seen)]
        self._changed.set()

    # what a hand can do; a chat where nothing can be done is no fault of the person's

    def say(self, text: str) -> None:
        with contextlib.suppress(PersonError):
            self._chats.say(self.id, text)

    def press(self, message_id: int, data: str) -> None:
        with contextlib.suppress(PersonError):
            self._chats.press(self.id, self.id, message_id, data)

    async def until(self, found: Callable[[Message], Any], after: int, within_s: float) -> Any:
        """What `found` makes of a message newer than `after` (or of an edit of it). Raises Gone."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    self._changed.clear()
                    for message_id in sorted(self._seen):
                        if message_id > after and (result := found(self._seen[message_id])):
                            return result
                    await self._changed.wait()
        except TimeoutError:
            raise Gone from None

    @property
    def newest(self) -> int:
        return self._chats.chats[self.id].last_id

    # what they do

    async def shop(self) -> None:
        while self._more():
            try:
                await self._one()
            except Gone:
                self._tally.deed("walked away")
            await asyncio.sleep(self._chance.uniform(0.0, 0.3))

    async def _one(self) -> None:
        rental = self._chance.random() < 0.07
        message_id, confirm = await (self._offer_of_a_rental() if rental else self._offer())
        if not self._more():
            return
        self._tally.confirmed += 1
        self.press(message_id, confirm)
        if self._chance.random() < 0.2:
            self._tally.deed("double tap")
            self.press(message_id, confirm)
        number_id, kind = await self._number(message_id, confirm)
        if number_id is None:
            self._tally.deed("nothing sold")
        elif kind == "rental":
            await self._use_rental(message_id, number_id)
        else:
            await self._use(message_id, number_id)

    async def _offer(self) -> tuple[int, str]:
        before = self.newest
        self.say(f"whatsapp {self._chance.choice(PLACES)}")
        return await self._confirm_after(before)

    async def _offer_of_a_rental(self) -> tuple[int, str]:
        self._tally.deed("rental")
        before = self.newest
        self.say("/numbers")
        at = await self.until(lambda message: message["message_id"], before, 6)
        offer = b.ShowOffer("rental", "wa", self._chance.choice(RENTED), 4).pack()
        with contextlib.suppress(PersonError):
            self._chats.press_stale(self.id, self.id, at, offer)
        return await self._confirm_after(before)

    async def _confirm_after(self, before: int) -> tuple[int, str]:
        def offered(message: Message) -> tuple[int, str] | None:
            data = next(_data(message, b.Confirm.prefix), None)
            return (message["message_id"], data) if data else None

        found: tuple[int, str] = await self.until(offered, before, 6)
        return found

    async def _number(self, message_id: int, confirm: str) -> tuple[int | None, str]:
        """The number that stands on the card; None where none was sold. Pressed again while nothing happens."""

        def settled(message: Message) -> tuple[int | None, str] | None:
            if message["message_id"] != message_id:
                return None
            for prefix, kind in (
                (b.Release.prefix, "rental"),
                (b.Cancel.prefix, "activation"),
                (b.Finish.prefix, "activation"),
            ):
                if (data := next(_data(message, prefix), None)) is not None:
                    return int(data.split(":")[1]), kind
            return (None, "") if "Nothing was charged." in message.get("text", "") else None

        for _ in range(5):
            with contextlib.suppress(Gone):
                result: tuple[int | None, str] = await self.until(settled, message_id - 1, 3)
                return result
            self.press(message_id, confirm)
        raise Gone

    async def _use(self, card: int, number_id: int) -> None:
        lot = self._chance.random()
        slow = "gamma" in self._seen.get(card, {}).get("text", "")  # its cancels are allowed after two minutes only
        if lot < 0.15 and not slow:
            self._tally.deed("cancel")
            for _ in range(1 + (self._chance.random() < 0.2)):
                self.press(card, b.Cancel(number_id).pack())
        elif lot < 0.22:
            self._tally.deed("left alone")
        elif lot < 0.27:
            await self._block(card)
        else:
            await self._take_codes(card, number_id)

    async def _take_codes(self, card: int, number_id: int) -> None:
        await self._code(card, self._patience_s + 2)
        if self._chance.random() < 0.3:
            self._tally.deed("another code")
            before = self.newest
            self.press(card, b.AnotherCode(number_id).pack())
            with contextlib.suppress(Gone):
                await self._code(before, 3)
        if self._chance.random() < 0.9:
            self._tally.deed("done")
            self.press(card, b.Finish(number_id).pack())

    async def _code(self, after: int, within_s: float) -> None:
        await self.until(lambda message: CODE_MESSAGE.match(message.get("text", "")), after, within_s)

    async def _block(self, card: int) -> None:
        self._tally.deed("blocked and came back")
        self._chats.block(self.id)
        await asyncio.sleep(self._chance.uniform(0.5, 2.5))
        self._chats.unblock(self.id)
        self.say("/start")
        with contextlib.suppress(Gone):
            await self._code(card, self._patience_s)

    async def _use_rental(self, card: int, number_id: int) -> None:
        with contextlib.suppress(Gone):
            await self._code(card, 2)
        if self._chance.random() < 0.5:
            await self._renew(card, number_id)
        await self.release(card, number_id)

    async def _renew(self, card: int, number_id: int) -> None:
        self._tally.deed("renewal")
        before = self.newest
        with contextlib.suppress(PersonError):
            self._chats.press_stale(self.id, self.id, card, b.RenewFor(number_id, 4).pack())

        def promised(message: Message) -> tuple[int, str] | None:
            data = next(_data(message, b.ConfirmRenewal.prefix), None)
            return (message["message_id"], data) if data else None

        with contextlib.suppress(Gone):
            message_id, confirm = await self.until(promised, min(before, card - 1), 4)
            self.press(message_id, confirm)
            self.press(message_id, confirm)

    async def release(self, at: int, number_id: int) -> None:
        with contextlib.suppress(PersonError):
            self._chats.press_stale(self.id, self.id, at, b.Release(number_id, sure=True).pack())
        await asyncio.sleep(0)

    async def tidy_up(self) -> None:
        """Give back whatever rental is still theirs: it stands under /numbers."""
        before = self.newest
        self.say("/numbers")
        with contextlib.suppress(Gone):
            at = await self.until(lambda message: message["message_id"], before, 4)
            for data in list(_data(self._seen.get(at, {}), b.ShowNumber.prefix)):
                await self.release(at, int(data.lstrip("+").split(":")[1]))


def _data(message: Message, prefix: str) -> Iterator[str]:
    for row in message.get("reply_markup", {}).get("inline_keyboard", ()):
        for button in row:
            data = str(button.get("callback_data", ""))
            if data.lstrip("+").startswith(f"{prefix}:"):
                yield data
