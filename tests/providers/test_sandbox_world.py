import asyncio
import time
from collections.abc import Callable

import phonenumbers
import pytest

from bot.domain.errors import ProviderFault, ProviderFunds, Throttled
from bot.domain.money import ONE
from bot.domain.numbers import Kind
from bot.domain.time import HOUR, MINUTE, SECOND
from bot.providers.base import Refused, RemoteState, Sold, Unknown
from bot.providers.sandbox import phones
from bot.providers.sandbox.catalogue import COUNTRIES_FIRST, SERVICES, countries, service_names
from bot.providers.sandbox.chance import generator
from bot.providers.sandbox.notify import Notification
from bot.providers.sandbox.settings import SandboxSettings
from bot.providers.sandbox.world import SandboxWorld
from tests.providers.contract import a_ref, an_offer, bought, fetched
from tests.providers.sandbox_driver import ManualClock, SandboxDriver


def a_driver(**settings: object) -> SandboxDriver:
    clock = ManualClock()
    world = SandboxWorld(clock=clock, settings=SandboxSettings(**settings))  # type: ignore[arg-type]
    return SandboxDriver(world, world.call, clock)


async def until(condition: Callable[[], bool], within_s: float = 3.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.005)


# the catalogue


def test_at_least_200_services_are_sold_in_at_least_100_countries_each_once() -> None:
    assert len(SERVICES) == len(set(SERVICES)) >= 200
    assert len(countries()) == len(set(countries())) >= 199
    assert set(COUNTRIES_FIRST) <= set(countries())
    assert set(SERVICES) < set(service_names())


async def test_prices_stay_in_their_range_and_follow_the_seed() -> None:
    clock = ManualClock()
    first, same, other = [
        (await SandboxWorld(seed=seed, clock=clock).call("stock", {"kind": "activation"}))["rows"] for seed in (1, 1, 2)
    ]
    assert first == same != other
    assert all(500 <= cost <= 35_000 for _, _, _, cost, _ in first)
    stocks = [row[4] for row in first]
    assert 0 in stocks
    assert any(0 < stock <= 5 for stock in stocks)
    assert len({row[1] for row in first}) == len(countries())


async def test_stock_sells_down_to_a_refusal_and_comes_back_slowly() -> None:
    driver = a_driver(restock_ms=MINUTE)
    rows = (await driver.world.call("stock", {"kind": "activation"}))["rows"]
    service, country, _, cost, left = next(row for row in rows if row[4] == 2)
    order = {"kind": "activation", "service": service, "country": country, "cap": cost}
    answers = [await driver.world.call("allocate", {**order, "ref": a_ref(number)}) for number in range(left + 1)]
    assert [answer.get("error") for answer in answers] == [None, None, "no_numbers"]
    driver.advance(MINUTE)
    assert (await driver.world.call("allocate", {**order, "ref": a_ref(9)}))["ok"]


@pytest.mark.parametrize("country", countries())
def test_phones_of_every_country_are_valid_there_and_differ(country: str) -> None:
    chance, taken = generator(1), set[str]()
    for _ in range(5):
        phone = phones.mint(country, chance, taken)
        assert phone not in taken
        taken.add(phone)
        number = phonenumbers.parse(phone)
        assert phonenumbers.is_valid_number_for_region(number, country)
        assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == phone


def test_a_phone_that_is_taken_is_not_given_again() -> None:
    first = phones.mint("GB", generator(1), ())
    assert phones.mint("GB", generator(1), ()) == first
    assert phones.mint("GB", generator(1), {first}) != first


def test_a_country_without_mobile_numbers_has_none_to_give() -> None:
    with pytest.raises(LookupError):
        phones.mint("AQ", generator(1), ())


async def test_rentals_are_sold_for_any_hours_and_more_hours_cost_more() -> None:
    driver = a_driver()
    order = {"kind": "rental", "service": "wa", "country": "GB", "cap": 10**9}
    costs = []
    for number, hours in enumerate((1, 4, 5, 719, 720, 1344)):
        answer = await driver.world.call("allocate", {**order, "ref": a_ref(number), "hours": hours})
        assert answer["number"]["expires_at"] == driver.now() + hours * HOUR
        costs.append(answer["number"]["cost"])
    assert costs == sorted(set(costs))
    for hours in (0, 1345, -1, "4", True, None):
        answer = await driver.world.call("allocate", {**order, "ref": a_ref(99), "hours": hours})
        assert answer["error"] == "bad_request"


# truth


async def test_the_same_reference_buys_the_same_number_once() -> None:
    driver = a_driver()
    offer = await an_offer(driver)
    first = await driver.provider.allocate(offer, a_ref())
    assert isinstance(first, Sold)
    assert await driver.provider.allocate(offer, a_ref()) == first
    assert len(driver.world.record()) == 1


