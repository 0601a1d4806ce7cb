"""The rules: whatever people, suppliers, Telegram, the clock and the end of a process may do, in any order."""

import asyncio
import logging
import shutil
import sys
import tempfile
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import currently_in_test_context, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from bot.domain.numbers import Kind, Number, Quote
from bot.domain.time import HOUR, MINUTE, SECOND, Ms
from bot.providers.base import BadWebhook, WebhookRequest
from bot.providers.sandbox.notify import Notification
from bot.providers.sandbox.records import Received
from bot.providers.sandbox.world import SandboxWorld
from bot.providers.signature import sign
from storage import numbers
from storage.db import Database
from tests.chaos.stateful import audit, reckoning
from tests.chaos.stateful.books import Order, Text
from tests.chaos.stateful.chats import CAME_UNSURE, HANGS, LOST_UNSURE, NO_CONTACT, PUT_OFF, SENT
from tests.chaos.stateful.line import wish
from tests.chaos.stateful.reached import note_life
from tests.chaos.stateful.rig import OrderlyDatabase, Rig
from tests.support.services import SECRET, Services

T = TypeVar("T")

SERVICE, COUNTRY, HOURS = "go", "US", 4
PEOPLE = (1, 2)
SUPPLIERS = ("one", "two")
TEXTS = ("Your code is 111111", "Your code is 222222", "No code in this one")
MOST_LIVES = 6
BIG_JUMPS = 2
"""Of more than a day; messages are dropped after a week, texts emptied after a month."""

OTHERS = 5
which = st.integers(0, OTHERS)
"""One of several, the newest first."""
people = st.sampled_from(PEOPLE)
suppliers = st.sampled_from(SUPPLIERS)
REFUSALS = {
    "allocate": ("no_numbers", "price_risen", "provider_funds", "bad_key", "throttled", "provider_fault"),
    "again": ("no_numbers", "price_risen", "provider_funds", "throttled", "provider_fault"),
    "renew": ("price_risen", "denied", "provider_funds", "throttled", "provider_fault"),
    "cancel": ("denied", "cancel_too_early", "throttled", "provider_fault", "gone"),
    "finish": ("throttled", "provider_fault"),
    "another_code": ("denied", "throttled"),
    "find": ("throttled", "provider_fault", "bad_key"),
    "fetch": ("throttled", "provider_fault", "bad_key"),
    "stock": ("provider_fault",),
}
PLANS = ("lost_answer", "dropped", "garbage", "hold before", "hold before", "hold after")
VERBS = ("fetch", "fetch", "find", "find", "cancel", "finish", "stock", "allocate")
BEAT = ("clock", "poll", "expire", "check", "deliver")
beats = st.sampled_from((list(BEAT), ["check", "deliver", "expire", "poll", "clock"]))
"""All sweeps, as a second brings them: they run at once, and either may come first."""
SWEEPS = (*BEAT, "prune", "supply", "tally")


def plans(verb: str) -> st.SearchStrategy[str]:
    return st.sampled_from((*PLANS, *(f"refuse:{reason}" for reason in REFUSALS[verb])))


def say(line: str) -> None:
    """Printed with the steps of a life that fails."""
    if currently_in_test_context():
        note(line)


class Template:
    """A migrated file, made once."""

    folder: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def path(cls) -> Path:
        if cls.folder is None:
            memory = Path("/dev/shm")  # noqa: S108
            cls.folder = tempfile.TemporaryDirectory(prefix="machine-", dir=memory if memory.is_dir() else None)
            asyncio.run(cls._make(Path(cls.folder.name) / "template.db"))
        return Path(cls.folder.name) / "template.db"

    @staticmethod
    async def _make(path: Path) -> None:
        async with await Database.open(path, synchronous="OFF"):
            pass


