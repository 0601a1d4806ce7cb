"""The services over a real database and an in-process supplier, on a clock that stands still until it is moved."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from bot.domain.catalogue import Catalogue, LiveCatalogue
from bot.domain.money import ONE
from bot.domain.numbers import TRANSITIONS, Kind, Number, State
from bot.domain.people import Limits, Role, Seen, User
from bot.domain.sms import IncomingSms
from bot.domain.time import SECOND, Ms
from bot.providers.base import WebhookRequest
from bot.providers.breaker import Breaker
from bot.providers.registry import Registry
from bot.providers.sandbox.adapter import SandboxProvider
from bot.providers.sandbox.notify import Notification
from bot.providers.sandbox.records import Received
from bot.providers.sandbox.world import SandboxWorld
from bot.providers.signature import sign
from bot.services.access import Access, Door
from bot.services.admins import Admins
from bot.services.again import Again
from bot.services.background import Background
from bot.services.backups import BackupPlan, Backups
from bot.services.catalogue import Offers
from bot.services.delivery import Delivery, Letter, Sender
from bot.services.hopeless import Hopeless
from bot.services.housekeeping import Housekeeping
from bot.services.inbox import Hook, Inbox
from bot.services.numbers import Numbers
from bot.services.pricing import Pricing
from bot.services.purchases import Purchases, Terms
from bot.services.reconcile import Reconcile
from bot.services.refresh import Refresh
from bot.services.renewals import Renewals
from bot.services.returns import Returns
from bot.services.rhythm import Sweep, Timing
from bot.services.shelf import Shelf
from bot.services.supply import Facts, Supply
from bot.services.tally import Tally
from bot.services.timekeeper import Timekeeper
from bot.services.wallet import Wallet
from bot.services.watch import Watch
from storage import ledger, numbers, outbox
from storage.db import Database, Reader
from storage.outbox import Owed

SECRET = "whsec_c2VydmljZXMtdGVzdC1zZWNyZXQtMDEyMzQ1Njc4OQ=="
HOOK_SECRET = "hook-secret-0123456789abcdef"
START: Ms = 1_700_000_000_000

T = TypeVar("T", bound="Services")


class ManualClock:
    def __init__(self, now: Ms = START) -> None:
        self.now = now

    def __call__(self) -> Ms:
        return self.now

    def advance(self, ms: Ms) -> None:
        self.now += ms


class Wire:
    """The supplier's entrance, which notes what was asked and lets a test act while a call is under way."""

    def __init__(self, world: SandboxWorld) -> None:
        self._world = world
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.before: dict[str, Callable[[], Awaitable[Any]]] = {}
        self.after: dict[str, Callable[[], Awaitable[Any]]] = {}

    async def __call__(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((verb, args))
        if (act := self.before.pop(verb, None)) is not None:
            await act()
        answer = await self._world.call(verb, args)
        if (act := self.after.pop(verb, None)) is not None:
            await act()
        return answer

    def count(self, verb: str) -> int:
        return sum(called == verb for called, _ in self.calls)


@dataclass
class Letterbox:
    """A messenger: what was sent, in order; `says` is raised in turn by the next sends, None meaning success."""

    sent: list[Letter] = field(default_factory=list)
    tried: list[Letter] = field(default_factory=list)
    says: list[Exception | None] = field(default_factory=list)
    says_to: dict[int, Exception] = field(default_factory=dict)
    gates: dict[int, asyncio.Event] = field(default_factory=dict)
    turns: dict[int, asyncio.Event] = field(default_factory=dict)
    """Chats in which nothing may leave before that."""

    @contextlib.asynccontextmanager
    async def turn(self, owed: Owed) -> AsyncIterator[Sender]:
        if (turn := self.turns.get(owed.chat_id)) is not None:
            await turn.wait()
        yield self.send

    async def send(self, letter: Letter) -> int | None:
        self.tried.append(letter)
        if (gate := self.gates.get(letter.owed.chat_id)) is not None:
            await gate.wait()
        refusal = self.says_to.get(letter.owed.chat_id) or (self.says.pop(0) if self.says else None)
        if refusal is not None:
            raise refusal
        self.sent.append(letter)
        return len(self.sent)

    def texts(self, chat_id: int | None = None) -> list[str]:
        """The SMS texts that arrived, in order."""
        letters = [one for one in self.sent if one.sms and chat_id in (None, one.owed.chat_id)]
        return [one.sms.text for one in letters if one.sms]

    def notices(self) -> list[str]:
        return [one.owed.notice for one in self.sent if one.owed.kind == "notice"]


class Services:
    """All services over any registry, wired as the program wires them; sweeps run when a test says so."""

    def __init__(self, db: Database, registry: Registry, clock: ManualClock, **options: Any) -> None:
        self.db, self.registry, self.clock = db, registry, clock
        self.in_order = True
        """Events are dated in their order: the clock was never set back while nobody saw it."""
        self.timing: Timing = options.get("timing") or Timing()
        self.woken: list[Sweep] = []
        self.background = Background()
        door = options.get("door") or Door(open_to_all=True)
        self.terms = Terms(options.get("prepaid", True), options.get("limits") or Limits(1000, 1000, 1000))
        pricing = Pricing(options.get("rates"), options.get("markup_percent", Decimal(0)))
        wake = self.woken.append
        self.access = Access(db, clock, self.timing, door)
        self.wallet = Wallet(db, clock)
        self.tally = Tally(db.read, clock)
        self.catalogue, self.shelf = LiveCatalogue(options.get("catalogue") or Catalogue.shipped()), Shelf(clock)
        self.refresh = Refresh(clock, self.registry, self.shelf, self.catalogue, self.background)
        self.offers = Offers(self.registry, self.catalogue, pricing, self.shelf, self.tally)
        self.purchases = Purchases(db, clock, self.timing, self.registry, self.offers, self.terms, wake)
        hooks = {provider.name: Hook(HOOK_SECRET) for provider in registry}
        self.inbox = Inbox(db, clock, self.registry, wake, hooks)
        self.numbers = Numbers(db, clock, self.timing, self.registry, self.inbox, wake)
        self.renewals = Renewals(db, clock, self.timing, self.registry, pricing, self.terms, self.numbers, wake)
        self.again = Again(self.registry, pricing, self.numbers, self.purchases)
        self.watch = Watch(db, clock, self.timing, self.registry, self.inbox, self.background, wake)
        admins = Admins(door.admin_ids)
        hopeless = Hopeless(db, clock, self.timing, admins, wake)
        self.reconcile = Reconcile(
            db, clock, self.timing, registry, self.inbox, self.purchases, self.renewals, hopeless, self.background, wake
        )
        facts = {one.name: options.get("facts") or Facts("sandbox", "USD", 5 * ONE) for one in registry}
        self.supply = Supply(db, clock, self.timing, registry, facts, self.tally, admins, self.background, wake)
        self.timekeeper = Timekeeper(db, clock, self.timing)
        self.housekeeping = Housekeeping(
            db, clock, self.timing, options.get("retention_days", 30), lambda: self.timekeeper.is_believed
        )
        plan = options.get("backups") or BackupPlan(Path("nowhere.db"), Path("nowhere"), 0)
        self.backups = Backups(db, clock, plan, admins, self.background, wake)
        self.letters, self.returns = Letterbox(), Returns(db, clock)
        self.delivery = self.new_delivery()

    def new_delivery(self, in_flight: int = 16) -> Delivery:
        return Delivery(
            self.db,
            self.clock,
            self.timing,
            self.numbers,
            self.letters,
            self.returns,
            self.woken.append,
            in_flight=in_flight,
        )

    async def person(self, user_id: int = 7, amount: str = "50") -> User:
        user = await self.access.see(Seen(user_id, f"Person {user_id}", language="en"))
        if user.role is Role.GUEST:
            async with self.db.transaction() as tx:
                await tx.all("UPDATE users SET role = 'member' WHERE id = $1", user_id)
            user = await self.access.see(Seen(user_id, f"Person {user_id}", language="en"))
        if amount != "0":
            await self.wallet.credit_as(None, user_id, amount, "top-up", key=f"seed:{user_id}:{amount}")
        return user

    async def quote(self, user: User, service: str = "wa", country: str = "GB", hours: int = 0) -> str:
        kind = Kind.RENTAL if hours else Kind.ACTIVATION
        offer = await self.offers.best(kind, service, country, hours)
        return (await self.purchases.quote(user, offer)).id

    async def buy(self, user: User, service: str = "wa", country: str = "GB", hours: int = 0) -> Number:
        return await self.purchases.allocate(user, await self.quote(user, service, country, hours))

    async def number(self, number: Number | int) -> Number:
        found = await numbers.get(self.db.read, number if isinstance(number, int) else number.id)
        assert found is not None
        return found

    async def state(self, number: Number | int) -> str:
        return (await self.number(number)).state.value

    async def money(self, user: User | int) -> tuple[int, int]:
        """(can be spent, set aside)."""
        user_id = user if isinstance(user, int) else user.id
        return await ledger.balance(self.db.read, user_id), await ledger.held(self.db.read, user_id)

    async def poll(self) -> None:
        await self.watch.poll()
        await self.background.drain(5)

    async def expire(self) -> None:
        await self.watch.expire()
        await self.background.drain(5)

    async def check(self) -> None:
        await self.reconcile.sweep()
        await self.background.drain(5)

    async def look(self) -> None:
        await self.supply.sweep()
        await self.background.drain(5)

    async def deliver(self, delivery: Delivery | None = None, passes: int = 60) -> None:
        """Sweep until nothing more can be sent now."""
        sender = delivery or self.delivery
        for _ in range(passes):
            await sender.sweep()
            await sender.drain(5)
            await asyncio.sleep(0)
            if not await outbox.due(self.db.read, self.clock(), 1):
                return

    async def owed(self, *states: str) -> list[str]:
        rows = await self.db.read.all("SELECT key, state FROM outbox ORDER BY id")
        return [row["key"] for row in rows if row["state"] in (states or ("pending",))]

    async def ledger_of(self, number: Number) -> list[str]:
        rows = await self.db.read.all("SELECT kind FROM transfers WHERE number_id = $1 ORDER BY rowid", number.id)
        return [row["kind"] for row in rows]


class House(Services):
    """The services over suppliers in this process, whose calls can be counted and acted upon."""

    def __init__(self, db: Database, worlds: dict[str, SandboxWorld], clock: ManualClock, **options: Any) -> None:
        self.worlds = worlds
        self.right_clock = options.get("right_clock") or clock
        self.world = next(iter(worlds.values()))
        self.wires = {name: Wire(world) for name, world in worlds.items()}
        self.wire = next(iter(self.wires.values()))
        secrets = (SECRET,) if options.get("signed", True) else ()
        self.providers = {
            name: SandboxProvider(name, wire, signing_secrets=secrets, timeout_s=5.0, clock=clock)
            for name, wire in self.wires.items()
        }
        guarded = {name: Breaker(one, clock) for name, one in self.providers.items()}
        super().__init__(db, Registry(guarded if options.get("guarded") else self.providers), clock, **options)

    def text(self, number: Number, text: str = "Your code is 123456", world: SandboxWorld | None = None) -> str:
        """An SMS arrives at the supplier; its id there."""
        assert number.phone is not None
        sms_id = (world or self.worlds[number.provider]).receive(number.phone, "Sender", text)
        assert sms_id is not None
        return sms_id

    def told(self, number: Number, sms_id: str, text: str = "Your code is 123456") -> WebhookRequest:
        """The supplier's webhook about it, signed."""
        sms = Received(sms_id, "Sender", text, self.right_clock())
        body = Notification("msg-1", str(number.provider_ref), sms).body()
        return WebhookRequest(sign(SECRET, "msg-1", self.clock() // SECOND, body), body)

    async def hook(self, number: Number, text: str = "Your code is 123456") -> None:
        """An SMS arrives and its webhook is taken."""
        await self.inbox.webhook(self.providers[number.provider], self.told(number, self.text(number, text), text))


async def eventually(holds: Callable[[], Awaitable[object]], within_s: float = 5.0) -> None:
    """Wait until it holds; raises TimeoutError."""
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.005)


def direct(number: Number, sms_id: str, text: str = "Your code is 123456", at: Ms = START) -> IncomingSms:
    return IncomingSms(str(number.provider_ref), sms_id, "Sender", text, at)


@contextlib.asynccontextmanager
async def keep_house(path: Path, names: tuple[str, ...] = ("sandbox",), **options: Any) -> AsyncIterator[House]:
    """A house over a database at `path`; its books are checked at the end."""
    clock = options.pop("clock", None) or ManualClock()
    worlds = options.pop("worlds", None) or {
        name: SandboxWorld(seed=place + 1, clock=clock, settings=options.get("settings"))
        for place, name in enumerate(names)
    }
    async with await Database.open(path, synchronous="OFF") as db, kept(House(db, worlds, clock, **options)) as house:
        yield house


@contextlib.asynccontextmanager
async def keep_services(path: Path, registry: Registry, clock: ManualClock, **options: Any) -> AsyncIterator[Services]:
    """The services over any suppliers, and a database at `path`; their books are checked at the end."""
    async with (
        await Database.open(path, synchronous="OFF") as db,
        kept(Services(db, registry, clock, **options)) as services,
    ):
        yield services


@contextlib.asynccontextmanager
async def kept(services: T) -> AsyncIterator[T]:
    """The services, whose books are checked at the end, and whose work is ended."""
    try:
        yield services
        await check_books(services.db.read, in_order=services.in_order)
    finally:
        await services.background.drain(1)
        await services.delivery.drain(1)


async def check_books(db: Reader, *, in_order: bool = True) -> None:
    """Every rule that must hold at every commit, recomputed from the rows. Raises AssertionError."""
    await check_money(db)
    await _check_holds(db)
    await _check_numbers(db, in_order=in_order)
    await _check_renewals(db)
    await _check_messages(db)
    assert not await db.all("PRAGMA foreign_key_check")


async def check_money(db: Reader) -> None:
    """Balances are what the transfers make them, and sum to nothing."""
    balances = {row["id"]: row["balance"] for row in await db.all("SELECT id, balance FROM accounts")}
    recomputed = dict.fromkeys(balances, 0)
    for row in await db.all("SELECT from_account, to_account, amount FROM transfers"):
        recomputed[row["from_account"]] -= row["amount"]
        recomputed[row["to_account"]] += row["amount"]
    assert balances == recomputed
    assert sum(balances.values()) == 0
    assert all(balance >= 0 for account, balance in balances.items() if account != "operator")
    open_holds = await db.one(
        """SELECT coalesce(sum(amount), 0) AS held FROM transfers h WHERE kind = 'hold'
           AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.hold_id = h.id AND r.kind IN ('capture', 'release'))"""
    )
    assert open_holds is not None
    assert balances["holds"] == open_holds["held"]


async def resolutions(db: Reader) -> dict[str, list[str]]:
    """What became of each hold, in order."""
    found: dict[str, list[str]] = {
        row["id"]: [] for row in await db.all("SELECT id FROM transfers WHERE kind = 'hold' ORDER BY rowid")
    }
    for row in await db.all("SELECT hold_id, kind FROM transfers WHERE hold_id IS NOT NULL ORDER BY rowid"):
        found[row["hold_id"]].append(row["kind"])
    return found


FINAL = {
    State.COMPLETED: (["capture"],),
    State.FAILED: (["release"],),
    State.CANCELLED: (["release"], ["capture", "refund"]),
    State.EXPIRED: (["release"], ["capture", "refund"]),
}
"""What may have become of the money of a number in each of its ends."""


async def _check_holds(db: Reader) -> None:
    for hold_id, resolved in (await resolutions(db)).items():
        subject = hold_id.partition(":")[0]
        table = {"n": "numbers", "r": "renewals"}[subject[0]]
        owner_id, _, attempt = subject[1:].partition(".")
        owner = await db.one(f"SELECT * FROM {table} WHERE id = $1", int(owner_id))  # noqa: S608
        assert owner is not None, hold_id
        if table == "numbers" and int(attempt or 1) < owner["attempt"]:
            assert resolved == ["release"], hold_id  # of a provider that refused before another one was asked
            continue
        assert resolved in ([], ["capture"], ["release"], ["capture", "refund"]), (hold_id, resolved)
        if table == "renewals":
            assert resolved == {"pending": [], "done": ["capture"], "failed": ["release"]}[owner["state"]], hold_id
        elif owner["closed_at"] is not None:
            assert resolved in FINAL[State(owner["state"])], (hold_id, owner["state"], resolved)
        else:
            assert "release" not in resolved, (hold_id, owner["state"])
            assert "refund" not in resolved, (hold_id, owner["state"])


async def _check_numbers(db: Reader, *, in_order: bool) -> None:
    allowed = {(source.value, target.value) for source, target in TRANSITIONS}
    for row in await db.all("SELECT * FROM numbers"):
        events = await db.all("SELECT * FROM number_events WHERE number_id = $1 ORDER BY id", row["id"])
        assert (events[0]["from_state"], events[0]["to_state"]) == (None, "buying")
        for before, after in pairwise(events):
            assert after["from_state"] == before["to_state"]
            assert (after["from_state"], after["to_state"]) in allowed
            assert after["at"] >= before["at"] or not in_order
        assert events[-1]["to_state"] == row["state"]
        assert events[-1]["reason"] == row["reason"]
        ordinals = await db.all("SELECT ordinal FROM sms WHERE number_id = $1 ORDER BY id", row["id"])
        assert [sms["ordinal"] for sms in ordinals] == list(range(1, row["sms_count"] + 1))


async def _check_renewals(db: Reader) -> None:
    twice = await db.all(
        "SELECT number_id FROM renewals WHERE state = 'pending' GROUP BY number_id HAVING count(*) > 1"
    )
    assert not twice
    closed = await db.all(
        """SELECT r.id FROM renewals r JOIN numbers n ON n.id = r.number_id
           WHERE r.state = 'pending' AND n.closed_at IS NOT NULL AND n.reason = 'released'"""
    )
    assert not closed


async def _check_messages(db: Reader) -> None:
    undelivered = await db.all(
        """SELECT s.id FROM sms s WHERE s.number_id IS NOT NULL AND s.text <> ''
           AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.sms_id = s.id)"""
    )
    assert not undelivered, "an SMS is owed to nobody"
    too_many = await db.all("SELECT key FROM outbox WHERE copies > 3")
    assert not too_many
    misplaced = await db.all(
        """SELECT o.key FROM outbox o JOIN chats c ON c.id = o.chat_id
           WHERE (o.state = 'parked') <> (c.parked_at IS NOT NULL) AND o.state IN ('pending', 'parked')"""
    )
    assert not misplaced
    waiting = await db.all(
        """SELECT s.id FROM sms s JOIN numbers n ON n.provider = s.provider AND n.provider_ref = s.provider_ref
           WHERE s.number_id IS NULL"""
    )
    assert not waiting, "an SMS of a known number was left unclaimed"