async def test_the_same_key_renews_once() -> None:
    driver = a_driver()
    sold = await bought(driver, Kind.RENTAL)
    cost = await driver.provider.renewal_cost(sold.provider_ref, 12)
    first = await driver.provider.renew(sold.provider_ref, 12, cost, "k1")
    assert await driver.provider.renew(sold.provider_ref, 12, cost, "k1") == first
    assert await driver.provider.renew(sold.provider_ref, 12, cost, "k2") != first
    assert driver.world.record()[0]["renewals"] == [{"hours": 12, "cost": cost}] * 2


async def test_a_renewed_rental_is_not_refunded() -> None:
    driver = a_driver()
    sold = await bought(driver, Kind.RENTAL)
    await driver.provider.renew(sold.provider_ref, 12, 10**9, "k1")
    assert isinstance(await driver.provider.cancel(sold.provider_ref), Refused)
    assert driver.charged(a_ref()) == [True]


async def test_the_operators_empty_account_buys_nothing() -> None:
    driver = a_driver(balance=ONE // 100)
    outcome = await driver.provider.allocate(await an_offer(driver), a_ref())
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, ProviderFunds)


async def test_ids_differ_between_worlds_of_one_seed() -> None:
    first, second = a_driver(), a_driver()
    one, two = await bought(first), await bought(second)
    assert one.phone == two.phone
    assert one.provider_ref != two.provider_ref
    assert first.world.receive(one.phone, "A", "x") != second.world.receive(two.phone, "A", "x")


async def test_a_phone_that_nobody_has_had_takes_no_sms() -> None:
    assert a_driver().world.receive("+447700900123", "A", "x") is None


async def test_open_numbers_stand_first_in_the_panel_then_the_newest() -> None:
    driver = a_driver(cancel_from_ms=0)
    sold = [await bought(driver, number=number) for number in range(3)]
    await driver.provider.cancel(sold[2].provider_ref)
    assert [row["phone"] for row in driver.world.phones()] == [sold[1].phone, sold[0].phone, sold[2].phone]
    assert driver.world.open_numbers() == 2
    driver.advance(20 * MINUTE)
    assert driver.world.open_numbers() == 0
    assert {row["state"] for row in driver.world.phones()} == {"cancelled", "expired"}


async def test_closed_numbers_beyond_the_limit_are_forgotten() -> None:
    driver = a_driver(cancel_from_ms=0, keep_closed=2)
    sold = [await bought(driver, number=number) for number in range(4)]
    for number in sold[:3]:
        await driver.provider.cancel(number.provider_ref)
    states = [row.state for row in await driver.provider.fetch([number.provider_ref for number in sold])]
    assert states == [RemoteState.GONE, RemoteState.CANCELLED, RemoteState.CANCELLED, RemoteState.WAITING]
    assert driver.world.receive(sold[0].phone, "A", "x") is None


async def test_a_text_that_utf8_cannot_carry_is_kept_readable() -> None:
    driver = a_driver()
    sold = await bought(driver)
    driver.text(sold.phone, "A\ud800", "code \udfff 1234")
    [sms] = (await fetched(driver, sold.provider_ref)).sms
    assert (sms.sender, sms.text) == ("A?", "code ? 1234")


# modes, faults, events


async def test_a_mode_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="broken"):
        a_driver().set_mode("broken")


async def test_a_slow_supplier_beyond_the_timeout_is_a_fault_or_unknown() -> None:
    clock = ManualClock()
    world = SandboxWorld(clock=clock, settings=SandboxSettings(slow_s=(5, 5)))
    driver = SandboxDriver(world, world.call, clock, timeout_s=0.05)
    offer = await an_offer(driver)
    driver.set_mode("slow")
    started = time.monotonic()
    assert isinstance(await driver.provider.allocate(offer, a_ref()), Unknown)
    with pytest.raises(ProviderFault):
        await driver.provider.balance()
    assert time.monotonic() - started < 2


async def test_latency_delays_each_call() -> None:
    driver = a_driver(latency_s=(0.05, 0.06))
    started = time.monotonic()
    await driver.provider.balance()
    assert time.monotonic() - started >= 0.05


async def test_a_delayed_answer_has_taken_effect_before_it_comes() -> None:
    clock = ManualClock()
    world = SandboxWorld(clock=clock)
    driver = SandboxDriver(world, world.call, clock, timeout_s=0.05)
    offer = await an_offer(driver)
    driver.next_call("allocate", "delay:5")
    assert isinstance(await driver.provider.allocate(offer, a_ref()), Unknown)
    assert driver.charged(a_ref()) == [False]


