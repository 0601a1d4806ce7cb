"""What a person has bought of one kind, as lists for programs: open numbers, those of a span of time, and renewals."""

from dataclasses import dataclass

from bot.domain.numbers import Kind, Number
from bot.domain.people import User
from bot.domain.sms import Sms
from bot.domain.time import Ms
from bot.services.numbers import Numbers
from storage import bought, renewals
from storage.db import Database
from storage.renewals import Renewal

MOST = 10_000


@dataclass(frozen=True, slots=True)
class Held:
    """A number with its SMS, oldest first."""

    number: Number
    sms: tuple[Sms, ...]


class Bought:
    def __init__(self, db: Database, numbers: Numbers) -> None:
        self._db = db
        self._numbers = numbers

    async def open(self, user: User, kind: Kind, *, limit: int = MOST, offset: int = 0) -> list[Number]:
        """Newest first, without those that are still being bought."""
        return await bought.open_of(self._db.read, user.id, kind, limit, offset)

    async def between(
        self, user: User, kind: Kind, first: Ms, last: Ms, *, limit: int = MOST, offset: int = 0
    ) -> list[Number]:
        """Bought from `first` to `last`, newest first."""
        return await bought.between(self._db.read, user.id, kind, first, last, limit, offset)

    async def with_sms(self, numbers: list[Number]) -> list[Held]:
        sms = await bought.sms_of(self._db.read, [number.id for number in numbers if number.sms_count])
        return [Held(number, tuple(sms.get(number.id, ()))) for number in numbers]

    async def sms_page(self, user: User, number_id: int, *, limit: int, offset: int) -> list[Sms]:
        """Newest first. Raises NotFound."""
        view = await self._numbers.view(user, number_id)
        return await bought.sms_page(self._db.read, view.number.id, limit, offset)

    async def renewals(self, user: User, number_id: int) -> list[Renewal]:
        """Those of a number of this person's that took effect, oldest first. Raises NotFound."""
        view = await self._numbers.view(user, number_id)
        return await renewals.done_of(self._db.read, view.number.id)
