"""A supplier of numbers behind a protocol: its books, its clock and its ill will."""

import itertools
import re
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.domain.money import ONE, Units
from bot.domain.time import HOUR, MINUTE, SECOND, Ms

_CODE = re.compile(r"\d{3,3}[- ]\d{3,3}|\d{4,8}")

DIALS = {"6": "62", "187": "1", "12": "1", "43": "49", "62": "90", "16": "44"}
COUNTRIES = {"6": "Indonesia", "187": "USA", "12": "USA (virtual)", "43": "Germany", "62": "Turkey", "16": "England"}
SERVICES = {"wa": "WhatsApp", "tg": "Telegram", "ya": "Yandex"}


class No(Exception):
    """The supplier refuses: a word of the family, and what belongs to it."""

    def __init__(self, word: str, **info: object) -> None:
        super().__init__(word)
        self.word = word
        self.info = info


@dataclass(slots=True)
class Sms:
    id: str
    sender: str
    text: str
    code: str
    at: Ms


@dataclass(slots=True)
class Line:
    """One number sold. `state`: open, finished, cancelled or expired."""

    id: str
    ref: str
    phone: str
    service: str
    country: str
    cost: Units
    hours: int
    at: Ms
    ends: Ms
    operator: str = ""
    state: str = "open"
    sms: list[Sms] = field(default_factory=list)
    waits: bool = True
    added: list[tuple[Ms, int, Units]] = field(default_factory=list)

    @property
    def charged(self) -> bool:
        return self.state != "cancelled" and (self.hours > 0 or bool(self.sms))


