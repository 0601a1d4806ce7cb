"""The sandbox's side of the provider contract."""

from typing import Any

from bot.domain.sms import IncomingSms
from bot.domain.time import SECOND, Ms
from bot.providers.base import WebhookRequest
from bot.providers.sandbox.adapter import SandboxProvider
from bot.providers.sandbox.backend import Backend
from bot.providers.sandbox.notify import Notification
from bot.providers.sandbox.records import Received
from bot.providers.sandbox.world import SandboxWorld
from bot.providers.signature import sign

SECRET = "whsec_c2FuZGJveC1zZWNyZXQtZm9yLXRlc3Rz"


class ManualClock:
    def __init__(self, now: Ms = 1_700_000_000_000) -> None:
        self.now = now

    def __call__(self) -> Ms:
        return self.now


class SandboxDriver:
    def __init__(self, world: SandboxWorld, backend: Backend, clock: ManualClock, **options: Any) -> None:
        self.world = world
        self._clock = clock
        self.provider = SandboxProvider("sandbox", backend, signing_secrets=(SECRET,), clock=clock, **options)

    def now(self) -> Ms:
        return self._clock.now

    def advance(self, ms: Ms) -> None:
        self._clock.now += ms

    def text(self, phone: str, sender: str, text: str) -> None:
        assert self.world.receive(phone, sender, text) is not None

    def set_mode(self, mode: str) -> None:
        self.world.mode = mode

    def next_call(self, verb: str, fault: str) -> None:
        self.world.faults.add(verb, fault)

    def charged(self, ref: str) -> list[bool]:
        return [row["charged"] for row in self.world.record() if row["ref"] == ref]

    def webhook(self, sms: IncomingSms) -> WebhookRequest:
        received = Received(sms.sms_id, sms.sender, sms.text, sms.received_at)
        body = Notification("msg-1", sms.provider_ref, received).body()
        return WebhookRequest(sign(SECRET, "msg-1", self.now() // SECOND, body), body)
