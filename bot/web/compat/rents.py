"""Rentals, which have verbs of their own. All answers are JSON; a refusal is `{"status": "error", "message": WORD}`."""

from bot.domain.errors import Denied, Gone, NotRefundable, ProviderError, WrongState
from bot.domain.keys import Caller
from bot.domain.numbers import Kind, Number, State
from bot.domain.people import User
from bot.domain.sms import Sms
from bot.services.orders import Answer, Wish
from bot.web.api.deps import ApiDeps
from bot.web.compat import shapes
from bot.web.compat.activations import GIVEN_BACK, sold
from bot.web.compat.params import Params
from bot.web.compat.shop import ANY_OPERATOR, Shop
from bot.web.compat.words import NOT_NOW, Word, not_sold

SHORTEST, LONGEST = 1, 1344
"""Hours."""
UNSAID = 4
"""Hours, where none are named."""
UNKNOWN, OVER = "NO_ID_RENT", "RENT_DIE"
FINISH, CANCEL = "1", "2"


class Rents:
    def __init__(self, deps: ApiDeps, shop: Shop, currency: int | None) -> None:
        self._deps = deps
        self._shop = shop
        self._currency = currency

    # what is on sale

    async def on_sale(self, who: Caller, p: Params) -> str:
        """What costs how much in one country for so many hours, and in which countries there is anything."""
        hours, country = _hours(p, default=UNSAID), p.country(self._deps.catalogue.now)
        offers = [one for one in await self._deps.board.offers(Kind.RENTAL) if one.hours == hours and one.stock]
        here = [one for one in offers if one.country == country.iso2]
        if not offers or (p.text("country") and not here) or p.text("operator") not in ANY_OPERATOR:
            raise Word("OUT_OF_STOCK")
        named = self._deps.catalogue.now.countries
        countries = sorted({int(named[one.country].number) for one in offers})
        return shapes.as_json(
            {
                "countries": {str(place): number for place, number in enumerate(countries)},
                "operators": {"0": "any"},
                "services": {one.service: {"cost": shapes.price(one.price), "quant": one.stock} for one in here},
                "currency": self._currency,
            }
        )

    # buying

    async def buy(self, who: Caller, p: Params) -> str:
        """`orderId` and `maxPrice` are taken here too."""
        if p.flag("incomingCall") or p.text("operator") not in ANY_OPERATOR:
            raise Word("NO_NUMBERS")
        service = await self._shop.service(p, Kind.RENTAL)
        country, hours = p.country(self._deps.catalogue.now), _hours(p, default=UNSAID)
        wish = Wish(service, country.iso2, Kind.RENTAL, hours, p.most())
        return _rented(
            await sold(self._deps.orders, self._deps.orders.buy(who.user, wish, p.order(), keeps_refusals=False))
        )

    async def renewal(self, who: Caller, p: Params) -> str:
        number, hours = await self._open_rental(who, p), _hours(p, default=UNSAID)
        cost, _ = await self._deps.orders.renewal_price(who.user, number.id, hours)
        answer = {"status": "success", "price": shapes.price(cost), "currency": self._currency, "hours": hours}
        if not p.flag("needHistory"):
            return shapes.as_json(answer)
        done = await self._deps.bought.renewals(who.user, number.id)
        history = {
            str(place): {
                "createDate": shapes.clock(one.created_at),
                "price": shapes.amount(one.price),
                "hours": one.hours,
            }
            for place, one in enumerate(done)
        }
        return shapes.as_json({**answer, "history": history})

    async def renew(self, who: Caller, p: Params) -> str:
        number, hours = await self._open_rental(who, p), _hours(p)
        try:
            answer = await self._deps.orders.renew(who.user, number.id, hours, p.most(), p.order())
        except (WrongState, Denied, Gone):
            raise Word(OVER) from None
        except ProviderError as error:
            raise not_sold(error) from None
        if answer.pending:
            raise Word(NOT_NOW)
        return _rented(answer.number)

    # state

    async def _rental(self, who: Caller, p: Params) -> Number:
        number = (await self._deps.numbers.view(who.user, p.ident(word=UNKNOWN))).number
        if number.kind is not Kind.RENTAL or number.phone is None:
            raise Word(UNKNOWN)
        return number

    async def _open_rental(self, who: Caller, p: Params) -> Number:
        number = await self._rental(who, p)
        if not number.is_open:
            raise Word(OVER)
        return number

    async def status(self, who: Caller, p: Params) -> str:
        """Its SMS, newest first; how it stands, where there are none, comes in the shape of an error."""
        number = await self._rental(who, p)
        if number.state in GIVEN_BACK:
            raise Word("STATUS_CANCEL")
        if not number.sms_count:
            raise Word("STATUS_WAIT_CODE" if number.is_open else "STATUS_FINISH")
        page, size = _page(p, "size")
        sms = await self._deps.bought.sms_page(who.user, number.id, limit=size, offset=(page - 1) * size)
        values = {str(place): _sms_row(one, number) for place, one in enumerate(sms)}
        return shapes.as_json({"status": "success", "quantity": str(number.sms_count), "values": values})

    async def set_status(self, who: Caller, p: Params) -> str:
        number, status = await self._rental(who, p), p.text("status")
        if status not in (FINISH, CANCEL):
            raise Word("INCORECT_STATUS")
        if not number.is_open:
            raise Word("ALREADY_FINISH" if number.state is State.COMPLETED else "ALREADY_CANCEL")
        try:
            act = self._deps.handling.finish if status == FINISH else self._give_back
            answer = await act(who.user, number.id)
        except (WrongState, NotRefundable, Denied):
            raise Word("CANT_CANCEL") from None
        if answer.pending:
            raise Word(NOT_NOW)
        if status == CANCEL and answer.number.state not in GIVEN_BACK:
            raise Word("CANT_CANCEL")  # an SMS had come when the supplier was asked
        return shapes.as_json({"status": "success"})

    async def _give_back(self, user: User, number_id: int) -> Answer:
        return await self._deps.handling.release(user, number_id, required=True)

    async def open_rentals(self, who: Caller, p: Params) -> str:
        page, length = _page(p, "length")
        rentals = await self._deps.bought.open(who.user, Kind.RENTAL, limit=length, offset=(page - 1) * length)
        if not rentals and page == 1:
            raise Word("NO_NUMBERS")
        rows = [{"id": str(one.id), "phone": shapes.phone(one.phone)} for one in rentals]
        return shapes.as_json({"status": "success", "values": {str(place): row for place, row in enumerate(rows)}})


def _hours(p: Params, default: int = 0) -> int:
    """`time` is what the official Python package sends."""
    hours = p.count("rent_time", "hours", "time", default=default, most=LONGEST + 1, word="INVALID_TIME")
    if not SHORTEST <= hours <= LONGEST:
        raise Word("INVALID_TIME")
    return hours


def _page(p: Params, size_name: str) -> tuple[int, int]:
    """From 1 on, and how many are on each."""
    page = max(1, p.count("page", default=1, most=10**6))
    return page, max(1, p.count(size_name, default=10, most=100))


def _rented(number: Number) -> str:
    end = shapes.rent_end(number.expires_at or 0)
    phone = {"id": number.id, "endDate": end, "number": shapes.phone(number.phone)}
    return shapes.as_json({"status": "success", "phone": phone})


def _sms_row(sms: Sms, number: Number) -> dict[str, str]:
    return {
        "phoneFrom": sms.sender,
        "text": sms.text,
        "service": number.service,
        "date": shapes.clock(sms.received_at),
    }
