"""Activations as lists: those that are open, and the record of those of a month."""

from bot.domain.keys import Caller
from bot.domain.numbers import Kind, State
from bot.domain.time import DAY, SECOND, Ms
from bot.services.bought import Held
from bot.web.api.deps import ApiDeps
from bot.web.compat import shapes
from bot.web.compat.activations import Activations
from bot.web.compat.params import Params
from bot.web.compat.words import Word

LONGEST_SPAN: Ms = 30 * DAY
WAITING, WAITING_AGAIN = "4", "3"
SUCCESS, GIVEN_BACK = "6", "8"


class Lists:
    def __init__(self, deps: ApiDeps, activations: Activations, currency: int | None) -> None:
        self._bought = deps.bought
        self._clock = deps.clock
        self._activations = activations
        self._currency = currency

    async def active(self, who: Caller, p: Params) -> str:
        """All of them, unless `start` and `limit` ask for a page, as other members of the family have it."""
        paging = {
            "offset": p.count("start", default=0, most=10**9),
            "limit": p.count("limit", default=10**4, most=10**4),
        }
        held = await self._bought.with_sms(await self._bought.open(who.user, Kind.ACTIVATION, **paging))
        if not held:
            return "NO_ACTIVATIONS"
        return shapes.as_json({"status": "success", "activeActivations": [self._active_row(one) for one in held]})

    def _active_row(self, one: Held) -> dict[str, object]:
        number, codes = one.number, [code for sms in one.sms if (code := shapes.code(sms))]
        country = self._activations.country(number)
        return {
            "activationId": str(number.id),
            "serviceCode": number.service,
            "phoneNumber": shapes.phone(number.phone),
            "activationCost": shapes.price(number.price),
            "activationStatus": WAITING_AGAIN if codes and number.awaits_sms else WAITING,
            "smsCode": codes or None,
            "smsText": f"[{one.sms[-1].text}]" if codes else None,
            "activationTime": shapes.clock(number.created_at),
            "discount": "0.00",
            "repeated": "1" if number.again_of else "0",
            "countryCode": country.number if country else "",
            "countryName": country.name if country else "",
            "canGetAnotherSms": self._activations.another(number),
            "currency": self._currency,
        }

    async def history(self, who: Caller, p: Params) -> str:
        """Newest first. `start` and `end` are seconds since 1970; without them, the last 30 days."""
        end = p.count("end", default=self._clock() // SECOND + 1, most=10**10, word="WRONG_DATE") * SECOND
        start = p.count("start", default=(end - LONGEST_SPAN) // SECOND, most=10**10, word="WRONG_DATE") * SECOND
        if not 0 <= end - start <= LONGEST_SPAN:
            raise Word("WRONG_DATE")
        limit, offset = p.count("limit", "size", default=50, most=100), p.count("offset", default=0, most=10**9)
        numbers = await self._bought.between(
            who.user, Kind.ACTIVATION, start, end + SECOND - 1, limit=limit, offset=offset
        )
        return shapes.as_json([self._history_row(one) for one in await self._bought.with_sms(numbers)])

    def _history_row(self, one: Held) -> dict[str, object]:
        """An SMS that came after the money had gone back is none here: a row with one says that it was paid for."""
        number, given_back = one.number, one.number.state in (State.CANCELLED, State.EXPIRED)
        texts = [sms.text for sms in one.sms if sms.text] if not given_back else []
        status = WAITING if number.is_open else GIVEN_BACK if given_back else SUCCESS
        return {
            "id": number.id,
            "date": shapes.clock(number.created_at),
            "phone": shapes.phone(number.phone),
            "sms": texts[-1] if texts else None,
            "cost": shapes.price(number.price),
            "status": status,
            "currency": self._currency,
        }
