"""The sandbox as a Provider, in process or over HTTP."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from bot.domain.errors import ProviderError, ProviderFault
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer
from bot.domain.time import SECOND, Ms
from bot.providers import fields
from bot.providers.base import (
    AllocateOutcome,
    BadWebhook,
    Capabilities,
    Done,
    Refused,
    RemoteNumber,
    RemoteState,
    RenewOutcome,
    Sold,
    Stock,
    Unknown,
    VerbOutcome,
    WebhookEvent,
    WebhookRequest,
    Webhooks,
)
from bot.providers.fields import Malformed, Row
from bot.providers.sandbox import wire
from bot.providers.sandbox.backend import Backend, ConnectionLost, NotReached
from bot.providers.signature import is_signed

_T = TypeVar("_T")

_ROWS_AT_ONCE = 2000
"""Rows of a price list read between two turns of the event loop."""


class SandboxProvider:
    """Sells numbers that are not real."""

    capabilities = Capabilities(rentals=True, renew=True, again=True, webhooks=Webhooks(signed=True), test=True)

    def __init__(
        self,
        name: str,
        backend: Backend,
        *,
        signing_secrets: tuple[str, ...] = (),
        timeout_s: float = 10.0,
        clock: Callable[[], Ms],
    ) -> None:
        self.name = name
        self._backend = backend
        self._signing_secrets = signing_secrets
        self._timeout_s = timeout_s
        self._clock = clock

    async def stock(self, kind: Kind, service: str | None = None) -> Sequence[Stock]:
        rows = await self._read(
            "stock", {"kind": kind.value, "service": service}, lambda answer: fields.sequence(answer, "rows")
        )
        found: list[Stock] = []
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            try:
                found += [wire.stock(kind, row) for row in rows[start : start + _ROWS_AT_ONCE]]
            except Malformed as why:
                raise ProviderFault(f"stock: {why}") from None
            await asyncio.sleep(0)
        return found

    async def allocate(self, offer: Offer, ref: str) -> AllocateOutcome:
        args = {
            "ref": ref,
            "kind": offer.kind.value,
            "service": offer.service,
            "country": offer.country,
            "hours": offer.hours,
            "cap": offer.cost,
        }
        return await self._change("allocate", args, wire.sold)

    async def service_names(self) -> Mapping[str, str]:
        return {}

    async def again_cost(self, offer: Offer) -> Units:
        args = {"provider_ref": offer.again_of}
        return await self._read("again_cost", args, lambda answer: fields.whole(answer, "cost"))

    async def again(self, offer: Offer, ref: str) -> AllocateOutcome:
        return await self._change("again", {"ref": ref, "provider_ref": offer.again_of, "cap": offer.cost}, wire.sold)

    async def find(self, offer: Offer, ref: str, since: Ms, known: Collection[str] = ()) -> Sold | None:
        return await self._read("find", {"ref": ref}, wire.found)

    async def fetch(self, provider_refs: Sequence[str]) -> Sequence[RemoteNumber]:
        if not provider_refs:
            return ()
        numbers = await self._read("fetch", {"provider_refs": list(provider_refs)}, wire.numbers)
        known = {number.provider_ref: number for number in numbers}
        return [known.get(ref) or RemoteNumber(ref, RemoteState.GONE) for ref in provider_refs]

    async def another_code(self, provider_ref: str) -> VerbOutcome:
        return await self._act("another_code", provider_ref)

    async def finish(self, provider_ref: str) -> VerbOutcome:
        return await self._act("finish", provider_ref)

    async def cancel(self, provider_ref: str) -> VerbOutcome:
        return await self._act("cancel", provider_ref)

    async def renewal_cost(self, provider_ref: str, hours: int) -> Units:
        args = {"provider_ref": provider_ref, "hours": hours}
        return await self._read("renewal_cost", args, lambda answer: fields.whole(answer, "cost"))

    async def renew(self, provider_ref: str, hours: int, cap: Units, key: str) -> RenewOutcome:
        args = {"provider_ref": provider_ref, "hours": hours, "cap": cap, "key": key}
        return await self._change("renew", args, wire.renewed)

    async def balance(self) -> Units:
        return await self._read("balance", {}, lambda answer: fields.whole(answer, "balance"))

    def parse_webhook(self, request: WebhookRequest) -> Sequence[WebhookEvent]:
        trusted = is_signed(self._signing_secrets, request, self._clock() // SECOND)
        try:
            sms = wire.event(request.body)
        except Malformed as why:
            raise BadWebhook(str(why)) from None
        return (WebhookEvent(sms.provider_ref, trusted, (sms,)),)

    async def aclose(self) -> None:
        """Nothing to close: whoever made the backend's client closes it."""

    async def _act(self, verb: str, provider_ref: str) -> VerbOutcome:
        return await self._change(verb, {"provider_ref": provider_ref}, lambda answer: Done())

    async def _change(self, verb: str, args: dict[str, Any], read: Callable[[Row], _T]) -> _T | Refused | Unknown:
        try:
            return read(await self._ask(verb, args))
        except ProviderError as error:
            return Refused(error)
        except (ConnectionLost, Malformed) as why:
            return Unknown(f"{verb}: {why}")

    async def _read(self, verb: str, args: dict[str, Any], read: Callable[[Row], _T]) -> _T:
        try:
            return read(await self._ask(verb, args))
        except (ConnectionLost, Malformed) as why:
            raise ProviderFault(f"{verb}: {why}") from None

    async def _ask(self, verb: str, args: dict[str, Any]) -> Row:
        """Raises ProviderError where surely nothing was done; ConnectionLost or Malformed where nobody knows."""
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._backend(verb, args)
        except NotReached as why:
            raise ProviderFault(f"{verb}: {why}") from None
        except TimeoutError:
            raise ConnectionLost("timeout") from None
        return wire.unwrap(answer)
