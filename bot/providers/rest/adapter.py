"""A server of the documented API (docs/api.md) as a Provider: another bot, or whoever keeps to that page."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from bot.domain.errors import Denied, ProviderError, ProviderFault
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer
from bot.domain.sms import IncomingSms
from bot.domain.time import SECOND, Ms
from bot.providers import fields, values
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
from bot.providers.http import ProviderHttp
from bot.providers.rest import wire
from bot.providers.rest.session import Lost, Session
from bot.providers.signature import is_signed

_T = TypeVar("_T")

_IDS_AT_ONCE = 100
_MOST_PRICES = 500_000
"""More than every service in every country."""
_GIVEN_BACK = (RemoteState.CANCELLED, RemoteState.EXPIRED)


class RestProvider:
    """Purchases and renewals go out under our reference as Idempotency-Key, so none of them can happen twice."""

    capabilities = Capabilities(rentals=True, renew=True, webhooks=Webhooks("sms.received", signed=True))

    def __init__(
        self,
        name: str,
        http: ProviderHttp,
        *,
        url: str,
        api_key: str,
        signing_secrets: tuple[str, ...] = (),
        clock: Callable[[], Ms],
    ) -> None:
        self.name = name
        self._session = Session(http, url=url, api_key=api_key, clock=clock)
        self._signing_secrets = signing_secrets
        self._clock = clock

    async def stock(self, kind: Kind, service: str | None = None) -> Sequence[Stock]:
        params: dict[str, Any] = {"kind": kind.value, "limit": 5000}
        if service is not None:
            params["service"] = service
        return await _read("prices", self._prices(kind, params))

    async def _prices(self, kind: Kind, params: dict[str, Any]) -> list[Stock]:
        found: list[Stock] = []
        async for page in self._session.pages("prices", params):
            found += [wire.stock(kind, row) for row in fields.rows(page, "prices")]
            if len(found) > _MOST_PRICES:
                raise Malformed("prices never end")
        return found

    async def allocate(self, offer: Offer, ref: str) -> AllocateOutcome:
        params = {
            "country": offer.country,
            "service": offer.service,
            "kind": offer.kind.value,
            "max_price": values.money_text(offer.cost),
        }
        if offer.kind is Kind.RENTAL:
            params["hours"] = str(offer.hours)
        return await _change("allocate", self._session.get("allocate_number", params, ref), wire.sold)

    async def service_names(self) -> Mapping[str, str]:
        return await _read("service_names", self._service_names())

    async def _service_names(self) -> Mapping[str, str]:
        rows = fields.rows(await self._session.get("catalogue", {}), "services")
        return {fields.name(row, "code", 64): fields.text(row, "name") for row in rows}

    async def again_cost(self, offer: Offer) -> Units:
        raise Denied("not in this protocol")

    async def again(self, offer: Offer, ref: str) -> AllocateOutcome:
        return Refused(Denied("not in this protocol"))

    async def find(self, offer: Offer, ref: str, since: Ms, known: Collection[str] = ()) -> Sold | None:
        """By our reference, which went out as the Idempotency-Key; this question buys nothing."""
        return await _read("find", self._find(ref))

    async def _find(self, ref: str) -> Sold | None:
        page = await self._session.get("numbers", {"idempotency_key": ref})
        return wire.found(fields.rows(page, "numbers"))

    async def fetch(self, provider_refs: Sequence[str]) -> Sequence[RemoteNumber]:
        asked = [ref for ref in provider_refs if wire.ID.fullmatch(ref)]
        known: dict[str, RemoteNumber] = {}
        for start in range(0, len(asked), _IDS_AT_ONCE):
            known |= await _read("fetch", self._fetch(asked[start : start + _IDS_AT_ONCE]))
        return [known.get(ref) or RemoteNumber(ref, RemoteState.GONE) for ref in provider_refs]

    async def _fetch(self, refs: Sequence[str]) -> dict[str, RemoteNumber]:
        params = {"ids": ",".join(refs), "messages": "1", "limit": _IDS_AT_ONCE}
        return {one.provider_ref: one async for one in self._numbers(params)}

    async def _numbers(self, params: dict[str, Any]) -> AsyncIterator[RemoteNumber]:
        async for page in self._session.pages("numbers", params):
            for row in fields.rows(page, "numbers"):
                provider_ref = wire.number_id(row)
                sms = wire.messages(row, provider_ref)
                if fields.whole(row, "message_count") > len(sms):
                    sms = await self._messages(provider_ref)
                yield wire.number(row, sms)

    async def _messages(self, provider_ref: str) -> tuple[IncomingSms, ...]:
        """All of them: a list of numbers holds only the newest."""
        found: list[IncomingSms] = []
        async for page in self._session.pages("fetch_messages", {"id": provider_ref, "limit": 200}):
            found += wire.messages(page, provider_ref)
        return tuple(found)

    async def another_code(self, provider_ref: str) -> VerbOutcome:
        return await self._manage("another_code", provider_ref, lambda row: Done())

    async def finish(self, provider_ref: str) -> VerbOutcome:
        return await self._manage("finish", provider_ref, _finished)

    async def cancel(self, provider_ref: str) -> VerbOutcome:
        return await self._manage("release", provider_ref, _given_back, refund="required")

    async def renewal_cost(self, provider_ref: str, hours: int) -> Units:
        return await _read("renewal_cost", self._renewal_cost(provider_ref, hours))

    async def _renewal_cost(self, provider_ref: str, hours: int) -> Units:
        return wire.money(await self._session.get("renewal_price", {"id": provider_ref, "hours": hours}), "price")

    async def renew(self, provider_ref: str, hours: int, cap: Units, key: str) -> RenewOutcome:
        body = {"action": "renew", "id": provider_ref, "hours": hours, "max_price": values.money_text(cap)}
        return await _change("renew", self._session.post("manage_number", body, key), wire.renewed)

    async def balance(self) -> Units:
        return await _read("balance", self._balance())

    async def _balance(self) -> Units:
        return wire.money(await self._session.get("balance", {}), "balance")

    def parse_webhook(self, request: WebhookRequest) -> Sequence[WebhookEvent]:
        """Empty for an event that is about no number. Without a secret to check by nothing is trusted."""
        trusted = is_signed(self._signing_secrets, request, self._clock() // SECOND)
        try:
            event = wire.event(request.body)
        except Malformed as why:
            raise BadWebhook(str(why)) from None
        return () if event is None else (WebhookEvent(event[0], trusted, event[1]),)

    async def aclose(self) -> None:
        """Nothing to close: whoever made the client closes it."""

    async def _manage(
        self, action: str, provider_ref: str, read: Callable[[Row], Done | Refused], **options: str
    ) -> VerbOutcome:
        body = {"action": action, "id": provider_ref, **options}
        return await _change(action, self._session.post("manage_number", body), read)


def _finished(row: Row) -> Done:
    if wire.state(row) is not RemoteState.FINISHED:
        raise Malformed("not finished")
    return Done()


def _given_back(row: Row) -> Done | Refused:
    return Done() if wire.state(row) in _GIVEN_BACK else Refused(Denied("not given back"))


async def _read(verb: str, asking: Awaitable[_T]) -> _T:
    try:
        return await asking
    except (Lost, Malformed) as why:
        raise ProviderFault(f"{verb}: {why}") from None


async def _change(verb: str, asking: Awaitable[Row], read: Callable[[Row], _T]) -> _T | Refused | Unknown:
    try:
        row = await asking
        return read(row) if row["status"] == "success" else Unknown(f"{verb}: not decided yet")
    except ProviderError as error:
        return Refused(error)
    except (Lost, Malformed) as why:
        return Unknown(f"{verb}: {why}")
