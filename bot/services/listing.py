"""A person's numbers and messages as programs ask for them."""

from typing import Any, Literal, TypeAlias

from bot.domain.catalogue import LiveCatalogue
from bot.domain.errors import NotFound
from bot.domain.people import User
from bot.domain.sms import Sms
from bot.domain.time import Ms
from bot.services import wire
from bot.services.clock import Clock
from bot.services.numbers import Numbers
from storage import listing
from storage import sms as sms_store
from storage.db import Reader
from storage.listing import Shown

Which: TypeAlias = Literal["open", "closed", "all"]
NEWEST = 2**62
"""Above any id."""
WITH_A_NUMBER = 50
"""Messages that a list of numbers has of each."""


class Listing:
    """`currency`: of all amounts here."""

    def __init__(self, db: Reader, clock: Clock, numbers: Numbers, catalogue: LiveCatalogue, currency: str) -> None:
        self._db = db
        self._clock = clock
        self._numbers = numbers
        self._catalogue = catalogue
        self._currency = currency

    async def page(self, user: User, which: Which, before_id: int, limit: int) -> list[Shown]:
        """Newest first, older than `before_id`."""
        return await listing.page(self._db, user.id, before_id, limit, opened=which != "closed", closed=which != "open")

    async def by_ids(self, user: User, ids: list[int]) -> list[Shown]:
        return await listing.by_ids(self._db, user.id, ids)

    async def by_key(self, user: User, key: str) -> list[Shown]:
        """What was bought under this Idempotency-Key: one or none."""
        shown = await listing.by_key(self._db, user.id, key)
        return [shown] if shown else []

    async def one(self, user: User, number_id: int) -> Shown:
        """Raises NotFound for one that is not there or not theirs."""
        for shown in await listing.by_ids(self._db, user.id, [number_id]):
            return shown
        raise NotFound

    async def by_phone(self, user: User, phone: str) -> Shown:
        """Their newest allocation of it. Raises NotFound."""
        shown = await listing.by_phone(self._db, user.id, phone)
        if shown is None:
            raise NotFound
        return shown

    def body(self, shown: Shown) -> dict[str, Any]:
        """As docs/api.md has it."""
        return wire.number_body(
            shown.number,
            self._numbers.possible(shown.number),
            charged=wire.is_used(shown.number) if shown.charged is None else shown.charged,
            service_name=self._catalogue.service_name(shown.number.service),
            currency=self._currency,
            now=self._clock(),
            renewing=shown.renewing,
        )

    async def newest_messages(self, shown: Shown) -> list[Sms]:
        """The newest ones, oldest first."""
        if not shown.number.sms_count:
            return []
        return list(reversed(await sms_store.of_number(self._db, shown.number.id, WITH_A_NUMBER)))

    async def messages(self, shown: Shown, since: Ms, after_id: int, limit: int) -> list[Sms]:
        """Oldest first, later than the SMS `after_id`."""
        return await listing.messages(self._db, shown.number.id, since, after_id, limit)
