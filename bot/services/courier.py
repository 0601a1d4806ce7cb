"""Delivery of events to webhooks: at least once, several addresses at once, the events of one number in their order.

| what the address did             | what happens                                                                   |
|----------------------------------|--------------------------------------------------------------------------------|
| answered 2xx                     | marked after it; after an outage, all that waits there goes at once            |
| answered 410                     | it is switched off, and its owner told                                         |
| anything else, or nothing in 10 s | again, for a day; what comes after it of the same number waits behind it       |
| took nothing for a day           | it is switched off, and its owner told                                         |

An address that fails is tried with one event at a time, so that however many are slow, they keep nobody else waiting.
Between an answer and its mark the process may die: the event then goes out again, under the same id.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from bot.domain.people import Role
from bot.domain.time import SECOND
from bot.domain.webhooks import OUTAGE, PATIENCE, TEST, Delivery, Off, Webhook, next_attempt
from bot.egress import Egress, NotTaken
from bot.providers.signature import SIGNATURE, sign
from bot.services.clock import Clock
from bot.services.feed import Feed, event_id
from bot.services.rhythm import Sweep, Wake
from bot.services.webhooks import switch_off
from storage import deliveries, events, users, webhooks
from storage.db import Database, StorageDown, Tx

log = logging.getLogger(__name__)

IN_FLIGHT = 200
EACH = 4
"""In flight to one address, while it takes what it is sent."""

Outcome: TypeAlias = Callable[[Tx], Awaitable[None]]
"""Writes down what became of an attempt."""


class Courier:
    def __init__(self, db: Database, clock: Clock, feed: Feed, egress: Egress, wake: Wake) -> None:
        self._db = db
        self._clock = clock
        self._feed = feed
        self._egress = egress
        self._wake = wake
        self._running: dict[int, Delivery] = {}
        self._tasks: set[asyncio.Task[bool]] = set()
        self._ended: set[int] = set()
        self._unwritten: dict[int, Outcome] = {}

    async def sweep(self) -> bool:
        """Start sending what is due, as far as there is room; each one that ends asks for the next sweep."""
        self._ended.clear()
        due = await deliveries.webhooks_due(self._db.read, self._clock())
        busy = self._busy()
        for webhook_id in sorted(due, key=lambda one: busy[one]):
            await self._start_for(webhook_id, 1 if due[webhook_id] else EACH)
        return False

    def _busy(self) -> Counter[int]:
        """How many are in flight to each address."""
        return Counter(one.webhook_id for one in self._running.values())

    async def _start_for(self, webhook_id: int, at_once: int) -> None:
        for delivery in await deliveries.due(self._db.read, webhook_id, self._clock(), 2 * EACH):
            # What ended while the list was read may still stand in it as pending.
            known = delivery.id in self._running or delivery.id in self._ended
            has_room = self._busy()[webhook_id] < at_once and len(self._running) < IN_FLIGHT
            if has_room and not known and not self._is_line_busy(delivery):
                self._start(delivery)

    def _is_line_busy(self, delivery: Delivery) -> bool:
        line = (delivery.webhook_id, delivery.number_id)
        return delivery.number_id is not None and any(
            (one.webhook_id, one.number_id) == line for one in self._running.values()
        )

    def _start(self, delivery: Delivery) -> None:
        def ended(task: asyncio.Task[bool]) -> None:
            del self._running[delivery.id]
            self._tasks.discard(task)
            self._ended.add(delivery.id)
            if not task.cancelled() and not task.exception() and task.result():
                self._wake(Sweep.WEBHOOKS)

        task = asyncio.create_task(self._deliver(delivery), name=f"webhook:{delivery.id}")
        self._running[delivery.id] = delivery
        self._tasks.add(task)
        task.add_done_callback(ended)

    @property
    def in_flight(self) -> frozenset[asyncio.Task[bool]]:
        return frozenset(self._tasks)

    async def drain(self, timeout_s: float) -> None:
        """Let what is in flight end, so that a stop makes few second copies; after `timeout_s` cancel the rest."""
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=timeout_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)

    async def _deliver(self, delivery: Delivery) -> bool:
        """False where its outcome could not be written down: the next sweep tries that again, and sends nothing."""
        try:
            if delivery.id not in self._unwritten:
                self._unwritten[delivery.id] = await self._attempt(delivery)
            async with self._db.transaction() as tx:
                await self._unwritten[delivery.id](tx)
        except StorageDown as down:  # which storage has said once already
            log.debug("delivery %d: its outcome could not be written down: %s", delivery.id, down.fault)
            return False
        except Exception:
            log.exception("delivery %d: its outcome could not be written down", delivery.id)
            return False
        del self._unwritten[delivery.id]
        return True

    async def _attempt(self, delivery: Delivery) -> Outcome:
        webhook = await webhooks.get(self._db.read, delivery.webhook_id)
        owner = await users.get(self._db.read, webhook.user_id) if webhook else None
        if webhook is None or owner is None:
            return _nothing
        if owner.role is Role.GUEST or (webhook.off is not None and delivery.type != TEST):
            return partial(self._refuse, webhook)
        try:
            status = await self._send(webhook, delivery)
        except NotTaken as why:
            return partial(self._failed, webhook, delivery, None, why.reason)
        except StorageDown:
            raise
        except Exception:  # one bad event must not stop the others
            log.exception("event %d could not be written for webhook %d", delivery.event_id, webhook.id)
            return partial(self._failed, webhook, delivery, None, "internal")
        if 200 <= status < 300:
            return partial(self._taken, delivery, status)
        if status == 410:
            return partial(self._gone, webhook, delivery)
        return partial(self._failed, webhook, delivery, status, "redirected" if 300 <= status < 400 else "refused")

    async def _send(self, webhook: Webhook, delivery: Delivery) -> int:
        event = await events.get(self._db.read, delivery.event_id)
        if event is None:
            raise NotTaken("internal")
        body, now = await self._feed.body(event), self._clock()
        signed = [sign(secret, event_id(event.id), now // SECOND, body) for secret in webhook.secrets(now)]
        headers = signed[0] | {SIGNATURE: " ".join(one[SIGNATURE] for one in signed)}
        return await self._egress.post(webhook.url, headers | {"content-type": "application/json"}, body)

    async def _taken(self, delivery: Delivery, status: int, tx: Tx) -> None:
        now = self._clock()
        await deliveries.mark(tx, delivery, status, now)
        webhook = await webhooks.get(tx, delivery.webhook_id)
        if webhook is not None and webhook.failing_since is not None:
            await webhooks.note_success(tx, webhook.id)
            if now - webhook.failing_since >= OUTAGE:
                await deliveries.hurry(tx, webhook.id, now)

    async def _failed(self, webhook: Webhook, delivery: Delivery, status: int | None, why: str, tx: Tx) -> None:
        now = self._clock()
        log.info("webhook %d did not take event %d: %s", webhook.id, delivery.event_id, status or why)
        noted = await deliveries.note_attempt(tx, delivery, status, why, now)
        if noted is None:
            return
        if noted.type == TEST:
            await deliveries.give_up(tx, noted, now)
            return
        at = next_attempt(noted.attempts, noted.first_attempt_at or now, now)
        if at is None:
            await deliveries.give_up(tx, noted, now)
        else:
            await deliveries.defer(tx, noted, at)
        if now - await webhooks.note_failure(tx, webhook.id, now) >= PATIENCE:
            log.warning("webhook %d has taken nothing for a day and is switched off", webhook.id)
            await switch_off(tx, webhook, Off.FAILING, now)

    async def _gone(self, webhook: Webhook, delivery: Delivery, tx: Tx) -> None:
        now = self._clock()
        noted = await deliveries.note_attempt(tx, delivery, 410, "refused", now)
        if noted is not None:
            await deliveries.give_up(tx, noted, now)
        await switch_off(tx, webhook, Off.GONE, now)

    async def _refuse(self, webhook: Webhook, tx: Tx) -> None:
        """It was switched off, or its owner lost access, while something was owed."""
        await deliveries.give_up_all(tx, webhook.id, "switched_off", self._clock())


async def _nothing(_tx: Tx) -> None:
    """Its address was removed, and its deliveries with it."""
