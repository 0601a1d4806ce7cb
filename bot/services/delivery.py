"""Delivery from the outbox: at least once, codes first, each chat on its own.

A message is written only when it is its turn, so that it tells what is true then. Until that moment nothing has
happened: one that waits makes way for a code of its chat, or for any code where there is no room for both.

| what Telegram said                | what happens                                                            |
|-----------------------------------|-------------------------------------------------------------------------|
| done                              | marked after success                                                    |
| surely not sent (429, no contact) | that chat is paused; again, freely                                      |
| nothing (timeout, reset, 5xx)     | the card is edited (idempotent); at most two more copies, with one id   |
| blocked                           | that chat is parked until its person returns                            |
| moved                             | what is owed follows                                                    |
| refused for good                  | kept as refused, and logged                                             |

What became of a message is written down before its chat gets another one. Where that fails (a full disk), it is kept
in memory and written as soon as it can be: an unmarked message is never sent again by the process that sent it.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias

from bot.domain.people import User
from bot.domain.sms import Sms
from bot.services.clock import Clock
from bot.services.errands import Errand, Errands
from bot.services.numbers import Numbers, View
from bot.services.returns import Returns
from bot.services.rhythm import Sweep, Timing, Wake
from storage import numbers, outbox, provider_states, users
from storage import sms as sms_store
from storage.db import Database, StorageDown, Tx
from storage.outbox import Owed
from storage.provider_states import ProviderState

log = logging.getLogger(__name__)

MOST_COPIES = 3
IN_FLIGHT = 32
"""Messages in hand: under way, or waiting for their turn. More than a second's worth of Telegram's rate."""


@dataclass(frozen=True, slots=True)
class Letter:
    """All that a message is written from: the number now, the SMS for kind 'sms', the provider if it is about one."""

    owed: Owed
    user: User
    view: View | None
    sms: Sms | None
    supplier: ProviderState | None = None


Outcome: TypeAlias = Callable[[Tx], Awaitable[None]]
"""Writes down what became of a message."""


class NotSent(Exception):
    """Surely not delivered; worth another attempt after `retry_after_s`, or when our back-off says."""

    def __init__(self, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class MaybeSent(Exception):
    """No answer: it may have been delivered."""


class Blocked(Exception):
    """The person blocked the bot, or their account is gone."""


class Moved(Exception):
    def __init__(self, chat_id: int) -> None:
        super().__init__("moved")
        self.chat_id = chat_id


class Undeliverable(Exception):
    """Refused for good."""


Sender: TypeAlias = Callable[[Letter], Awaitable[int | None]]
"""Sends or edits; the message's id. Raises the exceptions of this module and no other."""


class Messenger(Protocol):
    def turn(self, owed: Owed) -> AbstractAsyncContextManager[Sender]:
        """Entered when Telegram's limits allow this message. To wait for it changes nothing, and can be cancelled."""
        ...


