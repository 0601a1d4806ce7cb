"""The one entrance for SMS, whichever way they come: by webhook or by poll."""

import hmac
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.addresses import Network, is_within, parse_address
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


class Stranger(Exception):
    """The webhook comes from elsewhere than its provider's do. The text is where from."""


@dataclass(frozen=True, slots=True)
class Hook:
    """Where a provider's webhooks come in: the secret in their path, and where they come from; nothing: anywhere."""

    secret: str = field(repr=False)
    sources: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Received:
    """`fresh` SMS of `told` were new."""

    told: int
    fresh: int


class Inbox:
    """`hooks` by the name of their provider."""

    def __init__(self, db: Database, clock: Clock, registry: Registry, wake: Wake, hooks: Mapping[str, Hook]) -> None:
        self._db = db
        self._clock = clock
        self._registry = registry
        self._wake = wake
        self._hooks = hooks

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

    def admit(self, name: str, secret: str, peer: str) -> Provider:
        """Whose webhook comes to this path from the address `peer`. Raises NoSuchHook or Stranger."""
        provider, hook = self._registry.get(name), self._hooks.get(name)
        given = secret.encode("utf-8", "replace")
        if provider is None or hook is None or not hook.secret or not hmac.compare_digest(hook.secret.encode(), given):
            raise NoSuchHook
        address = parse_address(peer)
        if hook.sources and not is_within(address, hook.sources):
            raise Stranger(str(address or "an unknown place"))
        return provider

    async def webhook(self, provider: Provider, request: WebhookRequest) -> Received:
        """The call of a provider that was admitted. Raises BadWebhook, or ProviderError when a hint was not checked."""
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


__all__ = ["BadWebhook", "Hook", "Inbox", "NoSuchHook", "ProviderError", "Received", "Stranger", "said_of_money"]