async def test_an_ordered_refusal_is_used_as_often_as_ordered_and_changes_nothing() -> None:
    driver = a_driver()
    offer = await an_offer(driver)
    driver.world.faults.add("allocate", "refuse:throttled", times=2)
    for _ in range(2):
        outcome = await driver.provider.allocate(offer, a_ref())
        assert isinstance(outcome, Refused)
        assert isinstance(outcome.error, Throttled)
    assert driver.world.record() == []
    assert isinstance(await driver.provider.allocate(offer, a_ref()), Sold)


@pytest.mark.parametrize("times", [0, -1, 10**9])
def test_a_fault_is_ordered_a_sensible_number_of_times(times: int) -> None:
    with pytest.raises(ValueError, match="times"):
        SandboxWorld(clock=ManualClock()).faults.add("allocate", "garbage", times)


@pytest.mark.parametrize("kind", ["", "refuse", "refuse:nonsense", "delay", "delay:-1", "delay:x", "explode"])
def test_a_fault_that_is_none_cannot_be_ordered(kind: str) -> None:
    world = SandboxWorld(clock=ManualClock())
    with pytest.raises(ValueError):  # noqa: PT011 - delay:x is float()'s own
        world.faults.add("allocate", kind)


async def test_watchers_hear_of_sales_sms_closings_and_modes() -> None:
    driver = a_driver(cancel_from_ms=0)
    with driver.world.subscribe() as events:
        sold = await bought(driver)
        assert events.get_nowait() == {"type": "phones"}
        driver.text(sold.phone, "A", "x")
        assert events.get_nowait() == {"type": "phones"}
        driver.advance(20 * MINUTE)
        assert driver.world.open_numbers() == 0
        assert events.get_nowait() == {"type": "phones"}
        driver.set_mode("slow")
        assert events.get_nowait() == {"type": "provider", "mode": "slow"}
        assert events.empty()
    driver.set_mode("normal")
    assert events.empty()


async def test_a_watcher_that_falls_behind_is_told_to_load_again() -> None:
    driver = a_driver()
    with driver.world.subscribe() as events:
        for _ in range(1001):
            driver.set_mode("normal")
        assert events.get_nowait() == {"type": "resync"}
        assert events.empty()


async def test_every_sms_is_notified_late_ones_too() -> None:
    heard: list[Notification] = []
    clock = ManualClock()
    world = SandboxWorld(clock=clock, notify=heard.append)
    driver = SandboxDriver(world, world.call, clock)
    sold = await bought(driver)
    in_time = world.receive(sold.phone, "A", "one")
    driver.advance(21 * MINUTE)
    late = world.receive(sold.phone, "A", "two")
    assert [(event.provider_ref, event.sms.id) for event in heard] == [
        (sold.provider_ref, in_time),
        (sold.provider_ref, late),
    ]
    assert len({event.id for event in heard}) == 2


async def test_sms_arrive_by_themselves_when_set_also_after_another_code() -> None:
    driver = a_driver(auto_sms_after_ms=(10, 20))
    sold = await bought(driver)
    await until(lambda: driver.world.phones()[0]["sms_count"] == 1)
    await driver.provider.another_code(sold.provider_ref)
    await until(lambda: driver.world.phones()[0]["sms_count"] == 2)
    await driver.world.aclose()


async def test_closing_the_world_ends_the_sms_on_their_way() -> None:
    driver = a_driver(auto_sms_after_ms=(60 * SECOND, 60 * SECOND))
    await bought(driver)
    await driver.world.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


# texts


def test_every_service_has_typical_texts_and_each_fills_in_whole() -> None:
    world = SandboxWorld(clock=ManualClock())
    shapes = set()
    for service in SERVICES:
        for sms in world.typical(service):
            assert sms["sender"]
            assert not {"{", "}"} & set(sms["text"])
            shapes.add("".join("0" if letter.isdigit() else letter for letter in sms["text"]))
    assert len(shapes) >= 40


def test_typical_texts_carry_a_fresh_code_and_can_be_picked_by_index() -> None:
    world = SandboxWorld(clock=ManualClock())
    assert world.typical("ds") != world.typical("ds")
    count = len(world.typical("wa"))
    [third] = world.typical("wa", index=2)
    [wrapped] = world.typical("wa", index=2 + count)
    assert "v.whatsapp.com" in third["text"]
    assert "v.whatsapp.com" in wrapped["text"]
    assert "Wolt" in world.typical("rr")[0]["text"]


def test_an_origin_bound_code_is_the_one_in_the_text() -> None:
    text = SandboxWorld(clock=ManualClock()).typical("dr")[0]["text"]
    code = text.partition("is: ")[2][:6]
    assert code.isdigit()
    assert text.endswith(f"\n\n@chatgpt.com #{code}")
