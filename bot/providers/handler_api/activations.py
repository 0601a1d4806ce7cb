"""Buying activations and moving them from state to state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.domain.errors import BadRequest, Denied, Gone, PriceRisen, ProviderError
from bot.domain.money import Units
from bot.domain.numbers import Kind, Offer
from bot.domain.time import DAY, MINUTE, Ms
from bot.providers.base import AllocateOutcome, Done, Refused, RemoteState, Sold, Unknown, VerbOutcome
from bot.providers.handler_api import values
from bot.providers.handler_api.active import cost_in
from bot.providers.handler_api.answers import Malformed, Reply
from bot.providers.handler_api.calls import Calls, expect
from bot.providers.handler_api.countries import CountryIds
from bot.providers.handler_api.dialects import Dialect, SmsSource
from bot.providers.handler_api.memory import Memory
from bot.providers.handler_api.states import States
from bot.providers.values import money

READY, RETRY, FINISH = "1", "3", "6"


@dataclass(frozen=True, slots=True)
class Bought:
    """What the answer to a purchase tells; `lasts` is what lies between the times in it."""

    ref: str
    phone: str
    cost: Units | None
    lasts: Ms | None


class Activations:
    def __init__(
        self,
        calls: Calls,
        dialect: Dialect,
        countries: CountryIds,
        memory: Memory,
        states: States,
        clock: Callable[[], Ms],
    ) -> None:
        self._calls = calls
        self._dialect = dialect
        self._countries = countries
        self._memory = memory
        self._states = states
        self._clock = clock

    async def buy(self, offer: Offer, ref: str, except_prefixes: Sequence[str]) -> AllocateOutcome:
        try:
            country = self._countries.number(offer.country)
        except BadRequest as error:
            return Refused(error)
        outcome = await self._calls.buy(
            self._dialect.buy,
            bought,
            service=offer.service,
            country=country,
            operator=offer.operator,
            maxPrice=values.cap(offer.cost, self._dialect.price_decimals),
            phoneException=",".join(except_prefixes),
            orderId=ref if self._dialect.order_id else None,
        )
        if isinstance(outcome, Refused) and str(outcome.error) == "ORDER_ALREADY_EXISTS":
            return Unknown("an earlier purchase under the same reference")
        return self._sold(outcome, offer, ref)

    async def again_cost(self, offer: Offer) -> Units:
        """Raises ProviderError."""
        if not self._dialect.extra:
            raise Denied("not in this dialect")
        return await self._calls.read("checkExtraActivation", extra_cost, activationId=offer.again_of)

    async def again(self, offer: Offer, ref: str) -> AllocateOutcome:
        """The action takes no highest price, so it is asked for right before."""
        try:
            if await self.again_cost(offer) > offer.cost:
                return Refused(PriceRisen())
        except ProviderError as error:
            return Refused(error)
        return self._sold(await self._calls.buy("getExtraActivation", bought, activationId=offer.again_of), offer, ref)

    def _sold(self, outcome: Bought | Refused | Unknown, offer: Offer, ref: str) -> AllocateOutcome:
        if not isinstance(outcome, Bought):
            return outcome
        now = self._clock()
        lasts = outcome.lasts or lifetime(self._dialect, offer.service)
        self._memory.sold(outcome.ref, Kind.ACTIVATION, now + lasts, ref)
        return Sold(
            provider_ref=outcome.ref,
            phone=outcome.phone,
            cost=offer.cost if outcome.cost is None else outcome.cost,
            expires_at=now + lasts,
            cancel_from=now + self._dialect.cancel_after_ms,
        )

    async def ready(self, ref: str) -> VerbOutcome:
        """`setStatus 1`: tell that the SMS has been asked for. No member needs it."""
        if not self._dialect.ready:
            return Refused(BadRequest("not in this dialect"))
        return await self._set(ref, READY, "ACCESS_READY")

    async def another_code(self, ref: str) -> VerbOutcome:
        """What has come is read first: most members show the last SMS only."""
        known = self._memory.get(ref)
        if self._dialect.sms is not SmsSource.ALL:
            try:
                await self._states.one(ref)
            except ProviderError as error:
                return Refused(error)
        outcome = await self._set(ref, RETRY, "ACCESS_RETRY_GET")
        known.looked, known.seen = self._memory.turn(), None
        if isinstance(outcome, Done):
            known.waiting = True
        return outcome

    async def finish(self, ref: str) -> VerbOutcome:
        return await self._end(ref, FINISH, "ACCESS_ACTIVATION", RemoteState.FINISHED)

    async def cancel(self, ref: str) -> VerbOutcome:
        return await self._end(ref, self._dialect.cancel, "ACCESS_CANCEL", RemoteState.CANCELLED)

    async def _end(self, ref: str, status: str, word: str, wanted: RemoteState) -> VerbOutcome:
        """A refusal because the number is closed already is no refusal where it ended as it was wanted to."""
        outcome = await self._set(ref, status, word)
        if isinstance(outcome, Done):
            known = self._memory.get(ref)
            known.ended, known.looked = wanted, self._memory.turn()
        if not isinstance(outcome, Refused) or not isinstance(outcome.error, Denied | Gone):
            return outcome
        try:
            state = (await self._states.one(ref)).state
        except ProviderError:
            return outcome
        if state is wanted:
            return Done()
        return Refused(Gone() if state is RemoteState.GONE else Denied(str(outcome.error)))

    async def _set(self, ref: str, status: str, word: str) -> VerbOutcome:
        outcome = await self._calls.change("setStatus", expect(word), id=ref, status=status)
        return Done() if isinstance(outcome, str) else outcome


def lifetime(dialect: Dialect, service: str) -> Ms:
    minutes = dialect.longer.get(service)
    return dialect.lifetime_ms if minutes is None else minutes * MINUTE


def bought(reply: Reply) -> Bought:
    """`ACCESS_NUMBER:$id:$phone`, or the object of V2. What is not needed to keep the number may be missing."""
    if reply.data is None:
        ref, _, phone = reply.after("ACCESS_NUMBER").partition(":")
        return Bought(values.ident(ref), values.phone(phone), None, None)
    if not isinstance(reply.data, dict):
        raise Malformed("no number")
    row = reply.data
    return Bought(
        values.ident(row.get("activationId")), values.phone(row.get("phoneNumber")), cost_in(row), _lasts(row)
    )


def _lasts(row: values.Row) -> Ms | None:
    """Both times are in one clock and zone, whichever that is."""
    ends = row.get("activationEndTime") or row.get("activationEnd")
    times = [values.comparable(time) for time in (row.get("activationTime"), ends)]
    if times[0] is None or times[1] is None:
        return None
    lasts = times[1] - times[0]
    return lasts if MINUTE <= lasts <= 400 * DAY else None


def extra_cost(reply: Reply) -> Units:
    if not isinstance(reply.data, dict):
        raise Malformed("no price")
    return money(reply.data.get("cost"))
