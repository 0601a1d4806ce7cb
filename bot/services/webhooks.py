"""Addresses that are told of a person's events: what their owner can do with them."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import urlsplit

from bot.domain.errors import LimitReached, NotFound, WebhookOff
from bot.domain.people import User
from bot.domain.time import MINUTE, Ms
from bot.domain.webhooks import MOST_WEBHOOKS, SECRETS_OVERLAP, TEST, Delivery, Off, Progress, Topic, Webhook
from bot.egress import TIMEOUT_S, Egress
from bot.services.access import require_member
from bot.services.clock import Clock
from bot.services.rhythm import Sweep, Wake
from storage import deliveries, events, outbox, webhooks
from storage.db import Database, Tx
from storage.deliveries import Counts

TESTS_A_MINUTE = 10
"""Of one person: a test goes to whatever address they have named."""
NEWEST = 2**62


class Webhooks:
    """Every verb raises NotFound for what is not there or not theirs."""

    def __init__(self, db: Database, clock: Clock, egress: Egress, wake: Wake) -> None:
        self._db = db
        self._clock = clock
        self._egress = egress
        self._wake = wake

    async def of(self, user: User) -> list[Webhook]:
        require_member(user)
        return await webhooks.of_user(self._db.read, user.id)

    async def view(self, user: User, webhook_id: int) -> Webhook:
        require_member(user)
        found = await webhooks.owned(self._db.read, webhook_id, user.id)
        if found is None:
            raise NotFound
        return found

    async def register(self, user: User, url: str, topics: Iterable[Topic] = tuple(Topic)) -> Webhook:
        """A new one, with the secret that is to be shown this once. Raises AddressRefused, LimitReached."""
        require_member(user)
        await self._egress.check(url)
        async with self._db.transaction() as tx:
            made = await webhooks.add(tx, user.id, url, _new_secret(), topics, self._clock())
            if made is None:
                raise LimitReached("webhooks", MOST_WEBHOOKS)
        return await self.view(user, made)

    async def change(
        self, user: User, webhook_id: int, *, url: str | None = None, topics: Iterable[Topic] | None = None
    ) -> Webhook:
        """Another address or other events; what is owed already goes to the new address. Raises AddressRefused."""
        await self.view(user, webhook_id)
        if url is not None:
            await self._egress.check(url)
        async with self._db.transaction() as tx:
            if url is not None:
                await webhooks.set_url(tx, webhook_id, url)
            if topics is not None:
                await webhooks.set_topics(tx, webhook_id, topics)
        return await self.view(user, webhook_id)

    async def new_secret(self, user: User, webhook_id: int) -> Webhook:
        """The old one signs too for a day. The new one is to be shown this once."""
        await self.view(user, webhook_id)
        async with self._db.transaction() as tx:
            await webhooks.set_secret(tx, webhook_id, _new_secret(), self._clock() + SECRETS_OVERLAP)
        return await self.view(user, webhook_id)

    async def switch(self, user: User, webhook_id: int, *, on: bool) -> Webhook:
        """Events that happen while it is off are not kept for it."""
        webhook = await self.view(user, webhook_id)
        async with self._db.transaction() as tx:
            if on:
                await webhooks.switch(tx, webhook_id, None)
            else:
                await switch_off(tx, webhook, Off.OWNER, self._clock())
        return await self.view(user, webhook_id)

    async def remove(self, user: User, webhook_id: int) -> None:
        await self.view(user, webhook_id)
        async with self._db.transaction() as tx:
            await webhooks.remove(tx, webhook_id)

    async def test(self, user: User, webhook_id: int) -> Delivery:
        """Send a test event, also while it is off; see `outcome`. Raises LimitReached."""
        await self.view(user, webhook_id)
        now = self._clock()
        async with self._db.transaction() as tx:
            if await events.tests_since(tx, user.id, now - MINUTE) >= TESTS_A_MINUTE:
                raise LimitReached("webhook_tests", TESTS_A_MINUTE)
            event = await events.add_test(tx, f"{TEST}:{secrets.token_hex(8)}", user.id, now)
            made = await deliveries.add(tx, webhook_id, event, now)
        self._wake(Sweep.WEBHOOKS)
        return await self.delivery(user, made)

    async def outcome(self, user: User, delivery_id: int, within_s: float = TIMEOUT_S + 1) -> Delivery:
        """The delivery once its next attempt has been made, or as it stands after so long."""
        found = before = await self.delivery(user, delivery_id)
        deadline = asyncio.get_running_loop().time() + within_s
        while found.progress is Progress.PENDING and found.attempts == before.attempts:
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.05)
            found = await self.delivery(user, delivery_id)
        return found

    async def delivery(self, user: User, delivery_id: int) -> Delivery:
        require_member(user)
        found = await deliveries.owned(self._db.read, delivery_id, user.id)
        if found is None:
            raise NotFound
        return found

    async def deliveries(
        self, user: User, webhook_id: int, limit: int, before_event: int = NEWEST, progress: Progress | None = None
    ) -> list[Delivery]:
        """Newest first, of events older than `before_event`."""
        await self.view(user, webhook_id)
        return await deliveries.of_webhook(self._db.read, webhook_id, limit, before_event, progress)

    async def backlog(self, webhook: Webhook) -> Counts:
        """How much of the last week waits to be sent there, and how much was given up."""
        return await deliveries.counts(self._db.read, webhook.id)

    async def resend(self, user: User, delivery_id: int) -> Delivery:
        """Once more, under the same id. Raises WebhookOff."""
        found = await self.delivery(user, delivery_id)
        webhook = await self.view(user, found.webhook_id)
        if webhook.off is not None and found.type != TEST:
            raise WebhookOff
        async with self._db.transaction() as tx:
            await deliveries.again(tx, delivery_id, self._clock())
        self._wake(Sweep.WEBHOOKS)
        return await self.delivery(user, delivery_id)

    async def resend_failed(self, user: User, webhook_id: int) -> int:
        """All that was given up, once more; how many. Raises WebhookOff."""
        webhook = await self.view(user, webhook_id)
        if webhook.off is not None:
            raise WebhookOff
        async with self._db.transaction() as tx:
            count = await deliveries.all_failed_again(tx, webhook_id, self._clock())
        self._wake(Sweep.WEBHOOKS)
        return count


async def switch_off(tx: Tx, webhook: Webhook, off: Off, now: Ms) -> None:
    """Give up what it is owed, and tell its owner where it was not their wish. Nothing happens to one that is off."""
    if not await webhooks.switch(tx, webhook.id, off):
        return
    await deliveries.give_up_all(tx, webhook.id, "switched_off", now)
    if off is not Off.OWNER:
        notice = f"webhook_{off}:{webhook.id}:{host_of(webhook.url)}"
        await outbox.add_notice(tx, f"webhook:{webhook.id}:{now}", webhook.user_id, notice, now)


def host_of(url: str) -> str:
    """Where a URL leads, without its path and query, which may hold a secret."""
    return urlsplit(url).netloc


def _new_secret() -> str:
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()