class Supplier:
    """`buying` is the reference under which the next purchase is noted; the protocol does not carry it."""

    lifetime: Ms = 20 * MINUTE
    cancel_after: Ms = 120 * SECOND
    refund: Ms = 20 * MINUTE
    rentals_wait = False
    """The time before a cancel is that of rentals too."""

    def __init__(self, clock: Callable[[], Ms], *, balance: Units = 1000 * ONE) -> None:
        self.clock = clock
        self.balance = balance
        self.mode = "normal"
        self.price: Units = 3500
        self.risen = 0
        self.banned_until: Ms = 0
        self.limit = 10**9
        self.services = dict(SERVICES)
        self.countries = dict(COUNTRIES)
        self.lines: dict[str, Line] = {}
        self.buying = ""
        self.orders: set[str] = set()
        self.extract: Callable[[str], str] = code_in
        self.faults: dict[str, deque[str]] = defaultdict(deque)
        self.asked: list[str] = []
        self.observers: list[Callable[[Line, Sms], None]] = []
        self.sold: list[Callable[[Line], None]] = []
        self._ids = itertools.count(635468021, 7)
        self._phones = itertools.count(1)

    def cost(self, country: str, hours: int = 0) -> Units:
        return self.price + 100 * int(country) + hours * 50

    def stock(self) -> int:
        return 0 if self.mode == "empty" else 4758

    def sell(
        self,
        service: str,
        country: str,
        cap: Units | None,
        hours: int = 0,
        order: str = "",
        *,
        operator: str = "",
        without: Sequence[str] = (),
    ) -> Line:
        """`without`: beginnings of phones that are not wanted."""
        self.settle()
        if order and order in self.orders:
            raise No("ORDER_ALREADY_EXISTS")
        self._check_sale(service, country, cap, hours)
        cost, now = self.cost(country, hours), self.clock()
        phone = self._phone(country, without)
        ends = now + (hours * HOUR if hours else self.lifetime)
        line = Line(str(next(self._ids)), self.buying, phone, service, country, cost, hours, now, ends, operator)
        self.lines[line.id] = line
        self.balance -= cost
        self.orders.add(order)
        for tell in self.sold:
            tell(line)
        return line

    def _phone(self, country: str, without: Sequence[str]) -> str:
        if not all(beginning.isdigit() for beginning in without):
            raise No("WRONG_EXCEPTION_PHONE")
        number = next(self._phones)
        phones = (f"{DIALS[country]}{series}{number:09d}" for series in (5, 8))
        phone = next((one for one in phones if not one.startswith(tuple(without))), None)
        if phone is None:
            raise No("NO_NUMBERS")
        return phone

    def _check_sale(self, service: str, country: str, cap: Units | None, hours: int) -> None:
        if self.banned_until > self.clock():
            raise No("BANNED", until=self.banned_until)
        if service not in self.services and not (hours and service == "full"):
            raise No("BAD_SERVICE")
        if country not in self.countries:
            raise No("BAD_COUNTRY")
        if self.mode == "empty":
            raise No("NO_NUMBERS")
        if sum(line.state == "open" for line in self.lines.values()) >= self.limit:
            raise No("CHANNELS_LIMIT")
        self._check_price(self.cost(country, hours), cap)

    def _check_price(self, cost: Units, cap: Units | None) -> None:
        if self.risen:
            self.risen -= 1
            raise No("WRONG_MAX_PRICE", min=cost + 100)
        if cap is not None and cap < cost:
            raise No("WRONG_MAX_PRICE", min=cost)
        if self.balance < cost:
            raise No("NO_BALANCE")

    def line(self, line_id: str) -> Line:
        self.settle()
        if line_id not in self.lines:
            raise No("NO_ACTIVATION")
        return self.lines[line_id]

    def open(self) -> list[Line]:
        self.settle()
        return [line for line in self.lines.values() if line.state == "open"]

    def receive(self, phone: str, sender: str, text: str) -> Sms:
        """Kept only while the number is open: the family shows nothing of what comes later."""
        self.settle()
        line = next(line for line in reversed(self.lines.values()) if line.phone == phone.lstrip("+"))
        sms = Sms(str(next(self._ids)), sender, text, self.extract(text), self.clock())
        if line.state == "open":
            line.sms.append(sms)
            line.waits = False
            for tell in self.observers:
                tell(line, sms)
        return sms

    def again(self, line: Line) -> None:
        if line.state != "open" or not line.sms:
            raise No("BAD_STATUS")
        line.waits = True

    def finish(self, line: Line) -> None:
        if line.state != "open" or not (line.sms or line.hours):
            raise No("BAD_STATUS")
        line.state = "finished"

    def cancel(self, line: Line) -> None:
        """With the family's own excuse for each reason."""
        age = self.clock() - line.at
        if line.state != "open":
            raise No("ACTIVATION_NOT_ACTIVE")
        if line.sms:
            raise No("OTP_RECEIVED")
        if line.hours and (age >= self.refund or line.added):
            raise No("FREE_CANCELLATION_EXPIRED")
        if age < self.cancel_after and (not line.hours or self.rentals_wait):
            raise No("EARLY_CANCEL_DENIED")
        self._refund(line, "cancelled")

    def prolong(self, line: Line, hours: int) -> None:
        if line.state != "open":
            raise No("RENT_DIE")
        cost = self.cost(line.country, hours)
        if self.balance < cost:
            raise No("NO_BALANCE")
        self.balance -= cost
        line.ends += hours * HOUR
        line.added.append((self.clock(), hours, cost))

    def settle(self) -> None:
        """Whatever is over by the clock is over."""
        for line in self.lines.values():
            if line.state == "open" and line.ends <= self.clock():
                if line.sms or line.hours:
                    line.state = "finished"
                else:
                    self._refund(line, "expired")

    def _refund(self, line: Line, state: str) -> None:
        line.state = state
        self.balance += line.cost

    def charged(self, ref: str) -> list[bool]:
        self.settle()
        return [line.charged for line in self.lines.values() if line.ref == ref]


def code_in(text: str) -> str:
    """What the supplier takes for the code; the whole text where it finds none."""
    match = _CODE.search(text)
    return match[0] if match else text
