"""What the contract does not ask: this family's own traps."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import pytest_asyncio
from starlette.types import Receive, Scope, Send

from bot.clients import ClientSettings, make_client
from bot.domain.errors import (
    BadKey,
    BadRequest,
    Denied,
    NoNumbers,
    PriceRisen,
    ProviderError,
    ProviderFault,
    ProviderFunds,
    Throttled,
)
from bot.domain.numbers import Kind
from bot.domain.time import HOUR, MINUTE, SECOND
from bot.providers.base import Done, Refused, RemoteState, Renewed, Sold, Unknown
from bot.providers.handler_api.dialects import DIALECTS
from bot.providers.http import ProviderHttp
from tests.providers.contract import a_ref
from tests.providers.handler_api_driver import HandlerApiDriver, an_offer_of
from tests.providers.serving import serving
from tests.simulators.engine import code_in
from tests.simulators.handler_api import Plain

Make = Callable[..., HandlerApiDriver]
LISTING = [name for name, row in DIALECTS.items() if row.batch]
SINGLE = [name for name, row in DIALECTS.items() if not row.batch]


pytestmark = pytest.mark.asyncio(loop_scope="module")


class Switch:
    """One server for all tests; the simulator made last is the one that answers."""

    simulator: Plain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.simulator(scope, receive, send)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[tuple[Switch, str, httpx.AsyncClient]]:
    switch = Switch()
    async with serving(switch) as url, make_client(ClientSettings()) as client:
        yield switch, url, client


@pytest.fixture
def make(served: tuple[Switch, str, httpx.AsyncClient]) -> Make:
    switch, url, client = served

    def new(dialect: str, **options: object) -> HandlerApiDriver:
        http = ProviderHttp(client, timeout_s=5.0, max_in_flight=16)
        driver = HandlerApiDriver(dialect, http, url, **options)  # type: ignore[arg-type]
        switch.simulator = driver.simulator
        return driver

    return new


async def buy(driver: HandlerApiDriver, number: int = 1, **changes: object) -> Sold:
    sold = await driver.provider.allocate(an_offer_of(driver, **changes), a_ref(number))  # type: ignore[arg-type]
    assert isinstance(sold, Sold), sold
    return sold


def asked(driver: HandlerApiDriver, action: str) -> int:
    return driver.supplier.asked.count(action)


# lost purchases


@pytest.mark.parametrize("fault", ["reset", "cut"])
@pytest.mark.parametrize("dialect", LISTING)
async def test_a_purchase_whose_answer_was_lost_is_found_and_is_exactly_that_number(
    make: Make, dialect: str, fault: str
) -> None:
    driver = make(dialect)
    await buy(driver, 1)
    await buy(driver, 2, service="tg")
    await buy(driver, 3, country="US")
    since = driver.now()
    driver.supplier.faults["getNumberV2"].append(fault)
    offer = an_offer_of(driver)
    assert isinstance(await driver.provider.allocate(offer, a_ref(4)), Unknown)
    driver.advance(45 * SECOND)
    found = await driver.provider.find(offer, a_ref(4), since)
    assert found is not None
    lost = driver.supplier.lines[found.provider_ref]
    assert lost.ref == a_ref(4)
    assert found.phone == f"+{lost.phone}"
    assert found.expires_at == lost.ends
    assert await driver.provider.find(offer, a_ref(4), since) == found


@pytest.mark.parametrize("dialect", LISTING)
async def test_after_a_restart_the_lost_number_is_found_among_those_that_are_known(make: Make, dialect: str) -> None:
    driver = make(dialect)
    first, since = await buy(driver, 1), driver.now()
    driver.supplier.faults["getNumberV2"].append("reset")
    offer = an_offer_of(driver)
    await driver.provider.allocate(offer, a_ref(2))
    driver.restarted()
    found = await driver.provider.find(offer, a_ref(2), since, known={first.provider_ref})
    assert found is not None
    assert driver.supplier.lines[found.provider_ref].ref == a_ref(2)


@pytest.mark.parametrize("dialect", LISTING)
async def test_two_lost_purchases_of_one_kind_get_two_numbers(make: Make, dialect: str) -> None:
    driver = make(dialect)
    offer, since = an_offer_of(driver), driver.now()
    driver.supplier.faults["getNumberV2"].extend(["reset", "cut"])
    for number in (1, 2):
        assert isinstance(await driver.provider.allocate(offer, a_ref(number)), Unknown)
    found = [await driver.provider.find(offer, a_ref(number), since) for number in (1, 2)]
    assert {one.provider_ref for one in found if one} == set(driver.supplier.lines)
    assert await driver.provider.find(offer, a_ref(3), since) is None


async def test_a_number_whose_answer_is_still_on_its_way_is_not_taken_for_a_lost_one(make: Make) -> None:
    driver = make("hero")
    driver.simulator.slow_s = 0.3
    offer, since = an_offer_of(driver), driver.now()
    driver.supplier.faults["getNumberV2"].append("slow")
    on_its_way = asyncio.create_task(driver.provider.allocate(offer, a_ref(1)))
    await asyncio.sleep(0.1)
    assert len(driver.supplier.lines) == 1
    assert await driver.provider.find(offer, a_ref(2), since) is None
    assert isinstance(await on_its_way, Sold)


@pytest.mark.parametrize(
    "change", [{"country": "US"}, {"service": "tg"}, {"cost": 4099}, {"kind": Kind.RENTAL, "hours": 24}]
)
async def test_what_cannot_be_the_lost_purchase_is_left_alone(make: Make, change: dict[str, object]) -> None:
    driver = make("hero")
    driver.supplier.faults["getNumberV2"].append("reset")
    await driver.provider.allocate(an_offer_of(driver), a_ref(1))
    other = an_offer_of(driver, **change)  # type: ignore[arg-type]
    assert await driver.provider.find(other, a_ref(1), driver.now()) is None


@pytest.mark.parametrize("dialect", ["hero", "sms-activate"])
async def test_an_older_number_of_somebody_else_is_not_adopted(make: Make, dialect: str) -> None:
    driver = make(dialect)
    driver.supplier.sell("wa", "6", None)
    driver.advance(10 * MINUTE)
    assert await driver.provider.find(an_offer_of(driver), a_ref(1), driver.now()) is None


@pytest.mark.parametrize("dialect", SINGLE)
async def test_a_dialect_without_a_list_never_says_that_nothing_was_sold(make: Make, dialect: str) -> None:
    driver = make(dialect)
    assert not driver.provider.capabilities.find
    with pytest.raises(ProviderFault):
        await driver.provider.find(an_offer_of(driver), a_ref(1), driver.now())


async def test_an_order_that_exists_already_is_looked_for(make: Make) -> None:
    driver = make("sms-activate")
    offer, since = an_offer_of(driver), driver.now()
    driver.supplier.faults["getNumberV2"].append("cut")
    await driver.provider.allocate(offer, a_ref(1))
    assert isinstance(await driver.provider.allocate(offer, a_ref(1)), Unknown)
    assert len(driver.supplier.lines) == 1
    assert await driver.provider.find(offer, a_ref(1), since) is not None


@pytest.mark.parametrize("dialect", ["sms-activate", "hero"])
async def test_a_rental_whose_answer_was_lost_is_found(make: Make, dialect: str) -> None:
    driver = make(dialect)
    offer = rental(driver)
    assert isinstance(await driver.provider.allocate(offer, a_ref(1)), Sold)
    driver.supplier.faults["getRentNumber"].append("cut")
    since = driver.now()
    assert isinstance(await driver.provider.allocate(offer, a_ref(2)), Unknown)
    found = await driver.provider.find(offer, a_ref(2), since)
    assert found is not None
    assert driver.supplier.lines[found.provider_ref.removeprefix("r:")].ref == a_ref(2)
    assert found.expires_at == since + 24 * HOUR


def rental(driver: HandlerApiDriver, hours: int = 24):  # type: ignore[no-untyped-def]
    cost = driver.supplier.cost("6", hours)
    return an_offer_of(driver, kind=Kind.RENTAL, hours=hours, cost=cost)


# faults of a purchase


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", ["502", "sql", "garbage"])
async def test_a_fault_in_answer_to_a_purchase_is_unknown(make: Make, dialect: str, fault: str) -> None:
    driver = make(dialect)
    driver.supplier.faults[DIALECTS[dialect].buy].append(fault)
    assert isinstance(await driver.provider.allocate(an_offer_of(driver), a_ref()), Unknown)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_wrong_key_is_said_so_and_does_not_show(make: Make, dialect: str) -> None:
    driver = make(dialect, key="sk_wrong_one")
    outcome = await driver.provider.allocate(an_offer_of(driver), a_ref())
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, BadKey)
    for question in (driver.provider.balance(), driver.provider.fetch(["1"]), driver.provider.stock(Kind.ACTIVATION)):
        with pytest.raises(BadKey) as caught:
            await question
        assert "sk_wrong" not in str(caught.value)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_empty_account_is_the_operators_matter(make: Make, dialect: str) -> None:
    driver = make(dialect)
    driver.supplier.balance = 1
    outcome = await driver.provider.allocate(an_offer_of(driver), a_ref())
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, ProviderFunds)


@pytest.mark.parametrize("dialect", ["sms-activate", "hero"])
async def test_a_ban_stops_purchases_until_it_is_over_and_codes_are_still_read(make: Make, dialect: str) -> None:
    driver = make(dialect)
    sold = await buy(driver, 1)
    driver.supplier.banned_until = driver.now() + 10 * MINUTE
    for _ in range(3):
        outcome = await driver.provider.allocate(an_offer_of(driver), a_ref(2))
        assert isinstance(outcome, Refused)
        assert isinstance(outcome.error, Throttled)
    assert outcome.error.retry_after_s == pytest.approx(600, abs=1)
    assert asked(driver, "getNumberV2") == 2
    driver.text(sold.phone, "A", "code 1234")
    assert (await driver.provider.fetch([sold.provider_ref]))[0].state is RemoteState.RECEIVED
    driver.advance(11 * MINUTE)
    assert isinstance(await driver.provider.allocate(an_offer_of(driver), a_ref(3)), Sold)


async def test_a_limit_of_numbers_stops_neither_reading_nor_the_next_purchase(make: Make) -> None:
    driver = make("hero")
    sold = await buy(driver, 1)
    driver.supplier.limit = 1
    outcome = await driver.provider.allocate(an_offer_of(driver), a_ref(2))
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, Throttled)
    driver.supplier.limit = 2
    assert len(await driver.provider.fetch([sold.provider_ref])) == 1
    assert isinstance(await driver.provider.allocate(an_offer_of(driver), a_ref(3)), Sold)


async def test_too_many_requests_pause_everything(make: Make) -> None:
    driver = make("hero")
    driver.supplier.faults["getBalance"].append("rate")
    with pytest.raises(Throttled) as caught:
        await driver.provider.balance()
    assert caught.value.retry_after_s == 7
    before = len(driver.supplier.asked)
    with pytest.raises(Throttled):
        await driver.provider.fetch(["1"])
    assert isinstance(await driver.provider.allocate(an_offer_of(driver), a_ref()), Refused)
    assert len(driver.supplier.asked) == before


async def test_an_address_that_leads_elsewhere_buys_nothing_and_is_no_empty_shelf(make: Make) -> None:
    driver = make("generic")
    driver.url += "/wrong"
    provider = driver.restarted()
    outcome = await provider.allocate(an_offer_of(driver), a_ref())
    assert isinstance(outcome, Refused)
    with pytest.raises(ProviderError):
        await provider.stock(Kind.ACTIVATION, "wa")


async def test_an_address_may_name_the_script_itself(make: Make) -> None:
    driver = make("generic")
    driver.url += "/stubs/handler_api.php"
    assert await driver.restarted().balance() == 1000 * 10**4


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_quoted_cost_is_sent_as_the_cap(make: Make, dialect: str) -> None:
    driver = make(dialect)
    offer = an_offer_of(driver)
    driver.supplier.price += 1
    outcome = await driver.provider.allocate(offer, a_ref())
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, PriceRisen)
    driver.supplier.price -= 2
    cheaper = await driver.provider.allocate(offer, a_ref())
    assert isinstance(cheaper, Sold)
    assert cheaper.cost == (offer.cost if dialect == "generic" else offer.cost - 1)


async def test_operators_and_unwanted_prefixes_are_sent(make: Make) -> None:
    driver = make("hero")
    seen: list[dict[str, str]] = []
    sell = driver.simulator.sell
    driver.simulator.actions["getNumberV2"] = lambda p: (seen.append(dict(p)), driver.simulator.v2(sell(p)))[1]
    offer = an_offer_of(driver, operator="axis")
    assert isinstance(await driver.provider.allocate(offer, a_ref(), except_prefixes=("62811", "62812")), Sold)
    assert (seen[0]["operator"], seen[0]["phoneException"]) == ("axis", "62811,62812")
    assert "orderId" not in seen[0]


# SMS


@pytest.mark.parametrize("by_batch", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_every_equal_code_is_told_once_across_polls(make: Make, dialect: str, by_batch: bool) -> None:
    driver = make(dialect, by_batch=by_batch, whole_codes=False)
    sold = await buy(driver)
    ids: list[str] = []
    for number in range(1, 5):
        driver.text(sold.phone, "A", "code 1234")
        driver.advance(3 * SECOND)
        for _ in range(3):
            [remote] = await driver.provider.fetch([sold.provider_ref])
            assert len(remote.sms) == number
            ids += [sms.sms_id for sms in remote.sms]
        assert await driver.provider.another_code(sold.provider_ref) == Done()
        [remote] = await driver.provider.fetch([sold.provider_ref])
        assert (remote.state, len(remote.sms)) == (RemoteState.WAITING, number)
        driver.advance(SECOND)
    assert len(set(ids)) == 4


@pytest.mark.parametrize("by_batch", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_restart_tells_no_sms_twice_and_loses_none_that_comes_after(
    make: Make, dialect: str, by_batch: bool
) -> None:
    driver = make(dialect, whole_codes=False)
    sold = await buy(driver)
    driver.text(sold.phone, "A", "code 1234")
    [before] = await driver.provider.fetch([sold.provider_ref])
    driver.restarted()
    driver.by_batch(by_batch)
    [after] = await driver.provider.fetch([sold.provider_ref])
    assert [sms.sms_id for sms in after.sms] == [sms.sms_id for sms in before.sms]
    driver.advance(5 * SECOND)
    assert await driver.provider.another_code(sold.provider_ref) == Done()
    driver.text(sold.phone, "A", "code 1234")
    [again] = await driver.provider.fetch([sold.provider_ref])
    assert len({sms.sms_id for sms in (*before.sms, *again.sms)}) == 2
    driver.restarted()
    driver.by_batch(by_batch)
    [last] = await driver.provider.fetch([sold.provider_ref])
    assert {sms.sms_id for sms in last.sms} <= {sms.sms_id for sms in again.sms}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_third_of_three_equal_codes_is_told_though_a_restart_forgot_the_second(
    make: Make, dialect: str
) -> None:
    driver = make(dialect, whole_codes=False)
    sold = await buy(driver)
    ids: set[str] = set()
    for number in range(3):
        if number:
            driver.advance(5 * SECOND)
            assert await driver.provider.another_code(sold.provider_ref) == Done()
        driver.text(sold.phone, "A", "code 1234")
        [remote] = await driver.provider.fetch([sold.provider_ref])
        assert remote.sms[-1].sms_id not in ids
        ids |= {sms.sms_id for sms in remote.sms}
        driver.restarted()
    assert len(ids) == 3


async def test_a_list_that_shows_the_last_code_alone_hides_no_equal_one(make: Make) -> None:
    driver = make("sms-activate", by_batch=True)
    driver.simulator.code = lambda line: [sms.code for sms in line.sms[-1:]]
    sold = await buy(driver)
    ids: set[str] = set()
    for _ in range(3):
        driver.text(sold.phone, "A", "code 1234")
        [remote] = await driver.provider.fetch([sold.provider_ref])
        ids.add(remote.sms[-1].sms_id)
        assert await driver.provider.another_code(sold.provider_ref) == Done()
        await driver.provider.fetch([sold.provider_ref])
        driver.advance(5 * SECOND)
    assert len(ids) == 3


@pytest.mark.parametrize("dialect", ["sms-activate", "hero", "tiger"])
async def test_an_equal_code_that_came_while_the_program_was_down_is_told(make: Make, dialect: str) -> None:
    driver = make(dialect)
    sold = await buy(driver)
    driver.text(sold.phone, "A", "code 1234")
    [before] = await driver.provider.fetch([sold.provider_ref])
    await driver.provider.another_code(sold.provider_ref)
    driver.advance(9 * SECOND)
    driver.text(sold.phone, "A", "code 1234")
    [after] = await driver.restarted().fetch([sold.provider_ref])
    assert before.sms[0].sms_id not in [sms.sms_id for sms in after.sms[-1:]]


@pytest.mark.parametrize("dialect", SINGLE)
async def test_an_answer_that_was_overtaken_makes_no_second_sms(make: Make, dialect: str) -> None:
    driver = make(dialect, whole_codes=False)
    driver.simulator.slow_s = 0.2
    sold = await buy(driver)
    driver.text(sold.phone, "A", "code 1234")
    await driver.provider.fetch([sold.provider_ref])
    driver.supplier.faults["getStatus"].append("slow")
    overtaken = asyncio.create_task(driver.provider.fetch([sold.provider_ref]))
    await asyncio.sleep(0.05)
    assert await driver.provider.another_code(sold.provider_ref) == Done()
    await overtaken
    [remote] = await driver.provider.fetch([sold.provider_ref])
    assert (remote.state, len(remote.sms)) == (RemoteState.WAITING, 1)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_code_keeps_its_colons(make: Make, dialect: str) -> None:
    driver = make(dialect)
    sold = await buy(driver)
    driver.supplier.extract = lambda text: "AB:12:cd"
    driver.text(sold.phone, "A", "AB:12:cd")
    [remote] = await driver.provider.fetch([sold.provider_ref])
    assert [sms.text for sms in remote.sms] == ["AB:12:cd"]


async def test_the_text_is_told_where_the_member_shows_it_and_the_code_where_not(make: Make) -> None:
    for dialect, expected in (("hero", "Use 123-456 now"), ("tiger", "Use 123-456 now"), ("smsbower", "123-456")):
        driver = make(dialect, whole_codes=False)
        sold = await buy(driver)
        driver.text(sold.phone, "A", "Use 123-456 now")
        [remote] = await driver.provider.fetch([sold.provider_ref])
        assert [sms.text for sms in remote.sms] == [expected]
    assert code_in("Use 123-456 now") == "123-456"


async def test_a_long_correspondence_is_read_page_by_page(make: Make) -> None:
    for dialect in ("sms-activate", "hero"):
        driver = make(dialect)
        sold = await driver.provider.allocate(rental(driver), a_ref())
        assert isinstance(sold, Sold)
        for number in range(230):
            driver.text(sold.phone, "A", f"text {number // 2}")
            driver.advance(SECOND * (number % 3))
        [remote] = await driver.provider.fetch([sold.provider_ref])
        assert [sms.text for sms in remote.sms] == [f"text {number // 2}" for number in range(230)]
        assert len({sms.sms_id for sms in remote.sms}) == 230


async def test_a_rental_asked_about_alone_shows_two_equal_sms_after_a_restart_too(make: Make) -> None:
    driver = make("hero")
    sold = await driver.provider.allocate(rental(driver), a_ref())
    assert isinstance(sold, Sold)
    provider = driver.restarted()
    for number in (1, 2):
        driver.text(sold.phone, "A", "code 1234")
        [remote] = await provider.fetch([sold.provider_ref])
        assert len(remote.sms) == number


# states


@pytest.mark.parametrize("dialect", ["hero", "tiger"])
async def test_a_list_of_many_numbers_takes_pages_and_not_numbers(make: Make, dialect: str) -> None:
    driver = make(dialect)
    for _ in range(250):
        driver.supplier.sell("wa", "6", None)
    refs = list(driver.supplier.lines)
    remotes = await driver.provider.fetch(refs)
    assert [remote.provider_ref for remote in remotes] == refs
    assert driver.supplier.asked == ["getActiveActivations"] * 3


async def test_sms_that_were_read_are_not_asked_for_again(make: Make) -> None:
    driver = make("hero", by_batch=True)
    sold = [await buy(driver, number) for number in range(5)]
    for one in sold:
        driver.text(one.phone, "A", "code 1234")
    for _ in range(4):
        await driver.provider.fetch([one.provider_ref for one in sold])
    assert (asked(driver, "getActiveActivations"), asked(driver, "getAllSms")) == (4, 5)


async def test_numbers_that_are_not_in_the_list_are_asked_about_before_they_are_given_up(make: Make) -> None:
    driver = make("tiger", by_batch=True)
    first, second = await buy(driver, 1), await buy(driver, 2)
    driver.simulator.actions["getActiveActivations"] = lambda p: {"status": "success", "data": []}
    driver.text(first.phone, "A", "code 1")
    remotes = await driver.provider.fetch([first.provider_ref, second.provider_ref, "9"])
    assert [remote.state for remote in remotes] == [RemoteState.RECEIVED, RemoteState.WAITING, RemoteState.GONE]
    assert asked(driver, "getStatus") == 3


async def test_one_number_that_cannot_be_read_does_not_hide_the_others(make: Make) -> None:
    driver = make("smsbower")
    sold = [await buy(driver, number) for number in range(4)]
    driver.supplier.faults["getStatus"].append("502")
    remotes = await driver.provider.fetch([one.provider_ref for one in sold])
    assert len(remotes) == 3


@pytest.mark.parametrize("dialect", SINGLE)
async def test_without_a_list_only_so_many_questions_are_in_flight(make: Make, dialect: str) -> None:
    driver = make(dialect)
    now = most = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        await driver.simulator(scope, receive, send)
        now -= 1

    for _ in range(20):
        driver.supplier.sell("wa", "6", None)
    async with serving(app) as url:
        driver.url = url
        remotes = await driver.restarted().fetch(list(driver.supplier.lines))
    assert len(remotes) == 20
    assert most == DIALECTS[dialect].singles_at_once


@pytest.mark.parametrize("dialect", ["sms-activate", "hero"])
async def test_how_a_number_ended_is_read_from_the_record_after_a_restart(make: Make, dialect: str) -> None:
    driver = make(dialect)
    finished, cancelled, used = [await buy(driver, number) for number in range(3)]
    driver.text(finished.phone, "A", "code 1")
    await driver.provider.finish(finished.provider_ref)
    driver.advance(3 * MINUTE)
    await driver.provider.cancel(cancelled.provider_ref)
    driver.text(used.phone, "A", "code 2222")
    driver.advance(HOUR)
    remotes = await driver.restarted().fetch([one.provider_ref for one in (finished, cancelled, used)])
    assert [one.state for one in remotes] == [RemoteState.FINISHED, RemoteState.CANCELLED, RemoteState.FINISHED]
    assert [[sms.text for sms in one.sms] for one in remotes] == [["code 1"], [], ["code 2222"]]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_finish_of_what_is_finished_is_done_and_of_what_is_cancelled_is_denied(
    make: Make, dialect: str
) -> None:
    driver = make(dialect)
    finished, cancelled = await buy(driver, 1), await buy(driver, 2)
    driver.text(finished.phone, "A", "code 1")
    await driver.provider.fetch([finished.provider_ref])
    driver.supplier.faults["setStatus:6"].append("cut")
    assert isinstance(await driver.provider.finish(finished.provider_ref), Unknown)
    assert await driver.provider.finish(finished.provider_ref) == Done()
    driver.advance(2 * MINUTE)
    assert await driver.provider.cancel(cancelled.provider_ref) == Done()
    outcome = await driver.provider.finish(cancelled.provider_ref)
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, Denied)


async def test_a_status_after_the_answer_of_a_cancel_that_was_on_its_way_is_stale(make: Make) -> None:
    driver = make("tiger", by_batch=True)
    sold = await buy(driver)
    driver.advance(2 * MINUTE)
    driver.simulator.slow_s = 0.2
    driver.supplier.faults["getActiveActivations"].append("slow")
    stale = asyncio.create_task(driver.provider.fetch([sold.provider_ref]))
    await asyncio.sleep(0.05)
    assert await driver.provider.cancel(sold.provider_ref) == Done()
    assert (await stale)[0].state is RemoteState.CANCELLED


async def test_ready_is_told_only_where_it_is_known(make: Make) -> None:
    tiger = make("tiger")
    assert await tiger.provider.ready((await buy(tiger)).provider_ref) == Done()
    hero = make("hero")
    assert isinstance(await hero.provider.ready((await buy(hero)).provider_ref), Refused)


# the same number again


async def test_the_same_number_is_had_again_only_where_the_dialect_knows_how(make: Make) -> None:
    driver = make("sms-activate")
    first = await buy(driver)
    driver.text(first.phone, "A", "code 1")
    await driver.provider.finish(first.provider_ref)
    offer = dataclasses.replace(an_offer_of(driver), again_of=first.provider_ref, phone=first.phone)
    again = await driver.provider.again(offer, a_ref(2))
    assert isinstance(again, Sold)
    assert again.phone == first.phone
    other = make("smsbower")
    assert isinstance(await other.provider.again(offer, a_ref()), Refused)
    with pytest.raises(Denied):
        await other.provider.again_cost(offer)
    assert other.supplier.asked == []


async def test_a_lost_purchase_of_the_same_number_is_not_taken_for_one_of_any_number(make: Make) -> None:
    driver = make("sms-activate")
    first = await buy(driver)
    driver.text(first.phone, "A", "code 1")
    await driver.provider.finish(first.provider_ref)
    offer = dataclasses.replace(an_offer_of(driver), again_of=first.provider_ref, phone=first.phone)
    driver.next_call("allocate", "lost_answer")
    assert isinstance(await driver.provider.allocate(an_offer_of(driver), a_ref(2)), Unknown)
    assert await driver.provider.find(offer, a_ref(3), driver.now()) is None


# rentals


@pytest.mark.parametrize("dialect", ["sms-activate", "hero"])
async def test_a_rental_that_has_become_dearer_is_not_bought(make: Make, dialect: str) -> None:
    driver = make(dialect)
    offer = rental(driver)
    driver.supplier.price += 1
    outcome = await driver.provider.allocate(offer, a_ref())
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, PriceRisen)
    driver.set_mode("empty")
    outcome = await driver.provider.allocate(offer, a_ref())
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, NoNumbers)
    assert driver.supplier.lines == {}


async def test_activations_and_rentals_of_equal_ids_are_two_numbers(make: Make) -> None:
    driver = make("sms-activate")
    sold = await driver.provider.allocate(rental(driver), a_ref())
    assert isinstance(sold, Sold)
    assert sold.provider_ref.startswith("r:")
    number = sold.provider_ref.removeprefix("r:")
    remotes = await driver.provider.fetch([number, sold.provider_ref])
    assert [remote.state for remote in remotes] == [RemoteState.GONE, RemoteState.WAITING]


@pytest.mark.parametrize("dialect", ["sms-activate", "hero"])
async def test_two_renewals_add_up_and_a_third_that_was_lost_too(make: Make, dialect: str) -> None:
    driver = make(dialect)
    sold = await driver.provider.allocate(rental(driver), a_ref())
    assert isinstance(sold, Sold)
    ends = sold.expires_at
    for _ in range(2):
        cost = await driver.provider.renewal_cost(sold.provider_ref, 24)
        renewed = await driver.provider.renew(sold.provider_ref, 24, cost, "k")
        ends += 24 * HOUR
        assert renewed == Renewed(sold.provider_ref, ends)
    driver.next_call("renew", "lost_answer")
    assert isinstance(await driver.provider.renew(sold.provider_ref, 4, cost, "k"), Unknown)
    assert [one.expires_at for one in await driver.provider.fetch([sold.provider_ref])] == [ends + 4 * HOUR]
    driver.next_call("renew", "502")
    assert isinstance(await driver.provider.renew(sold.provider_ref, 4, cost, "k"), Unknown)
    assert [one.expires_at for one in await driver.provider.fetch([sold.provider_ref])] == [ends + 4 * HOUR]


async def test_a_finished_rental_with_sms_shows_none_of_it_but_its_absence_from_the_list(make: Make) -> None:
    driver = make("sms-activate")
    sold = await driver.provider.allocate(rental(driver), a_ref())
    assert isinstance(sold, Sold)
    driver.text(sold.phone, "A", "one")
    driver.supplier.finish(driver.supplier.lines[sold.provider_ref.removeprefix("r:")])
    [remote] = await driver.restarted().fetch([sold.provider_ref])
    assert (remote.state, [sms.text for sms in remote.sms]) == (RemoteState.FINISHED, ["one"])


# the catalogue


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_names_of_countries_and_services_are_read(make: Make, dialect: str) -> None:
    driver = make(dialect)
    assert (await driver.provider.countries())["43"] == "Germany"
    names = await driver.provider.service_names()
    assert names.get("wa") == ("WhatsApp" if driver.provider.dialect.names else None)
    rows = await driver.provider.stock(Kind.ACTIVATION, "wa")
    assert [row.country for row in rows].count("US") == 1
    assert await driver.provider.stock(Kind.ACTIVATION, "nope") == ()


async def test_operators_and_top_countries_are_read_where_there_are_any(make: Make) -> None:
    hero = make("hero")
    assert await hero.provider.operators("ID") == ["axis", "three"]
    top = await hero.provider.top_countries("wa")
    assert [one.iso2 for one in top[:2]] == ["ID", "US"]
    bower = make("smsbower")
    assert await bower.provider.operators("ID") == []
    assert await bower.provider.top_countries("wa") == ()
    with pytest.raises(BadRequest):
        await hero.provider.operators("XX")
