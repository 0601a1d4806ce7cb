"""A number as the sandbox keeps it: the supplier's truth about its time, its SMS and whether it is charged."""

from dataclasses import dataclass, field
from typing import Any

from bot.domain.money import Units
from bot.domain.numbers import Kind
from bot.domain.time import HOUR, Ms
from bot.providers.base import RemoteState


class Reject(Exception):
    """A verb that the sandbox refuses: `code` is a reason of ProviderError, `extra` goes into the answer."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


@dataclass(frozen=True, slots=True)
class Received:
    """One SMS. Equal texts have different ids."""

    id: str
    sender: str
    text: str
    received_at: Ms


@dataclass(frozen=True, slots=True)
class Renewal:
    key: str
    hours: int
    cost: Units
    expires_at: Ms


@dataclass(slots=True)
class Record:
    """`waiting` ⇄ `received` while open; then `finished` (charged), or `cancelled` or `expired` (not charged).

    An activation is charged by its first SMS in time, a rental by its sale.
    """

    ref: str
    provider_ref: str
    phone: str
    service: str
    country: str
    kind: Kind
    cost: Units
    hours: int
    expires_at: Ms
    cancel_from: Ms | None
    refund_until: Ms | None
    charged: bool
    state: RemoteState = RemoteState.WAITING
    sms: list[Received] = field(default_factory=list)
    renewals: list[Renewal] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return not self.state.closed

    def receive(self, sms: Received) -> None:
        """A late SMS is kept, and changes neither the state nor the charge."""
        self.sms.append(sms)
        if self.is_open:
            self.charged = True
            self.state = RemoteState.RECEIVED

    def expire(self) -> None:
        self.state = RemoteState.FINISHED if self.charged else RemoteState.EXPIRED

    def another_code(self) -> None:
        if not self.is_open or self.kind is Kind.RENTAL:
            raise Reject("denied")
        self.state = RemoteState.WAITING

    def finish(self) -> None:
        """An activation without SMS has nothing to finish. A second time changes nothing."""
        if self.state is RemoteState.FINISHED:
            return
        if not self.is_open or not self.charged:
            raise Reject("denied")
        self.state = RemoteState.FINISHED

    def cancel(self, now: Ms, *, also_used: bool = False) -> None:
        """A second time changes nothing."""
        if self.state is RemoteState.CANCELLED:
            return
        if not self.is_open or self.renewals or (self.sms and not also_used):
            raise Reject("denied")
        if self.refund_until is not None and now >= self.refund_until:
            raise Reject("denied")
        if self.cancel_from is not None and now < self.cancel_from:
            raise Reject("cancel_too_early", at=self.cancel_from)
        self.state = RemoteState.CANCELLED
        self.charged = False

    def renew(self, key: str, hours: int, cost: Units) -> Renewal:
        """Adds to the end, also when there is time left."""
        self.expires_at += hours * HOUR
        renewal = Renewal(key, hours, cost, self.expires_at)
        self.renewals.append(renewal)
        return renewal

    def as_sold(self) -> dict[str, Any]:
        return {
            "provider_ref": self.provider_ref,
            "phone": self.phone,
            "cost": self.cost,
            "expires_at": self.expires_at,
            "cancel_from": self.cancel_from,
            "refund_until": self.refund_until,
        }

    def as_fetched(self) -> dict[str, Any]:
        return {
            "provider_ref": self.provider_ref,
            "state": self.state.value,
            "expires_at": self.expires_at,
            "sms": [as_json(sms) for sms in self.sms],
        }

    def as_phone(self) -> dict[str, Any]:
        return {
            "phone": self.phone,
            "provider_ref": self.provider_ref,
            "service": self.service,
            "country": self.country,
            "kind": self.kind.value,
            "state": self.state.value,
            "expires_at": self.expires_at,
            "sms_count": len(self.sms),
        }

    def as_record(self) -> dict[str, Any]:
        return {
            "ref": self.ref,
            "provider_ref": self.provider_ref,
            "phone": self.phone,
            "service": self.service,
            "country": self.country,
            "kind": self.kind.value,
            "cost": self.cost,
            "state": self.state.value,
            "charged": self.charged,
            "sms": len(self.sms),
            "renewals": [{"hours": renewal.hours, "cost": renewal.cost} for renewal in self.renewals],
        }


def as_json(sms: Received) -> dict[str, Any]:
    return {"id": sms.id, "sender": sms.sender, "text": sms.text, "received_at": sms.received_at}