class Delivery:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        timing: Timing,
        bought: Numbers,
        messenger: Messenger,
        returns: Returns,
        wake: Wake,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        self._db = db
        self._clock = clock
        self._timing = timing
        self._bought = bought
        self._messenger = messenger
        self._returns = returns
        self._in_flight = in_flight
        self._errands = Errands(in_flight, self._deliver, partial(wake, Sweep.DELIVER))
        self._unwritten: dict[int, Outcome] = {}

    async def sweep(self) -> bool:
        """Take in hand what is due, as far as there is room; each message that ends asks for the next sweep."""
        if not self._errands.has_enough:
            self._errands.before_reading()
            for owed in await outbox.due(self._db.read, self._clock(), self._in_flight):
                self._errands.take(owed, has_turn=owed.id in self._unwritten)
        return False

    async def stop(self, timeout_s: float) -> None:
        """Put back what waits, and let what is under way end, so that a stop makes no second copies."""
        await self._errands.stop(timeout_s)

    async def drain(self, timeout_s: float) -> None:
        """Let what is in hand end."""
        await self._errands.drain(timeout_s)

    async def _deliver(self, errand: Errand) -> bool:
        """False where its outcome could not be written down: the next sweep tries that again, in its own time."""
        owed = errand.owed
        try:
            if owed.id not in self._unwritten:
                async with self._messenger.turn(owed) as send:
                    errand.has_turn = True
                    now = await outbox.still_owed(self._db.read, owed)  # a card may have been asked for again
                    if now is None:
                        return True
                    self._unwritten[owed.id] = await self._attempt(now, send)
            async with self._db.transaction() as tx:
                await self._unwritten[owed.id](tx)
        except StorageDown:  # which storage has said once already
            return False
        except Exception:
            log.exception("message %s: its outcome could not be written down", owed.key)
            return False
        del self._unwritten[owed.id]
        return True

    async def _attempt(self, owed: Owed, send: Sender) -> Outcome:
        if owed.kind != "card" and owed.copies:
            if owed.copies >= MOST_COPIES:
                return partial(self._give_up, owed, "unconfirmed", "no answer to any copy")
            async with self._db.transaction() as tx:
                await outbox.count_copy(tx, owed)
        try:
            letter = await self._letter(owed)
            if letter is None:
                return partial(self._give_up, owed, "refused", "its subject is gone")
            return await self._send(letter, send)
        except StorageDown:
            raise  # nothing was sent
        except Exception:  # one bad message must not stop the others
            log.exception("message %s could not be written", owed.key)
            return partial(self._defer, owed, "internal error", owed.copies)

    async def _send(self, letter: Letter, send: Sender) -> Outcome:
        owed, begun = letter.owed, self._returns.now()
        try:
            message_id = await send(letter)
        except NotSent as error:
            return partial(self._again, owed, error)
        except MaybeSent as error:
            return partial(self._unsure, owed, str(error))
        except Blocked:
            return partial(self._park, owed, begun)
        except Moved as error:
            return partial(self._move, owed, error.chat_id)
        except Undeliverable as error:
            log.error("message %s was refused: %s", owed.key, error)
            return partial(self._give_up, owed, "refused", str(error))
        return partial(self._mark, letter, message_id)

    async def _letter(self, owed: Owed) -> Letter | None:
        user = await users.of_chat(self._db.read, owed.chat_id)
        number = await numbers.get(self._db.read, owed.number_id) if owed.number_id else None
        sms = await sms_store.get(self._db.read, owed.sms_id) if owed.sms_id else None
        if user is None or (owed.kind != "notice" and number is None) or (owed.kind == "sms" and sms is None):
            return None
        view = await self._bought.seen(number) if number else None
        supplier = await provider_states.get(self._db.read, owed.about) if owed.about and number is None else None
        return Letter(owed, user, view, sms, supplier)

    async def _mark(self, letter: Letter, message_id: int | None, tx: Tx) -> None:
        owed, number = letter.owed, letter.view.number if letter.view else None
        await outbox.mark_sent(tx, owed, message_id, self._clock())
        if owed.kind == "card" and number is not None and message_id != number.card_message_id and message_id:
            await numbers.set_card(tx, number.id, owed.chat_id, message_id)

    async def _again(self, owed: Owed, error: NotSent, tx: Tx) -> None:
        """The whole chat waits: whatever comes next in it would meet the same refusal, or overtake this one."""
        now = self._clock()
        wait = self._timing.before_resend(owed.attempts)
        if error.retry_after_s is not None:
            wait = int(error.retry_after_s * 1000)
        await outbox.defer(tx, owed, now, str(error), owed.copies)
        await users.pause_chat(tx, owed.chat_id, now + wait)

    async def _unsure(self, owed: Owed, why: str, tx: Tx) -> None:
        copies = owed.copies + 1
        if copies >= MOST_COPIES and owed.kind != "card":
            await self._give_up(owed, "unconfirmed", why, tx)
        else:
            await self._defer(owed, why, copies, tx)
            await self._show_on_card(owed, tx)

    async def _show_on_card(self, owed: Owed, tx: Tx) -> None:
        if owed.kind == "sms" and owed.number_id is not None:
            await outbox.want_card(tx, owed.chat_id, owed.number_id, self._clock())

    async def _park(self, owed: Owed, begun: int, tx: Tx) -> None:
        if self._returns.heard_since(owed.chat_id, begun):
            await self._defer(owed, "blocked, and back meanwhile", owed.copies, tx)
            return
        await users.park_chat(tx, owed.chat_id, self._clock())
        await outbox.park(tx, owed)

    async def _move(self, owed: Owed, chat_id: int, tx: Tx) -> None:
        await outbox.move_chat(tx, owed.chat_id, chat_id)

    async def _give_up(self, owed: Owed, state: str, why: str, tx: Tx) -> None:
        await outbox.close(tx, owed, state, why, self._clock())
        await self._show_on_card(owed, tx)

    async def _defer(self, owed: Owed, why: str, copies: int, tx: Tx) -> None:
        at = self._clock() + self._timing.before_resend(owed.attempts)
        await outbox.defer(tx, owed, at, why, copies)
