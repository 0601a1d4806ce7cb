"""Purchases whose answer is lost, through every supplier's own protocol, adapter and the whole service layer.

Whatever became of the answer, at the end there is exactly one number at the supplier, either its buyer's or given back
and charged to nobody, and the ledger says the same.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.domain.money import ONE
from bot.domain.numbers import Number, State
from bot.domain.people import User
from bot.domain.time import HOUR, MINUTE, SECOND
from bot.providers.handler_api.dialects import DIALECTS
from tests.simulators.sims import SIMS, Sim
from tests.simulators.spoiling import FAULTS
from tests.support.services import ManualClock, Services
from tests.support.suppliers import RENTALS, Site, a_site, at_work, patience_s

pytestmark = pytest.mark.asyncio(loop_scope="module")

PURSE = 50 * ONE
CANNOT_FIND = tuple(name for name, dialect in DIALECTS.items() if dialect.batch is None)
CAN_FIND = tuple(name for name in SIMS if name not in CANNOT_FIND)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Site]:
    async with a_site() as found:
        yield found


async def lose(services: Services, sim: Sim, user: User, fault: str, hours: int = 0) -> Number:
    """A purchase that is made, and whose answer is spoilt."""
    service, country = RENTALS[sim.name] if hours else ("wa", "GB")
    quote_id = await services.quote(user, service, country, hours)
    sim.line.spoil("allocate", fault)
    number = await services.purchases.allocate(user, quote_id)
    assert sim.line.all_spoilt
    assert number.state is State.BUYING, "no answer is neither a number nor a refusal"
    assert await services.money(user) == (PURSE - number.price, number.price)
    return number


async def settle(services: Services) -> None:
    """The answers are due by now: ask what became of them."""
    services.clock.advance(services.timing.answer_due)
    await services.check()


async def use(services: Services, sim: Sim, number: Number, code: str = "123456") -> None:
    """The code comes, and however often it is seen, it is told once and paid for once."""
    assert number.phone is not None
    sim.text(number.phone, "Sender", f"Your code is {code}")
    for _ in range(3):
        services.clock.advance(10 * SECOND)
        await services.poll()
    await services.deliver()
    assert (await services.numbers.seen(await services.number(number))).code == code
    assert len([text for text in services.letters.texts(number.user_id) if code in text]) == 1
    assert await services.ledger_of(number) == ["hold", "capture"]
    assert (await services.money(number.user_id))[1] == 0


async def adopted(services: Services, sim: Sim, number: Number) -> Number:
    """The purchase has found its number, the only one there is."""
    number = await services.number(number)
    assert [(line.phone, line.state) for line in sim.sold()] == [(number.phone, "open")]
    assert number.state is State.ACTIVE
    assert sim.asked.count("allocate") == 1
    return number


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CAN_FIND)
async def test_the_number_is_found_again_used_and_paid_for_once(
    site: Site, tmp_path: Path, name: str, fault: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path, patience_s(fault)) as services:
        user = await services.person()
        number = await lose(services, sim, user, fault)
        await settle(services)
        number = await adopted(services, sim, number)
        assert await services.money(user) == (PURSE - number.price, number.price)
        await use(services, sim, number)
        await services.numbers.finish(user, number.id)
        assert sim.ends() == [("finished", True)]
        assert await services.state(number) == "completed"
        assert await services.money(user) == (PURSE - number.price, 0)


@pytest.mark.parametrize("name", CAN_FIND)
async def test_the_number_is_found_although_the_program_has_ended_meanwhile(
    site: Site, tmp_path: Path, name: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        other = await services.buy(await services.person(8))
        number = await lose(services, sim, await services.person(), "reset")
    services.clock.advance(MINUTE)
    async with at_work(site, sim, tmp_path) as services:
        await services.check()
        number = await services.number(number)
        assert {line.phone for line in sim.sold()} == {number.phone, other.phone}
        await use(services, sim, number)
        await services.numbers.finish(await services.person(amount="0"), number.id)
        assert sorted(sim.ends()) == [("finished", True), ("open", False)]
        assert await services.state(other) == "active"


@pytest.mark.parametrize("name", CAN_FIND)
async def test_the_number_is_found_when_the_first_answers_to_that_question_are_lost_too(
    site: Site, tmp_path: Path, name: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        number = await lose(services, sim, await services.person(), "cut")
        for fault in ("reset", "html", "500", "cut"):
            sim.line.spoil("list", fault)
        await settle(services)
        while not sim.line.all_spoilt:
            assert await services.state(number) == "buying"
            services.clock.advance(MINUTE)
            await services.check()
        services.clock.advance(2 * MINUTE)
        await services.check()
        await adopted(services, sim, number)


@pytest.mark.parametrize("name", CAN_FIND)
async def test_a_code_that_was_there_before_the_number_was_found_is_told_and_paid_for(
    site: Site, tmp_path: Path, name: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        number = await lose(services, sim, await services.person(), "reset")
        services.clock.advance(10 * SECOND)
        [line] = sim.sold()
        sim.text(line.phone, "Sender", "Your code is 404142")
        await settle(services)
        number = await adopted(services, sim, number)
        await services.poll()
        await services.deliver()
        assert len([text for text in services.letters.texts() if "404142" in text]) == 1
        assert await services.ledger_of(number) == ["hold", "capture"]


@pytest.mark.parametrize("code", [False, True], ids=["without a code", "with a code"])
@pytest.mark.parametrize("name", CAN_FIND)
async def test_a_supplier_that_is_silent_until_the_end_costs_nobody_what_they_did_not_get(
    site: Site, tmp_path: Path, name: str, code: bool
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        user = await services.person()
        number = await lose(services, sim, user, "reset")
        [line] = sim.sold()
        sim.line.spoil("list", "500", times=1000)
        if code:
            sim.text(line.phone, "Sender", "Your code is 404142")
        while services.clock() < number.created_at + 25 * MINUTE:
            services.clock.advance(MINUTE)
            await services.check()
            assert await services.state(number) == "buying"
        sim.line.mend()
        for _ in range(5):
            services.clock.advance(10 * MINUTE)
            await services.check()
            await services.poll()
            await services.expire()
            await services.deliver()
        told = len([text for text in services.letters.texts() if "404142" in text])
        assert not (await services.number(number)).is_open
        assert told == (code and name not in DIALECTS), "the family does not show what has ended"
        assert await services.money(user) == (PURSE - number.price * told, 0)
        assert sim.ends() == [("finished" if code else "expired", code)]
        assert sim.asked.count("allocate") == 1


@pytest.mark.parametrize("name", CAN_FIND)
async def test_the_found_number_can_be_cancelled_for_its_money(site: Site, tmp_path: Path, name: str) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        user = await services.person()
        number = await lose(services, sim, user, "reset")
        await settle(services)
        number = await adopted(services, sim, number)
        services.clock.now = max(services.clock.now, number.cancel_from or 0)
        await services.numbers.cancel(user, number.id)
        await services.check()
        assert await services.state(number) == "cancelled"
        assert sim.ends() == [("cancelled", False)]
        assert await services.ledger_of(number) == ["hold", "release"]
        assert await services.money(user) == (PURSE, 0)


@pytest.mark.parametrize("name", CAN_FIND)
async def test_the_found_number_that_brings_nothing_costs_nothing(site: Site, tmp_path: Path, name: str) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        user = await services.person()
        number = await lose(services, sim, user, "cut")
        await settle(services)
        number = await adopted(services, sim, number)
        services.clock.now = number.expires_at or 0
        await services.expire()
        await services.check()
        assert await services.state(number) == "expired"
        assert sim.ends() == [("expired", False)]
        assert await services.ledger_of(number) == ["hold", "release"]
        assert await services.money(user) == (PURSE, 0)


@pytest.mark.parametrize("fault", ["cut", "reset"])
@pytest.mark.parametrize("name", CAN_FIND)
async def test_two_lost_at_once_become_two_numbers_and_each_code_its_own_persons(
    site: Site, tmp_path: Path, name: str, fault: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        people = [await services.person(7), await services.person(8)]
        quotes = [await services.quote(user) for user in people]
        sim.line.spoil("allocate", fault, times=2)
        bought = await asyncio.gather(*map(services.purchases.allocate, people, quotes))
        assert {number.state for number in bought} == {State.BUYING}
        await settle(services)
        await settle(services)
        found = [await services.number(number) for number in bought]
        assert {number.phone for number in found} == {line.phone for line in sim.sold()}
        assert len(sim.sold()) == 2
        for number, code in zip(found, ("111222", "333444"), strict=True):
            await use(services, sim, number, code)
        assert [len(services.letters.texts(user.id)) for user in people] == [1, 1]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CANNOT_FIND)
async def test_what_cannot_be_found_keeps_its_money_aside_until_the_supplier_has_given_it_back(
    site: Site, tmp_path: Path, name: str, fault: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path, patience_s(fault)) as services:
        user = await services.person()
        number = await lose(services, sim, user, fault)
        while sim.ends() == [("open", False)]:
            assert await services.state(number) == "buying"
            assert await services.money(user) == (PURSE - number.price, number.price)
            services.clock.advance(MINUTE)
            await services.check()
        assert services.clock() - number.created_at == 20 * MINUTE
        assert await services.state(number) == "buying", "their clock need not be ours"
        services.clock.advance(services.timing.lost_slack)
        await services.check()
        assert await services.state(number) == "failed"
        assert sim.ends() == [("expired", False)], "one number, charged to nobody"
        assert await services.ledger_of(number) == ["hold", "release"]
        assert await services.money(user) == (PURSE, 0)
        assert sim.asked.count("allocate") == 1


@pytest.mark.parametrize("name", CANNOT_FIND)
async def test_two_that_cannot_be_found_are_not_mixed_up_with_a_third_that_was_answered(
    site: Site, tmp_path: Path, name: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        people = [await services.person(user_id) for user_id in (7, 8, 9)]
        lost = [await lose(services, sim, user, "reset") for user in people[:2]]
        third = await services.buy(people[2])
        await settle(services)
        await use(services, sim, third)
        services.clock.advance(2 * HOUR)
        await services.expire()
        await services.check()
        assert [await services.state(number) for number in lost] == ["failed", "failed"]
        assert await services.state(third) == "completed"
        assert sorted(sim.ends()) == [("expired", False), ("expired", False), ("finished", True)]
        assert [await services.money(user) for user in people[:2]] == [(PURSE, 0), (PURSE, 0)]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", RENTALS)
async def test_a_rental_is_found_again_and_paid_for_once(site: Site, tmp_path: Path, name: str, fault: str) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path, patience_s(fault)) as services:
        user = await services.person()
        number = await lose(services, sim, user, fault, hours=24)
        await settle(services)
        number = await adopted(services, sim, number)
        assert await services.ledger_of(number) == ["hold", "capture"]
        await use(services, sim, number)
        assert sim.ends() == [("open", True)]
        assert await services.money(user) == (PURSE - number.price, 0)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ["sms-activate", "fivesim", "sandbox"])
async def test_the_same_number_again_is_found_used_and_paid_for_once_more(
    site: Site, tmp_path: Path, name: str, fault: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path, patience_s(fault)) as services:
        user = await services.person()
        first = await services.buy(user)
        await use(services, sim, first, "102030")
        await services.numbers.finish(user, first.id)
        quote = await services.again.quote(user, first.id)
        sim.line.spoil("again", fault)
        second = await services.purchases.allocate(user, quote.id)
        assert sim.line.all_spoilt
        assert second.state is State.BUYING
        await settle(services)
        second = await services.number(second)
        assert (second.state, second.phone) == (State.ACTIVE, first.phone)
        assert sim.ends() == [("finished", True), ("open", False)]
        await use(services, sim, second, "405060")
        await services.numbers.finish(user, second.id)
        assert sim.ends() == [("finished", True), ("finished", True)]
        assert await services.money(user) == (PURSE - first.price - second.price, 0)
        assert sim.asked.count("again") == 1
