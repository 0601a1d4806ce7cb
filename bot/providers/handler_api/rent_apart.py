"""Rentals with verbs of their own. Our reference of one is `r:` and its id, since activations are numbered apart."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from bot.domain.errors import Denied, Gone, NoNumbers, ProviderFault
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer
from bot.domain.sms import IncomingSms, derived_sms_id
from bot.domain.time import HOUR, MINUTE, Ms, is_within
from bot.providers.base import (
    AllocateOutcome,
    Done,
    Refused,
    RemoteNumber,
    RemoteState,
    Renewed,
    RenewOutcome,
    Sold,
    Stock,
    Unknown,
    VerbOutcome,
)
from bot.providers.handler_api import values
from bot.providers.handler_api.answers import Malformed, Rejected, Reply
from bot.providers.handler_api.memory import Known
from bot.providers.handler_api.rent import Renting, gathered
from bot.providers.handler_api.sms import oldest_first
from bot.providers.handler_api.states import together
from bot.providers.http import NoAnswer
from bot.providers.values import money

PREFIX = "r:"
PAGE = 100
MOST_PAGES = 50
SHOWN_FOR: Ms = 10 * MINUTE
"""A purchase asks for its price anew."""
FINISH, CANCEL = "1", "2"

_STATES = {
    "STATUS_WAIT_CODE": None,
    "STATUS_FINISH": RemoteState.FINISHED,
    "STATUS_CANCEL": RemoteState.CANCELLED,
    "STATUS_REVOKE": RemoteState.CANCELLED,
}


class RentApart(Renting):
    _shown: tuple[Ms | None, Sequence[Stock]] = (None, ())

    # what is on sale

    async def stock(self, service: str | None) -> Sequence[Stock]:
        """One request for the countries, then one for each country and length; kept for a while, as they are many."""
        at, rows = self._shown
        if not is_within(SHOWN_FOR - 1, at, self._clock()):
            first = await self._calls.read("getRentServicesAndCountries", countries, **self._hours(self._rent.hours[0]))
            known = [iso2 for number in first if (iso2 := self._countries.iso2(number)) is not None]
            rows = await self._lists(known)
            self._shown = (self._clock(), rows)
        return [row for row in rows if service in (None, row.service)]

    async def _on_sale(self, service: str, country: str) -> Iterable[Stock]:
        return [row for row in await self._lists([country]) if row.service == service]

    async def _lists(self, countries_iso2: Sequence[str]) -> Sequence[Stock]:
        questions = (self._list(iso2, hours) for iso2 in countries_iso2 for hours in self._rent.hours)
        lists = await gathered(questions, self._dialect.singles_at_once)
        return [row for rows in lists for row in rows]

    async def _list(self, iso2: str, hours: int) -> Sequence[Stock]:
        return await self._calls.read(
            "getRentServicesAndCountries",
            lambda reply: on_sale(reply, iso2, hours),
            country=self._countries.number(iso2),
            **self._hours(hours),
        )

    def _hours(self, hours: int) -> dict[str, int]:
        return {self._rent.time_param: hours}

    # buying

    async def _take(self, offer: Offer, country: str, ref: str) -> AllocateOutcome:
        outcome = await self._calls.buy(
            "getRentNumber",
            rented,
            service=offer.service,
            country=country,
            operator=offer.operator,
            **self._hours(offer.hours),
        )
        if not isinstance(outcome, tuple):
            return outcome
        return self._sold(PREFIX + outcome[0], outcome[1], offer, ref, self._clock())

    async def find(self, offer: Offer, ref: str, since: Ms, known: Collection[str]) -> Sold | None:
        """The list tells ids and phones alone: one of the country that is nobody's yet, the oldest first."""
        listed = await self._listed()
        mine = [(rent, phone) for rent, phone in listed.items() if self._memory.owner(rent) == ref]
        free = [
            (rent, phone)
            for rent, phone in listed.items()
            if self._memory.owner(rent) is None and rent not in known and self._countries.fits(offer.country, phone)
        ]
        if not (fitting := mine or sorted(free, key=lambda one: (len(one[0]), one[0]))):
            return None
        return self._sold(*fitting[0], offer, ref, since)

    async def _listed(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for page in range(1, MOST_PAGES + 1):
            try:
                rows = await self._calls.read("getRentList", rent_list, length=PAGE, page=page)
            except NoNumbers:
                break
            fresh = rows.keys() - found.keys()
            found |= rows
            if len(rows) < PAGE or not fresh:
                break
        return found

    # state

    async def fetch(self, refs: Sequence[str]) -> Sequence[RemoteNumber]:
        """One question for each, and the list when a number with SMS may be closed: its SMS are all it shows."""
        remotes = await together(self._one(ref) for ref in await self.settled(refs))
        if not any(self._may_be_over(remote) for remote in remotes):
            return remotes
        listed = await self._listed()
        return [
            self._memory.get(remote.provider_ref).remote(RemoteState.FINISHED)
            if self._may_be_over(remote) and remote.provider_ref not in listed
            else remote
            for remote in remotes
        ]

    def _may_be_over(self, remote: RemoteNumber) -> bool:
        over = remote.expires_at is None or remote.expires_at <= self._clock()
        return remote.state is RemoteState.RECEIVED and over

    async def _one(self, ref: str) -> RemoteNumber:
        known = self._memory.get(ref)
        known.kind = Kind.RENTAL
        try:
            known.take(rent_sms(ref, await self._shown_sms(ref), self._clock()))
        except Rejected as no:
            return self._without_sms(known, no)
        except (NoAnswer, ValueError) as why:
            raise ProviderFault(f"getRentStatus: {why}") from None
        return known.remote(known.ended)

    async def _shown_sms(self, ref: str) -> Sequence[values.Row]:
        found: list[values.Row] = []
        for page in range(1, MOST_PAGES + 1):
            reply = await self._calls.ask("getRentStatus", id=ref.removeprefix(PREFIX), page=page, size=PAGE)
            quantity, rows = rent_page(reply)
            found += rows
            if page * PAGE >= quantity or not rows:
                break
        return found

    def _without_sms(self, known: Known, no: Rejected) -> RemoteNumber:
        """What stands for a state comes in the shape of an error."""
        if no.word in _STATES:
            return known.remote(_STATES[no.word])
        if isinstance(no.error, Gone):
            return known.remote(known.ended or RemoteState.GONE)
        raise no.error or ProviderFault(f"getRentStatus: {no}")

    # verbs

    async def finish(self, ref: str) -> VerbOutcome:
        return await self._end(ref, FINISH, "ALREADY_FINISH", RemoteState.FINISHED)

    async def cancel(self, ref: str) -> VerbOutcome:
        return await self._end(ref, CANCEL, "ALREADY_CANCEL", RemoteState.CANCELLED)

    async def _end(self, ref: str, status: str, already: str, wanted: RemoteState) -> VerbOutcome:
        outcome = await self._calls.change("setRentStatus", success, id=ref.removeprefix(PREFIX), status=status)
        if outcome is True or (isinstance(outcome, Refused) and str(outcome.error) == already):
            self._memory.get(ref).ended = wanted
            return Done()
        return outcome if isinstance(outcome, Refused | Unknown) else Unknown("setRentStatus")

    async def renewal_cost(self, provider_ref: str, hours: int) -> Units:
        return (await self._info(provider_ref, hours))[0]

    async def renewed_hours(self, provider_ref: str) -> int:
        return (await self._info(provider_ref, self._rent.hours[0]))[1]

    async def _info(self, provider_ref: str, hours: int) -> tuple[Units, int]:
        if not provider_ref.startswith(PREFIX):
            raise Denied("no rental")
        rent_id = provider_ref.removeprefix(PREFIX)
        return await self._calls.read("continueRentInfo", renewal, id=rent_id, hours=hours, needHistory="true")

    async def _prolong(self, provider_ref: str, hours: int) -> RenewOutcome:
        rent_id = provider_ref.removeprefix(PREFIX)
        outcome = await self._calls.change("continueRentNumber", rented, id=rent_id, **self._hours(hours))
        if not isinstance(outcome, tuple):
            return outcome
        return Renewed(PREFIX + outcome[0], self._clock() + hours * HOUR)


def countries(reply: Reply) -> Sequence[str]:
    if not isinstance(reply.data, dict) or "countries" not in reply.data:
        raise Malformed("no rentals")
    return [values.ident(number) for number in values.rows(reply.data["countries"])]


def on_sale(reply: Reply, iso2: str, hours: int) -> Sequence[Stock]:
    if not isinstance(reply.data, dict) or "services" not in reply.data:
        raise Malformed("no rentals")
    services = values.row(reply.data["services"])
    return [
        Stock(str(code), iso2, Kind.RENTAL, cost, values.whole(cell.get("quant")), hours)
        for code, cell in services.items()
        if isinstance(cell, dict) and (cost := money(cell.get("cost"))) > 0
    ]


def rented(reply: Reply) -> tuple[str, str]:
    """Id and phone."""
    phone = values.row(_row(reply).get("phone"))
    return values.ident(phone.get("id")), values.phone(phone.get("number"))


def rent_list(reply: Reply) -> dict[str, str]:
    rows = [values.row(item) for item in values.rows(_row(reply).get("values"))]
    return {PREFIX + values.ident(row.get("id")): values.phone(row.get("phone")) for row in rows}


def rent_page(reply: Reply) -> tuple[int, Sequence[values.Row]]:
    """How many SMS there are, and some of them."""
    row = _row(reply)
    items = [values.row(item) for item in values.rows(row.get("values"))]
    return values.whole(row.get("quantity", len(items))), items


def rent_sms(ref: str, rows: Sequence[values.Row], now: Ms) -> Sequence[IncomingSms]:
    """Oldest first. Equal ones of one second are told apart by their count."""
    seen: Counter[tuple[str, str, str]] = Counter()
    found: list[IncomingSms] = []
    for row in rows:
        sender, text, date = (values.text(row.get(name)) for name in ("phoneFrom", "text", "date"))
        seen[sender, text, date] += 1
        times = seen[sender, text, date]
        sms_id = derived_sms_id(ref, sender, text, date if times == 1 else f"{date} {times}")
        found.append(IncomingSms(ref, sms_id, sender, text, values.moment(date, now) or now))
    return oldest_first(found)


def renewal(reply: Reply) -> tuple[Units, int]:
    """What more time costs, and how many hours have been added so far."""
    row = _row(reply)
    added = [values.row(item) for item in values.rows(row.get("history", []))]
    return money(row.get("price")), sum(values.whole(item.get("hours")) for item in added)


def success(reply: Reply) -> bool:
    _row(reply)
    return True


def _row(reply: Reply) -> values.Row:
    if not isinstance(reply.data, dict) or reply.data.get("status") != "success":
        raise Malformed("no success")
    return reply.data
