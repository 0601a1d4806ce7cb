"""The person says which code it was, where we found another one or none."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.codes import Code, candidates
from bot.domain.errors import NotFound, OldButton
from bot.domain.people import User
from bot.domain.sms import Sms
from bot.services import settle
from bot.services.clock import Clock
from bot.services.numbers import Numbers, View
from bot.services.rhythm import Sweep, Wake
from storage import corrections, outbox
from storage import sms as sms_store
from storage.corrections import Corrected
from storage.db import Database

MOST_CHOICES = 6
MOST_SERVICES = 5


@dataclass(frozen=True, slots=True)
class Choices:
    """An SMS with what in it could be the code, the likeliest first, other than what is shown as its code now."""

    view: View
    sms: Sms
    codes: Sequence[Code]


def mark_of(code: Code) -> str:
    """What a button carries beside a place in the list, since another version of the program may list others."""
    return f"{zlib.crc32(code.value.encode('utf-8', 'surrogatepass')) & 0xFFFF:04x}"


class Corrections:
    def __init__(self, db: Database, clock: Clock, numbers: Numbers, wake: Wake) -> None:
        self._db = db
        self._clock = clock
        self._numbers = numbers
        self._wake = wake

    async def choices(self, user: User, sms_id: int) -> Choices:
        """Raises NotFound for an SMS that is not this person's, or whose text is not kept any more."""
        view, sms = await self._owned(user, sms_id)
        others = [one for one in _candidates(view, sms) if one.value not in (sms.code, sms.link)]
        return Choices(view, sms, others)

    async def pick(self, user: User, sms_id: int, mark: str) -> tuple[View, Sms]:
        """The candidate with that mark is the code; with no mark, there is none. Raises NotFound, OldButton."""
        view, sms = await self._owned(user, sms_id)
        picked = next((one for one in _candidates(view, sms) if mark_of(one) == mark), None) if mark else None
        if mark and picked is None:
            raise OldButton
        code, link = settle.split_link(picked)
        now = self._clock()
        async with self._db.transaction() as tx:
            if await sms_store.correct(tx, sms.id, code, link):
                await corrections.count(tx, view.number.service, "another" if picked else "none")
            await outbox.want_card(tx, settle.chat_of(view.number), view.number.id, now)
        self._wake(Sweep.DELIVER)
        return await self._owned(user, sms_id)

    async def most(self) -> list[Corrected]:
        """The services whose codes were set right most often."""
        return await corrections.most(self._db.read, MOST_SERVICES)

    async def _owned(self, user: User, sms_id: int) -> tuple[View, Sms]:
        sms = await sms_store.get(self._db.read, sms_id)
        if sms is None or sms.number_id is None or not sms.text:
            raise NotFound
        return await self._numbers.view(user, sms.number_id), sms


def _candidates(view: View, sms: Sms) -> Sequence[Code]:
    return candidates(sms.text, sms.sender, view.number.service)[:MOST_CHOICES]
