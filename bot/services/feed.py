"""Events as programs read them: the same bytes for a webhook at each attempt, and in the event stream."""

import json
from typing import Any

from bot.domain.catalogue import LiveCatalogue
from bot.domain.numbers import Number
from bot.domain.people import User
from bot.domain.time import Ms
from bot.services.numbers import Numbers
from bot.services.wire import instant, is_used, message_body, number_body
from storage import events, numbers
from storage import sms as sms_store
from storage.db import Reader
from storage.events import Event


def event_id(number: int) -> str:
    """`7781` → `"e7781"`, by which receivers know an event that they have had."""
    return f"e{number}"


class Feed:
    def __init__(self, db: Reader, bought: Numbers, catalogue: LiveCatalogue, currency: str) -> None:
        self._db = db
        self._bought = bought
        self._catalogue = catalogue
        self._currency = currency

    async def after(self, user: User, after_id: int, since: Ms, limit: int) -> list[Event]:
        """A person's events that came after that one and not before `since`, oldest first."""
        return await events.after(self._db, user.id, after_id, since, limit)

    async def newest(self, user: User) -> int:
        """The id of a person's newest event; 0 where there is none."""
        return await events.newest(self._db, user.id)

    async def body(self, event: Event) -> bytes:
        """As docs/api.md has it, in JSON. An SMS whose text is past its retention has none."""
        told = {"type": event.type, "timestamp": instant(event.created_at), "data": await self._data(event)}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()

    async def _data(self, event: Event) -> dict[str, Any]:
        number = await numbers.get(self._db, event.number_id) if event.number_id is not None else None
        if number is None or event.then is None:
            return {}
        data = {"number": self._number(event, event.then.seen_in(number))}
        sms = await sms_store.get(self._db, event.sms_id) if event.sms_id is not None else None
        return data | ({"message": message_body(sms)} if sms is not None else {})

    def _number(self, event: Event, number: Number) -> dict[str, Any]:
        """As it was when the event happened."""
        renewing, charged = (event.then.renewing, event.then.charged) if event.then else (False, None)
        return number_body(
            number,
            self._bought.possible(number, event.created_at),
            charged=is_used(number) if charged is None else charged,
            service_name=self._catalogue.service_name(number.service),
            currency=self._currency,
            now=event.created_at,
            renewing=renewing,
        )
