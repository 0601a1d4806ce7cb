"""Cancels, ends, wishes for another code and renewals whose answer is lost, through every supplier's own protocol.

The deed is done and nobody says so: at the end the person has paid for what they got, once, and the supplier agrees.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.domain.errors import ProviderFault
from bot.domain.money import ONE
from bot.domain.numbers import Number
from bot.domain.people import User
from bot.domain.time import HOUR, SECOND
from bot.providers.handler_api.dialects import DIALECTS
from tests.simulators.sims import SIMS, Sim
from tests.simulators.spoiling import FAULTS
from tests.support.services import ManualClock, Services
from tests.support.suppliers import RENTALS, Site, a_site, at_work, patience_s

pytestmark = pytest.mark.asyncio(loop_scope="module")

PURSE = 50 * ONE
SENDS_MORE_BY_ITSELF = ("fivesim",)
RENEWS = tuple(name for name in RENTALS if name != "fivesim")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Site]:
    async with a_site() as found:
        yield found


async def bought(services: Services, sim: Sim, hours: int = 0) -> tuple[User, Number]:
    """A number that its supplier would take back by now."""
    user = await services.person()
    service, country = RENTALS[sim.name] if hours else ("wa", "GB")
    number = await services.buy(user, service, country, hours)
    services.clock.now = max(services.clock.now, number.cancel_from or 0)
    return user, number


async def comes(services: Services, sim: Sim, number: Number, code: str) -> None:
    assert number.phone is not None
    sim.text(number.phone, "Sender", f"Your code is {code}")
    await looked(services)


async def looked(services: Services) -> None:
    """Some time passes with its polls, and what came is delivered."""
    for _ in range(2):
        services.clock.advance(10 * SECOND)
        await services.poll()
    await services.deliver()


async def tried_again(services: Services) -> None:
    services.clock.advance(services.timing.retry)
    await services.check()


def told(services: Services) -> list[str]:
    """The codes in the chats, in their order."""
    return [text[-6:] for text in services.letters.texts()]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", SIMS)
async def test_a_cancel_gives_its_money_back_once_and_only_when_it_is_confirmed(
    site: Site, tmp_path: Path, name: str, fault: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path, patience_s(fault)) as services:
        user, number = await bought(services, sim)
        sim.line.spoil("cancel", fault)
        await services.numbers.cancel(user, number.id)
        await services.check()
        assert sim.line.all_spoilt
        assert sim.ends() == [("cancelled", False)]
        assert await services.state(number) == "cancelling"
        assert await services.money(user) == (PURSE - number.price, number.price)
        await looked(services)
        await tried_again(services)
        assert await services.state(number) == "cancelled"
        await tried_again(services)
        assert await services.ledger_of(number) == ["hold", "release"]
        assert await services.money(user) == (PURSE, 0)
        assert sim.ends() == [("cancelled", False)]


@pytest.mark.parametrize("name", SIMS)
async def test_a_cancel_of_before_a_crash_gives_its_money_back_once(site: Site, tmp_path: Path, name: str) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        user, number = await bought(services, sim)
        sim.line.spoil("cancel", "reset")
        await services.numbers.cancel(user, number.id)
        await services.check()
    async with at_work(site, sim, tmp_path) as services:
        assert await services.state(number) == "cancelling"
        await services.check()
        assert await services.state(number) == "cancelled"
        assert await services.ledger_of(number) == ["hold", "release"]
        assert sim.ends() == [("cancelled", False)]


@pytest.mark.parametrize("fault", ["cut", "timeout"])
@pytest.mark.parametrize("name", SIMS)
async def test_a_cancel_that_was_refused_for_a_code_pays_for_the_code_although_nobody_said_so(
    site: Site, tmp_path: Path, name: str, fault: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path, patience_s(fault)) as services:
        user, number = await bought(services, sim)
        phone = str(number.phone)
        sim.line.before["cancel"] = lambda: sim.text(phone, "Sender", "Your code is 515253")
        sim.line.spoil("cancel", fault)
        await services.numbers.cancel(user, number.id)
        await services.check()
        assert await services.state(number) == "cancelling"
        await tried_again(services)
        await looked(services)
        assert await services.state(number) == "active"
        assert told(services) == ["515253"]
        assert await services.ledger_of(number) == ["hold", "capture"]
        assert sim.ends() == [("open", True)]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", SIMS)
async def test_an_end_is_found_to_have_happened_and_paid_for_once(
    site: Site, tmp_path: Path, name: str, fault: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path, patience_s(fault)) as services:
        user, number = await bought(services, sim)
        await comes(services, sim, number, "616263")
        sim.line.spoil("finish", fault)
        with pytest.raises(ProviderFault):
            await services.numbers.finish(user, number.id)
        assert sim.line.all_spoilt
        assert await services.state(number) == "active"
        await looked(services)
        assert await services.state(number) == "completed"
        assert await services.ledger_of(number) == ["hold", "capture"]
        assert await services.money(user) == (PURSE - number.price, 0)
        assert told(services) == ["616263"]
        assert sim.ends() == [("finished", True)]


@pytest.mark.parametrize("crashed", [False, True], ids=["", "after a crash"])
@pytest.mark.parametrize("name", SIMS)
async def test_an_end_that_is_asked_for_again_is_an_end(site: Site, tmp_path: Path, name: str, crashed: bool) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        user, number = await bought(services, sim)
        await comes(services, sim, number, "616263")
        sim.line.spoil("finish", "reset")
        with pytest.raises(ProviderFault):
            await services.numbers.finish(user, number.id)
        if not crashed:
            await services.numbers.finish(user, number.id)
    async with at_work(site, sim, tmp_path) as services:
        if crashed:
            await services.numbers.finish(user, number.id)
        assert await services.state(number) == "completed"
        assert await services.ledger_of(number) == ["hold", "capture"]
        assert sim.ends() == [("finished", True)]


@pytest.mark.parametrize(("second", "fault"), [*(("818283", fault) for fault in FAULTS), ("717273", "reset")])
@pytest.mark.parametrize("name", [name for name in SIMS if name not in SENDS_MORE_BY_ITSELF])
async def test_another_code_comes_once_and_costs_nothing_more(
    site: Site, tmp_path: Path, name: str, second: str, fault: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path, patience_s(fault)) as services:
        user, number = await bought(services, sim)
        await comes(services, sim, number, "717273")
        sim.line.spoil("another_code", fault)
        with pytest.raises(ProviderFault):
            await services.numbers.another_code(user, number.id)
        assert sim.line.all_spoilt
        await looked(services)
        await comes(services, sim, number, second)
        assert told(services) == ["717273", second]
        assert await services.ledger_of(number) == ["hold", "capture"]
        assert await services.money(user) == (PURSE - number.price, 0)
        await services.numbers.finish(user, number.id)
        assert sim.ends() == [("finished", True)]


@pytest.mark.parametrize("name", [name for name in SIMS if name not in SENDS_MORE_BY_ITSELF])
async def test_another_code_that_is_asked_for_again_comes_once(site: Site, tmp_path: Path, name: str) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        user, number = await bought(services, sim)
        await comes(services, sim, number, "717273")
        sim.line.spoil("another_code", "cut")
        with pytest.raises(ProviderFault):
            await services.numbers.another_code(user, number.id)
        await services.numbers.another_code(user, number.id)
        await comes(services, sim, number, "717273")
        assert told(services) == ["717273", "717273"]
        assert await services.ledger_of(number) == ["hold", "capture"]


async def renewing(services: Services, sim: Sim, user: User, number: Number, fault: str) -> int:
    """A renewal by a day that is done, and whose answer is spoilt; its id."""
    quote = await services.renewals.quote(user, number.id, 24)
    renewal, fresh = await services.renewals.begin(user, quote.id)
    assert fresh
    sim.line.spoil("renew", fault)
    await services.renewals.renew(renewal)
    assert sim.line.all_spoilt
    assert await services.money(user) == (PURSE - number.price - renewal.price, renewal.price)
    return renewal.id


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", RENEWS)
async def test_a_renewal_is_seen_by_its_end_and_paid_for_once(
    site: Site, tmp_path: Path, name: str, fault: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path, patience_s(fault)) as services:
        user, number = await bought(services, sim, hours=24)
        await renewing(services, sim, user, number, fault)
        services.clock.advance(services.timing.answer_due)
        await services.check()
        assert await services.ledger_of(number) == ["hold", "capture", "hold", "capture"]
        renewed = await services.number(number)
        assert renewed.expires_at == (number.expires_at or 0) + 24 * HOUR
        assert sim.asked.count("renew") == 1
        services.clock.now = (number.expires_at or 0) + HOUR
        await services.expire()
        assert (await services.state(number), sim.ends()) == ("active", [("open", True)])
        services.clock.now = renewed.expires_at + SECOND
        await services.expire()
        assert (await services.state(number), sim.ends()) == ("completed", [("finished", True)])


@pytest.mark.parametrize("name", RENEWS)
async def test_a_renewal_of_before_a_crash_is_paid_for_if_and_only_if_it_can_be_seen(
    site: Site, tmp_path: Path, name: str
) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        user, number = await bought(services, sim, hours=24)
        renewal_id = await renewing(services, sim, user, number, "reset")
    async with at_work(site, sim, tmp_path) as services:
        await services.keep_asking(26 * HOUR)
        renewal = await services.db.read.one("SELECT state, price FROM renewals WHERE id = $1", renewal_id)
        assert renewal is not None
        shows_its_end = name not in DIALECTS
        assert renewal["state"] == ("done" if shows_its_end else "failed")
        paid = renewal["price"] if shows_its_end else 0
        assert await services.money(user) == (PURSE - number.price - paid, 0)
        assert sim.asked.count("renew") == 1


@pytest.mark.parametrize("name", RENEWS)
async def test_a_renewal_after_a_restart_adds_to_the_end_that_was(site: Site, tmp_path: Path, name: str) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        user, number = await bought(services, sim, hours=24)
        services.clock.advance(4 * HOUR)
    async with at_work(site, sim, tmp_path) as services:
        quote = await services.renewals.quote(user, number.id, 24)
        renewal, _ = await services.renewals.begin(user, quote.id)
        await services.renewals.renew(renewal)
        assert (await services.number(number)).expires_at == (number.expires_at or 0) + 24 * HOUR
        services.clock.now = (number.expires_at or 0) + 23 * HOUR
        await services.expire()
        assert (await services.state(number), sim.ends()) == ("active", [("open", True)])


RECORDS = {"sms-activate": "continueRentInfo", "hero": "prolongHistory"}


@pytest.mark.parametrize("name", RECORDS)
async def test_a_renewal_that_cannot_be_told_keeps_no_code_from_anybody(site: Site, tmp_path: Path, name: str) -> None:
    sim = site.open(name, ManualClock())
    async with at_work(site, sim, tmp_path) as services:
        user, rental = await bought(services, sim, hours=24)
        await renewing(services, sim, user, rental, "reset")
        other = await services.buy(await services.person(8), *RENTALS[name], 24)
        activation = await services.buy(await services.person(9))
        sim.line.spoil(RECORDS[name], "500", times=1000)
        for number, code in ((other, "919293"), (activation, "949596")):
            await comes(services, sim, number, code)
        assert told(services) == ["919293", "949596"]
        sim.line.mend()
        services.clock.advance(services.timing.answer_due)
        await services.check()
        assert (await services.number(rental)).expires_at == (rental.expires_at or 0) + 24 * HOUR
