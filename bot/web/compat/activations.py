"""Activations: bought, asked about, and moved from state to state."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from bot.domain.catalogue import Country
from bot.domain.errors import NotAgain, NotFound, ProviderError, WrongState
from bot.domain.keys import Caller
from bot.domain.numbers import Kind, Number, State
from bot.domain.sms import Sms
from bot.services.orders import Answer, Orders, Wish
from bot.web.api.deps import ApiDeps
from bot.web.compat import shapes
from bot.web.compat.params import Params
from bot.web.compat.shop import ANY_OPERATOR, Shop
from bot.web.compat.words import NOT_NOW, Word, not_sold

GIVEN_BACK = (State.CANCELLED, State.EXPIRED)
Verb: TypeAlias = Callable[[Caller, int], Awaitable[str]]


class Activations:
    """`currency` is ISO 4217's number of it, or None where it has none."""

    def __init__(self, deps: ApiDeps, shop: Shop, currency: int | None) -> None:
        self._deps = deps
        self._shop = shop
        self._currency = currency
        self._verbs: Mapping[str, Verb] = {
            "1": self._ready,
            "3": self._another_code,
            "6": self._finish,
            "8": self._cancel,
            "-1": self._cancel,
        }

    # buying

    async def buy(self, who: Caller, p: Params) -> str:
        number = await self._buy(who, p)
        return f"ACCESS_NUMBER:{number.id}:{shapes.phone(number.phone)}"

    async def buy_v2(self, who: Caller, p: Params) -> str:
        """The two times are of one clock, so that what lies between them is what the number has left."""
        number = await self._buy(who, p)
        return shapes.as_json(
            {
                "activationId": number.id,
                "phoneNumber": shapes.phone(number.phone),
                "activationCost": shapes.price(number.price),
                "currency": self._currency,
                "countryCode": country.number if (country := self.country(number)) else "",
                "canGetAnotherSms": self.another(number),
                "activationTime": shapes.clock(self._deps.clock()),
                "activationEndTime": shapes.clock(number.expires_at or self._deps.clock()),
                "activationOperator": number.operator or "any",
            }
        )

    async def _buy(self, who: Caller, p: Params) -> Number:
        if p.text("activationType") not in ("", "0") or p.text("operator") not in ANY_OPERATOR:
            raise Word("NO_NUMBERS")  # no calls, and nobody can choose an operator
        service = await self._shop.service(p, Kind.ACTIVATION)
        country = p.country(self._deps.catalogue.now)
        wish = Wish(service, country.iso2, Kind.ACTIVATION, 0, p.most())
        return await sold(self._deps.orders, self._deps.orders.buy(who.user, wish, p.order(), keeps_refusals=False))

    def another(self, number: Number) -> str:
        """Whether its supplier can give a second code, once there is a first."""
        with_sms = replace(number, sms_count=max(1, number.sms_count))
        return "1" if self._deps.numbers.possible(with_sms).another_code else "0"

    def country(self, number: Number) -> Country | None:
        return self._deps.catalogue.now.countries.get(number.country)

    # state

    async def _activation(self, who: Caller, number_id: int) -> Number:
        number = (await self._deps.numbers.view(who.user, number_id)).number
        if number.kind is not Kind.ACTIVATION or number.phone is None:
            raise Word("NO_ACTIVATION")
        return number

    async def status(self, who: Caller, p: Params) -> str:
        number = await self._activation(who, p.ident())
        return state_word(number, await self._newest(who, number))

    async def _newest(self, who: Caller, number: Number) -> Sms | None:
        """What can be read of it; a blank SMS is none."""
        messages = await self._deps.numbers.messages(who.user, number.id) if number.sms_count else []
        return next((sms for sms in messages if shapes.code(sms)), None)

    async def full_sms(self, who: Caller, p: Params) -> str:
        number = await self._activation(who, p.ident())
        newest = await self._newest(who, number)
        word = state_word(number, newest)
        return f"FULL_SMS:{newest.text}" if newest and word.startswith("STATUS_OK") else word

    async def status_v2(self, who: Caller, p: Params) -> str:
        number = await self._activation(who, p.ident())
        if not number.is_open:
            return "STATUS_CANCEL"
        newest = await self._newest(who, number)
        sms = newest and {
            "dateTime": shapes.clock(newest.received_at),
            "code": shapes.code(newest),
            "text": newest.text,
        }
        return shapes.as_json({"verificationType": 0, "sms": sms, "call": None})

    async def set_status(self, who: Caller, p: Params) -> str:
        verb = self._verbs.get(p.text("status"))
        if verb is None:
            raise Word("BAD_STATUS")
        return await verb(who, (await self._activation(who, p.ident())).id)

    async def _ready(self, who: Caller, number_id: int) -> str:
        """Suppliers need not be told."""
        if not (await self._activation(who, number_id)).is_open:
            raise Word("BAD_STATUS")
        return "ACCESS_READY"

    async def _another_code(self, who: Caller, number_id: int) -> str:
        return _decided(await self._deps.handling.another_code(who.user, number_id), "ACCESS_RETRY_GET")

    async def _finish(self, who: Caller, number_id: int) -> str:
        return _decided(await self._deps.handling.finish(who.user, number_id), "ACCESS_ACTIVATION")

    async def _cancel(self, who: Caller, number_id: int) -> str:
        answer = await self._deps.handling.release(who.user, number_id, required=True)
        if not answer.pending and answer.number.state not in GIVEN_BACK:
            raise Word("BAD_STATUS")  # a code had come when the supplier was asked
        return _decided(answer, "ACCESS_CANCEL")

    # the same number again

    async def check_extra(self, who: Caller, p: Params) -> str:
        number, _, price = await self._extra(who, p)
        return shapes.as_json(
            {
                "status": "success",
                "cost": price,
                "service": number.service,
                "phone": int(shapes.phone(number.phone)),
                "country": int(country.number) if (country := self.country(number)) else None,
            }
        )

    async def extra(self, who: Caller, p: Params) -> str:
        replaced, quote_id, _ = await self._extra(who, p)
        number = await sold(
            self._deps.orders, self._deps.orders.buy_quote(who.user, quote_id, p.order(), f"again {replaced.id}")
        )
        return f"ACCESS_NUMBER:{number.id}:{shapes.phone(number.phone)}"

    async def _extra(self, who: Caller, p: Params) -> tuple[Number, str, float]:
        """The activation, and what its number is promised for once more."""
        number_id = p.ident("activationId", "id", word="WRONG_ACTIVATION_ID")
        try:
            number = await self._activation(who, number_id)
            quote = await self._deps.again.quote(who.user, number_id)
        except (NotFound, Word):
            raise Word("WRONG_ACTIVATION_ID") from None
        except (WrongState, NotAgain):
            raise Word("RENEW_ACTIVATION_NOT_AVAILABLE") from None
        return number, quote.id, shapes.price(quote.offer.price)


async def sold(orders: Orders, purchase: Awaitable[Answer]) -> Number:
    """Raises Word where nothing was sold, where that has not been decided, and where it was bought before."""
    try:
        answer = await purchase
    except ProviderError as error:
        raise not_sold(error) from None
    if answer.number.state is State.FAILED:
        raise not_sold(await orders.why_failed(answer.number))
    if answer.replayed:
        raise Word("ORDER_ALREADY_EXISTS")
    if answer.pending:
        raise Word(NOT_NOW)
    return answer.number


def state_word(number: Number, newest: Sms | None) -> str:
    """`newest`: the last SMS that can be read."""
    if not number.is_open:
        return "STATUS_CANCEL"
    if newest is None:
        return "STATUS_WAIT_CODE"
    return f"STATUS_{'WAIT_RETRY' if number.awaits_sms else 'OK'}:{shapes.code(newest)}"


def _decided(answer: Answer, word: str) -> str:
    if answer.pending:
        raise Word(NOT_NOW)
    return word