class Machine(RuleBasedStateMachine):
    parts: type[Services] = Services
    database: type[OrderlyDatabase] = OrderlyDatabase

    def __init__(self) -> None:
        super().__init__()
        template = Template.path()
        self.folder = Path(tempfile.mkdtemp(dir=template.parent))
        shutil.copyfile(template, self.folder / "life.db")
        self.loop = asyncio.new_event_loop()
        self.rig = Rig(self.folder / "life.db", say, self.parts, self.database)
        self.orders: list[Order] = []
        self.jumps = 0
        self.turns = 0
        self.log = logging.getLogger("bot")
        self.log.addHandler(self.rig.complaints)
        self.log.propagate = False  # thousands of lives would bury the one that matters

    # plumbing

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def go(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        """Start it, and let everything go on as far as it can."""
        self.do(self._go(name, work))

    async def _go(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        self.rig.start(name, work)
        await self.rig.rest()
        await self._bury()

    async def _bury(self) -> None:
        if self.rig.dead:
            await self.rig.restart("came")
            await self.rig.rest()
        self.rig.chats.just_sent.clear()

    @property
    def books(self) -> Any:
        return self.rig.books

    @property
    def house(self) -> Services:
        return self.rig.services

    def pick(self, found: Sequence[T], place: int) -> T | None:
        return found[-1 - place % len(found)] if found else None

    def number(self, place: int, fit: str) -> tuple[Order, Number] | None:
        """One of the numbers that the program has for somebody and the verb is for, or sometimes is not."""
        rows = self.rig.file.all(f"SELECT id, quote_id, {fit} AS fits FROM numbers ORDER BY id")  # noqa: S608
        row = self.pick([one for one in rows if one["fits"] or place == OTHERS], place)
        if row is None:
            return None
        number = self.do(numbers.get(self.house.db.read, row["id"]))
        assert number is not None
        return self.books.order_of(row["quote_id"]), number

    # people: money and numbers

    @initialize(
        amounts=st.tuples(st.sampled_from(("30", "30", "30", "2")), st.sampled_from(("30", "30", "2", "0"))),
        wanted=st.lists(st.tuples(people, st.booleans()), min_size=1, max_size=3),
        lenient=suppliers,
    )
    def begin(self, amounts: tuple[str, str], wanted: list[tuple[int, bool]], lenient: str) -> None:
        self.rig.open_suppliers(lenient)
        self.do(self.rig.begin())
        for person, amount in zip(PEOPLE, amounts, strict=True):
            self.rig.people[person] = self.do(self.house.person(person, "0"))
            if amount != "0":
                self.credit(person, amount, twice=False)
        for person, rental in wanted:
            self.buy(person, rental, "", True)

    @rule(person=people, amount=st.sampled_from(("0.5", "3", "20")), twice=st.booleans())
    def credit(self, person: int, amount: str, twice: bool) -> None:
        key = f"credit:{self.books.now()}"
        for _ in range(1 + twice):
            lives = self.rig.lives
            self._credit(person, amount, key)
            if self.rig.lives != lives:
                self._credit(person, amount, key)
        self.books.credits[person] += round(float(amount) * 10_000)

    def _credit(self, person: int, amount: str, key: str) -> None:
        self.go("credit", self.house.wallet.credit_as(None, person, amount, "top-up", key=key))

    @rule(
        person=people,
        rental=st.sampled_from((False, False, True)),
        plan=st.one_of(st.just(""), plans("allocate")),
        confirmed=st.sampled_from((True, True, True, False)),
    )
    def buy(self, person: int, rental: bool, plan: str, confirmed: bool) -> None:
        """An offer is asked for and, mostly, confirmed; `plan` is what becomes of the call."""
        self.go("buying", self._buy(person, rental, plan, confirmed))

    async def _buy(self, person: int, rental: bool, plan: str, confirmed: bool) -> None:
        order = await self._quote(person, rental)
        self._plan(order.provider, "allocate", plan)
        if confirmed:
            await self._press(order)

    async def _quote(self, person: int, rental: bool) -> Order:
        kind, hours = (Kind.RENTAL, HOURS) if rental else (Kind.ACTIVATION, 0)
        offer = await self.house.offers.best(kind, SERVICE, COUNTRY, hours)
        return self._promised(person, await self.house.purchases.quote(self.rig.people[person], offer))

    def _promised(self, person: int, quote: Quote) -> Order:
        offer = quote.offer
        order = Order(
            len(self.books.orders), person, quote.id, offer.kind.value, offer.provider, offer.price, quote.at_most
        )
        self.books.orders.append(order)
        say(f"  {order}: a {order.kind} for {person}, {order.price} at {offer.provider}, {order.cap} at most")
        return order

    async def _press(self, order: Order) -> None:
        order.confirmed = True
        wish.set(order.quote_id)
        number, fresh = await self.house.purchases.begin(self.rig.people[order.person], order.quote_id)
        if fresh:
            await self.house.purchases.buy(number)

    @rule(place=which)
    def press(self, place: int) -> None:
        """Confirm, for the first time or once more."""
        if (order := self.pick(self.books.orders, place)) is not None:
            self.go(f"pressing {order}", self._press(order))

    @rule(
        place=which,
        raced=st.sampled_from(("", "", "before", "after")),
        plan=st.one_of(st.just(""), plans("cancel")),
        asked=st.booleans(),
    )
    def give_back(self, place: int, raced: str, plan: str, asked: bool) -> None:
        """An activation cancelled, a rental released; just before or after it a text arrives, which nobody sees."""
        fit = "state = 'active' AND (kind = 'rental' OR sms_count = 0)"
        if (found := self.number(place, fit)) is None:
            return
        order, number = found
        self._plan(number.provider, "cancel", plan)
        if raced == "before":
            self._text(number.provider, number.provider_ref, TEXTS[0])
        verbs = self.house.numbers
        verb = verbs.cancel if number.kind is Kind.ACTIVATION else verbs.release
        moment, user = self.books.now(), self.rig.people[order.person]
        self.go(f"giving back {order}", self._wish(order, moment, verb(user, number.id)))
        if raced == "after":
            self._text(number.provider, number.provider_ref, TEXTS[1])
        if asked:
            self.sweep(["check"])

    async def _wish(self, order: Order, moment: int, verb: Coroutine[Any, Any, Any]) -> None:
        await verb
        order.wished_back_at = order.wished_back_at or moment

    @rule(place=which, more=st.booleans(), plan=st.one_of(st.just(""), plans("finish")))
    def use(self, place: int, more: bool, plan: str) -> None:
        """Another code is asked for, or the number is finished."""
        if (found := self.number(place, "state = 'active' AND kind = 'activation' AND sms_count > 0")) is not None:
            order, number = found
            verb = self.house.numbers.another_code if more else self.house.numbers.finish
            self._plan(number.provider, "another_code" if more else "finish", plan)
            self.go(f"using {order}", verb(self.rig.people[order.person], number.id))

    @rule(place=which, plan=st.one_of(st.just(""), plans("renew")), twice=st.booleans())
    def renew(self, place: int, plan: str, twice: bool) -> None:
        if (found := self.number(place, "state = 'active' AND kind = 'rental'")) is not None:
            self.go(f"renewing {found[0]}", self._renew(*found, plan, twice))

    async def _renew(self, order: Order, number: Number, plan: str, twice: bool) -> None:
        user, service = self.rig.people[order.person], self.house.renewals
        quote = await service.quote(user, number.id, HOURS)
        self.books.renewals[quote.id], self.books.renewing[quote.id] = quote.offer.price, order
        wish.set(quote.id)
        self._plan(number.provider, "renew", plan)
        renewal, fresh = await service.begin(user, quote.id)
        if twice:
            assert (await service.begin(user, quote.id))[1] is False
        if fresh:
            await service.renew(renewal)

    @rule(place=which, plan=st.one_of(st.just(""), plans("again")))
    def again(self, place: int, plan: str) -> None:
        """The same number once more."""
        if (found := self.number(place, "state = 'completed' AND kind = 'activation'")) is not None:
            self.go(f"again {found[0]}", self._again(*found, plan))

    async def _again(self, before: Order, number: Number, plan: str) -> None:
        order = self._promised(before.person, await self.house.again.quote(self.rig.people[before.person], number.id))
        self._plan(order.provider, "again", plan)
        await self._press(order)

    # suppliers

    @rule(supplier=suppliers, place=which, text=st.sampled_from(TEXTS), hook=st.sampled_from(("", "signed", "hint")))
    def sms(self, supplier: str, place: int, text: str, hook: str) -> None:
        """A text arrives on a number that the supplier has sold: open or not, known to the program or not yet."""
        if (record := self.pick(self.rig.lines[supplier].world.record(), place)) is not None:
            self._text(supplier, record["provider_ref"], text, hook)

    def _text(self, supplier: str, provider_ref: str | None, text: str, hook: str = "") -> None:
        world = self.rig.lines[supplier].world
        phone = next((one["phone"] for one in world.record() if one["provider_ref"] == provider_ref), None)
        if phone is None:
            return
        newest = [one for one in world.record() if one["phone"] == phone][-1]
        in_time = newest["state"] in ("waiting", "received") and (not newest["sms"] or not self._is_over(world, newest))
        sms_id = str(world.receive(phone, "Sender", text))
        moment, received_at = self.books.now(), self.rig.clocks.right.now
        found = Text(sms_id, supplier, newest["provider_ref"], text, moment, received_at, in_time)
        self.books.texts.append(found)
        say(f"  {found.sms_id} on {found.provider_ref} ({newest['state']})")
        if hook:
            self._hook(found, hook)

    def _is_over(self, world: SandboxWorld, record: Mapping[str, Any]) -> bool:
        """By the program's clock, which may be ahead of its supplier's."""
        ends = {one["provider_ref"]: one["expires_at"] for one in world.phones()}
        return bool(ends[record["provider_ref"]] <= self.rig.clocks.ours())

    @rule(place=which, text=st.sampled_from(TEXTS), seen=st.sampled_from(("by a poll", "by a webhook", "not yet")))
    def code(self, place: int, text: str, seen: str) -> None:
        """What usually happens: a text arrives on a number that is open."""
        found = [one for one in self.rig.supplied() if one.record["state"] in ("waiting", "received")]
        if (one := self.pick(found, place)) is not None:
            self._text(one.provider, one.record["provider_ref"], text, "signed" if seen == "by a webhook" else "")
            if seen != "not yet":
                self.sweep(["poll", "deliver"])

    @rule(place=which, hook=st.sampled_from(("signed", "hint")))
    def webhook(self, place: int, hook: str) -> None:
        """The supplier tells of a text, for the first time or once more."""
        if (text := self.pick(self.books.texts, place)) is not None:
            self._hook(text, hook)

    def _hook(self, text: Text, hook: str) -> None:
        self.go(f"webhook of {text.sms_id}", self._tell(text, signed=hook == "signed"))

    async def _tell(self, text: Text, *, signed: bool) -> None:
        now = self.rig.clocks.right.now
        body = Notification(
            "msg-1", text.provider_ref, Received(text.sms_id, "Sender", text.text, text.received_at)
        ).body()
        headers = sign(SECRET, "msg-1", now // SECOND, body) if signed else {}
        provider = self.house.registry.get(text.provider)
        assert provider is not None
        try:
            await self.house.inbox.webhook(provider, WebhookRequest(headers, body))
        except BadWebhook:
            return
        text.told = True

    @rule(supplier=suppliers, verb=st.sampled_from(VERBS), data=st.data())
    def fault(self, supplier: str, verb: str, data: st.DataObject) -> None:
        """What becomes of the next call of a verb."""
        self._plan(supplier, verb, data.draw(plans(verb), label="plan"))

    def _plan(self, supplier: str, verb: str, plan: str) -> None:
        if plan:
            self.rig.lines[supplier].plans[verb].append(plan)

    @rule(
        supplier=suppliers,
        mode=st.sampled_from(("normal", "normal", "down", "empty")),
        percent=st.sampled_from((100, 100, 80, 125)),
    )
    def supplier(self, supplier: str, mode: str, percent: int) -> None:
        """`percent`: of what it really asks, its price list says so much; prices have risen since, or fallen."""
        line = self.rig.lines[supplier]
        line.world.mode, line.listed_percent = mode, percent

    @precondition(lambda self: self.rig.held)
    @rule(
        place=which,
        plan=st.sampled_from(("", "", "lost_answer", "dropped", "late", "refuse:provider_fault")),
        after=st.sampled_from((0, 0, MINUTE, 5 * MINUTE)),
    )
    def answer(self, place: int, plan: str, after: Ms) -> None:
        """A call that waits goes on; sometimes only when the program has looked after it in vain."""
        call = self.pick(self.rig.held, place)
        assert call is not None
        say(f"  {call}")
        if after:
            self.time_passes(after, list(BEAT))
        if call not in self.rig.held:
            return  # the program has died meanwhile
        if call.stage == "after":
            plan = plan and "lost_answer"
        elif plan == "lost_answer" and call.is_too_late:
            plan = "dropped"
        self.rig.held.remove(call)
        call.told.set_result(plan)
        self.go("an answer", self._nothing())

    async def _nothing(self) -> None:
        pass

    @precondition(lambda self: any(line.late for line in self.rig.lines.values()))
    @rule(place=which)
    def arrive(self, place: int) -> None:
        """A request whose sender has given up waiting takes effect."""
        call = self.pick([one for line in self.rig.lines.values() for one in line.late], place)
        assert call is not None
        call.line.late.remove(call)
        say(f"  {call}")
        if not call.is_too_late:
            self.do(call.line.take_effect(call))

    # Telegram

    @rule(
        person=people,
        says=st.lists(st.sampled_from((PUT_OFF, NO_CONTACT, CAME_UNSURE, LOST_UNSURE, HANGS, SENT)), max_size=3),
    )
    def telegram(self, person: int, says: list[str]) -> None:
        """What it says to the next messages to somebody."""
        self.rig.chats.plans[person].extend(says)

    @precondition(lambda self: self.rig.chats.held)
    @rule(place=which, says=st.sampled_from((SENT, PUT_OFF, CAME_UNSURE, LOST_UNSURE)))
    def telegram_answers(self, place: int, says: str) -> None:
        sending = self.pick(self.rig.chats.held, place)
        assert sending is not None
        self.rig.chats.held.remove(sending)
        sending.told.set_result(says)
        self.go("Telegram's answer", self._nothing())

    @rule(person=people)
    def block(self, person: int) -> None:
        """Or come back, after that."""
        if person in self.rig.chats.blocked:
            self.come_back(person)
        else:
            self.rig.chats.blocked.add(person)

    def come_back(self, person: int) -> None:
        self.rig.chats.blocked.discard(person)
        self.go("coming back", self.house.returns.came_back(person))

    # the program and time

    @rule(names=st.one_of(beats, st.lists(st.sampled_from(SWEEPS), min_size=1, max_size=4, unique=True)))
    def sweep(self, names: list[str]) -> None:
        self.do(self._sweep(names))

    async def _sweep(self, names: Sequence[str]) -> None:
        for name in names:
            await self.rig.sweep(name)
            await self._bury()
        self._drop_late()

    @rule(
        span=st.sampled_from(
            (SECOND, 10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 20 * MINUTE, 4 * HOUR, 25 * HOUR)
        ),
        beat=st.one_of(st.just([]), beats),
    )
    def time_passes(self, span: Ms, beat: list[str]) -> None:
        """With a beat of all sweeps at the end, or with the program busy, or away."""
        if span > 24 * HOUR:
            if self.jumps == BIG_JUMPS:
                return
            self.jumps += 1
        self.rig.clocks.right.advance(span)
        self._drop_late()
        if beat:
            self.sweep(beat)

    @rule(apart=st.sampled_from((0, 90 * SECOND, -90 * SECOND, HOUR, -HOUR)))
    def clock_is_set(self, apart: Ms) -> None:
        """The system's, by so much ahead of the suppliers' from now on."""
        self.rig.clocks.apart = apart

    def _drop_late(self) -> None:
        """A request that has been on its way for so long is lost: the program may count on that."""
        grace, clocks = self.house.timing.find_grace, self.rig.clocks
        for line in self.rig.lines.values():
            line.late = [
                call
                for call in line.late
                if clocks.right.now - call.sent_at[0] < grace and clocks.ours() - call.sent_at[1] < grace
            ]

    @precondition(lambda self: self.rig.lives < MOST_LIVES)
    @rule(sent=st.sampled_from(("came", "lost", "late")), after=st.sampled_from((0, 0, 1, 2, 3, 4, 5, 6)))
    def kill(self, sent: str, after: int) -> None:
        """The process is killed, now or at one of the next commits, before it or after, and starts again.

        What it was sending has come, is lost, or is still on its way.
        """
        if after:
            self.rig.dies_after = after
            return
        self.do(self.rig.restart(sent))
        self.go("start", self._nothing())

    # what must be

    def check_invariants(self, *args: Any) -> None:
        """After every step; not as a rule of Hypothesis's, which would print it as often."""
        if self.rig.lives:
            self.nothing_is_wrong()

    def nothing_is_wrong(self) -> None:
        rows = audit.Snapshot(self.rig.file)
        found = [*self.rig.complaints.heard, *audit.wrongs(rows, self.books, self.rig.supplied())]
        assert not found, "\n".join(found)

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None and self.rig.lives:
                self.settle_everything()
        finally:
            self.close()

    def settle_everything(self) -> None:
        """All is well from now on: everything must come to its end, and be as the suppliers' records say."""
        say("settle everything")
        rig = self.rig
        for line in rig.lines.values():
            line.plans.clear()
            line.late.clear()
            line.world.mode, line.listed_percent = "normal", 100
        rig.chats.plans.clear()
        rig.dies_after = 0
        while rig.held:
            self.answer(0, "", 0)
        while rig.chats.held:
            self.telegram_answers(0, SENT)
        for person in PEOPLE:
            self.come_back(person)
        for span in (*[MINUTE] * 4, *[11 * MINUTE] * 6, *[HOUR] * 6, *[4 * HOUR] * 60):
            rig.clocks.right.advance(span)
            self.do(self._beat_until_quiet())
            self.nothing_is_wrong()
            if not self._unsettled():
                break
        rig.clocks.right.advance(HOUR)
        self.do(self._beat_until_quiet())
        self.reckon()

    async def _beat_until_quiet(self) -> None:
        """As the program does: a sweep that has changed something wakes others at once."""
        for _ in range(5):
            woken = len(self.house.woken)
            await self._sweep(BEAT)
            if len(self.house.woken) == woken:
                return

    def _unsettled(self) -> bool:
        rows = audit.Snapshot(self.rig.file)
        still_open = any(line.world.open_numbers() for line in self.rig.lines.values())
        return still_open or rows.owed or bool(reckoning.unsettled(rows))

    def reckon(self) -> None:
        self.nothing_is_wrong()
        records = {one.record["ref"]: one.record for one in self.rig.supplied()}
        rows, rig = audit.Snapshot(self.rig.file), self.rig
        found = list(reckoning.wrongs(rows, rig.file, rig.books, records, rig.chats, rig.suspicions))
        assert not found, "\n".join(found)
        note_life(rows, rig.books, rig.chats, rig.lives)

    def close(self) -> None:
        self.log.removeHandler(self.rig.complaints)
        self.log.propagate = True
        if self.rig.lives:
            self.do(self.rig.end())
        self.loop.close()
        self.rig.file.close()
        shutil.rmtree(self.folder)
