"""What this process has seen of its numbers. Losing it loses no number and no SMS: see docs/providers.md."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.domain.numbers import Kind
from bot.domain.sms import IncomingSms, derived_sms_id
from bot.domain.time import Ms
from bot.providers.base import RemoteNumber, RemoteState

MOST = 100_000


@dataclass(slots=True)
class Known:
    """One number. `whole`: seen from its purchase on, so that its codes can be counted."""

    ref: str
    kind: Kind = Kind.ACTIVATION
    whole: bool = False
    expires_at: Ms | None = None
    sms: list[IncomingSms] = field(default_factory=list)
    waiting: bool = True
    """No SMS yet, or none since another was asked for."""
    ended: RemoteState | None = None
    """As we ended it ourselves."""
    seen: object = None
    """The batch row whose SMS have been read."""
    looked: int = 0
    """The turn of the youngest question whose answer has been taken in."""
    renewed_hours: int | None = None
    """By the member's record, when it was last read."""
    renewal_asked_at: Ms | None = None
    """When a renewal was asked for whose answer was lost, while it may still show."""

    def remote(self, state: RemoteState | None = None) -> RemoteNumber:
        now = RemoteState.WAITING if self.waiting or not self.sms else RemoteState.RECEIVED
        return RemoteNumber(self.ref, state or now, self.expires_at, tuple(self.sms))

    def take(self, found: Sequence[IncomingSms]) -> None:
        """SMS with ids of their own; what is known keeps its time and place."""
        have = {sms.sms_id for sms in self.sms}
        fresh = [sms for sms in found if sms.sms_id not in have]
        for sms in fresh:
            latest = self.sms[-1].received_at if self.sms else 0
            self.sms.append(sms if sms.received_at > latest else replace(sms, received_at=latest + 1))
        if fresh:
            self.waiting = False

    def take_code(self, code: str, now: Ms) -> None:
        """A code of which nothing else is known. The same one again is another SMS if there was a wait between."""
        if self.sms and self.sms[-1].text == code and not self.waiting:
            return
        times = sum(sms.text == code for sms in self.sms)
        mark = "" if not times else str(times + 1) if self.whole else f"at {now}"
        self.take([IncomingSms(self.ref, derived_sms_id(self.ref, "", code, mark), "", code, now)])

    def take_vague(self, text: str, now: Ms) -> None:
        """What is left of an SMS where its protocol shows whole ones: it may have been read before, also by
        a process before this one."""
        if not any(text in sms.text for sms in self.sms):
            self.take([IncomingSms(self.ref, derived_sms_id(self.ref, "", text, ""), "", text, now, vague=True)])

    def wait(self, last: str, now: Ms) -> None:
        """It waits, and `last` is the code that came before, if one did."""
        if last and not self.sms:
            self.take_code(last, now)
        self.waiting = True


class Memory:
    """Numbers by reference, and which of our purchases each belongs to; the longest unused are forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._owner: OrderedDict[str, str] = OrderedDict()
        self._turn = 0

    def turn(self) -> int:
        """To be taken before a question is asked: answers overtake each other."""
        self._turn += 1
        return self._turn

    def get(self, ref: str) -> Known:
        known = self._known.setdefault(ref, Known(ref))
        self._known.move_to_end(ref)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return known

    def peek(self, ref: str) -> Known | None:
        return self._known.get(ref)

    def sold(self, provider_ref: str, kind: Kind, expires_at: Ms, ours: str) -> Known:
        known = self.get(provider_ref)
        known.kind, known.expires_at, known.whole = kind, expires_at, True
        self._owner[provider_ref] = ours
        while len(self._owner) > MOST:
            self._owner.popitem(last=False)
        return known

    def owner(self, provider_ref: str) -> str | None:
        return self._owner.get(provider_ref)
