"""The one entrance for SMS, whichever way they come: by webhook or by poll."""

import hmac
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.errors import ProviderError
from bot.domain.sms import IncomingSms
from bot.providers.base import BadWebhook, Provider, RemoteNumber, WebhookEvent, WebhookRequest
from bot.providers.registry import Registry
from bot.services import settle
from bot.services.clock import Clock
from bot.services.rhythm import Sweep, Wake
from storage.db import Database

log = logging.getLogger(__name__)


class NoSuchHook(Exception):
    """No provider listens at this address; the path's secret is wrong, or none is set."""


@dataclass(frozen=True, slots=True)
class Received:
    """`fresh` SMS of `told` were new."""

    told: int
    fresh: int


class Inbox:
    """`secrets` maps a provider's name to the secret in its webhook's path."""

    def __init__(self, db: Database, clock: Clock, registry: Registry, wake: Wake, secrets: Mapping[str, str]) -> None:
        self._db = db
        self._clock = clock
        self._registry = registry
        self._wake = wake
        self._secrets = secrets

    async def receive(self, provider: str, sms: Sequence[IncomingSms], *, charged: bool | None = None) -> Received:
        """Keep these SMS and owe them to their people; returns after the commit.

        `charged`: what the provider said of the number's money, if anything; its word is worth more than our clock's.
        """
        fresh = 0
        if sms:
            async with self._db.transaction() as tx:
                for one in sms:
                    fresh += await settle.received(tx, provider, one, charged=charged, now=self._clock())
        if fresh:
            self._wake(Sweep.DELIVER)
        return Received(len(sms), fresh)

    async def webhook(self, name: str, secret: str, request: WebhookRequest) -> Received:
        """A provider's call. Raises NoSuchHook, BadWebhook, or ProviderError when a hint could not be checked."""
        provider = self._registry.get(name)
        expected, given = self._secrets.get(name, "").encode(), secret.encode("utf-8", "replace")
        if provider is None or not expected or not hmac.compare_digest(expected, given):
            raise NoSuchHook
        told = fresh = 0
        for event in provider.parse_webhook(request):
            received = await self._believe(provider, event)
            told, fresh = told + received.told, fresh + received.fresh
        return Received(told, fresh)

    async def _believe(self, provider: Provider, event: WebhookEvent) -> Received:
        if event.trusted:
            return await self.receive(provider.name, event.sms)
        told = fresh = 0
        for remote in await provider.fetch([event.provider_ref]):
            received = await self.read(provider.name, remote)
            told, fresh = told + received.told, fresh + received.fresh
        return Received(told, fresh)

    async def read(self, provider: str, remote: RemoteNumber) -> Received:
        """What a provider shows of one number."""
        return await self.receive(provider, remote.sms, charged=said_of_money(remote))


def said_of_money(remote: RemoteNumber) -> bool | None:
    """True: it is paid. False: it is closed without. None: it is open, and its next SMS will be paid."""
    if remote.state.charged:
        return True
    return False if remote.state.closed else None


__all__ = ["BadWebhook", "Inbox", "NoSuchHook", "ProviderError", "Received", "said_of_money"]
