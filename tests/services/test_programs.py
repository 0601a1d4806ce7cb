"""The small parts behind the API: names, allowances, bells, and what a list of numbers tells."""

import asyncio

import pytest

from bot.domain.catalogue import Catalogue, LiveCatalogue
from bot.domain.errors import NotFound, TooOften
from bot.domain.numbers import Kind
from bot.services import wire
from bot.services.allowance import Allowance
from bot.services.bell import Bells
from bot.services.listing import NEWEST
from bot.services.names import Names
from bot.services.orders import Wish
from bot.texts import Texts
from tests.support.services import START, keep_house

WISH = Wish("wa", "GB")


@pytest.fixture(scope="module")
def names() -> Names:
    english = Texts.load().of("en")
    return Names(LiveCatalogue(Catalogue.shipped()), lambda iso2: (english.country(iso2),))


@pytest.mark.parametrize("text", ["wa", "WA", "WhatsApp", "whatsapp", "  Whats   App ", "ватсап"])
def test_a_service_is_known_by_code_name_and_alias_in_any_case(names, text):
    service = names.service(text)
    assert service is not None
    assert service.code == "wa"


@pytest.mark.parametrize("text", ["", " ", "whatsap", "whatsapp germany", "wa ", "\x00", "\ud800", "x" * 10_000])
def test_nothing_is_taken_for_a_service_that_is_only_near(names, text):
    found = names.service(text)
    assert found is None or text.strip() == "wa"


@pytest.mark.parametrize("text", ["GB", "gb", "England", "United Kingdom", "uk", "Великобритания"])
def test_a_country_is_known_by_its_code_and_english_names(names, text):
    country = names.country(text)
    assert (country.iso2 if country else None) == (None if text == "Великобритания" else "GB")


def test_a_country_is_known_by_no_name_that_is_only_near(names):
    assert [names.country(text) for text in ("", "Germny", "G", "GBR", "\ud800")] == [None] * 5


def test_every_service_and_country_of_the_catalogue_is_known_by_its_own_code(names):
    now = Catalogue.shipped()
    assert [code for code in now.services if names.service(code) != now.services[code]] == []
    assert [code for code in now.countries if names.country(code) != now.countries[code]] == []


def test_names_that_are_learnt_are_known_at_once():
    live = LiveCatalogue(Catalogue.shipped())
    names = Names(live)
    assert names.service("Brand new") is None
    live.now = live.now.with_names([("zzzz", "Brand new")])
    found = names.service("brand NEW")
    assert found is not None
    assert found.code == "zzzz"


def test_a_burst_is_allowed_then_the_rate_and_each_key_has_its_own():
    now = [0.0]
    allowance = Allowance(10, lambda: now[0])
    for _ in range(50):
        allowance.take(1)
    with pytest.raises(TooOften) as refusal:
        allowance.take(1)
    assert refusal.value.retry_after_s == pytest.approx(0.1)
    allowance.take(2)
    now[0] = 1.0
    for _ in range(10):
        allowance.take(1)
    with pytest.raises(TooOften):
        allowance.take(1)


def test_a_refused_call_is_not_counted_and_a_pause_brings_no_more_than_a_burst():
    now = [0.0]
    allowance = Allowance(10, lambda: now[0])
    taken = 0
    for _ in range(1000):
        now[0] += 0.05
        try:
            allowance.take("me")
        except TooOften:
            continue
        taken += 1
    assert 500 <= taken <= 551
    now[0] += 3600
    for _ in range(50):
        allowance.take("me")
    with pytest.raises(TooOften):
        allowance.take("me")


def test_what_is_kept_of_callers_does_not_grow_for_ever():
    now = [0.0]
    allowance = Allowance(10, lambda: now[0])
    for caller in range(25_000):
        now[0] += 0.01
        allowance.take(caller)
    assert len(allowance._used_up_to) <= 10_001


async def test_only_the_bells_of_whom_it_concerns_ring(house):
    ada, eve = await house.person(1), await house.person(2)
    await house.bells.sweep()
    with house.bells.of(ada.id) as hers, house.bells.of(ada.id) as also_hers, house.bells.of(eve.id) as others:
        await house.orders.buy(ada, WISH)
        await house.bells.sweep()
        assert await hers.wait(0.2)
        assert await also_hers.wait(0.2)
        assert not await others.wait(0.01)
        assert not await hers.wait(0.01)
    assert house.bells._waiting == {}


async def test_what_is_committed_between_the_look_and_the_wait_is_not_missed(house):
    ada = await house.person(1)
    await house.bells.sweep()
    with house.bells.of(ada.id) as bell:
        await house.orders.buy(ada, WISH)
        await house.bells.sweep()
        assert await bell.wait(0)


async def test_a_thousand_who_wait_cost_one_question(tmp_path):
    async with keep_house(tmp_path / "house.db") as house:
        ada = await house.person(1)

        class Counting:
            asked = 0

            async def all(self, sql, *args):
                self.asked += 1
                return await house.db.read.all(sql, *args)

            async def one(self, sql, *args):
                self.asked += 1
                return await house.db.read.one(sql, *args)

        db = Counting()
        bells = Bells(db)
        await bells.sweep()
        waiting = [bells.of(ada.id) for _ in range(1000)]
        rung = [asyncio.create_task(one.__enter__().wait(5)) for one in waiting]
        await asyncio.sleep(0)
        await house.orders.buy(ada, WISH)
        await bells.sweep()
        assert all(await asyncio.gather(*rung))
        assert db.asked <= 3
        for one in waiting:
            one.__exit__(None, None, None)


async def test_who_waits_before_the_first_look_is_rung_by_it(house):
    ada = await house.person(1)
    bells = Bells(house.db.read)
    with bells.of(ada.id) as bell:
        await bells.sweep()
        assert await bell.wait(0)


async def test_when_the_program_stops_nobody_waits_any_longer(house):
    with house.bells.of(1) as bell:
        house.bells.close()
        assert await bell.wait(1)
    with house.bells.of(1) as late:
        assert await late.wait(0)


@pytest.mark.parametrize(
    ("units", "text"),
    [(0, "0.0000"), (3_750, "0.3750"), (10_000, "1.0000"), (-1, "-0.0001"), (10**13, "1000000000.0000")],
)
def test_money_has_exactly_four_decimals(units, text):
    assert wire.money(units) == text


def test_times_have_exactly_three_decimals():
    assert wire.instant(1_795_428_962_007) == "2026-11-23T10:16:02.007Z"
    assert wire.instant(None) is None


async def test_a_number_is_charged_by_its_first_sms_and_a_rental_by_its_sale(house):
    user = await house.person()
    number = (await house.orders.buy(user, WISH)).number
    rental = (await house.orders.buy(user, Wish("wa", "GB", Kind.RENTAL, 4))).number
    assert [shown.charged for shown in await house.listing.page(user, "open", NEWEST, 10)] == [True, False]
    await house.hook(number)
    assert (await house.listing.one(user, number.id)).charged
    await house.handling.release(user, rental.id)
    await house.check()
    assert (await house.listing.one(user, rental.id)).charged is False


async def test_without_billing_a_number_is_charged_where_it_would_be(tmp_path):
    async with keep_house(tmp_path / "house.db", prepaid=False) as house:
        user = await house.person(amount="0")
        number = (await house.orders.buy(user, WISH)).number
        assert house.listing.body(await house.listing.one(user, number.id))["charged"] is False
        await house.hook(number)
        assert house.listing.body(await house.listing.one(user, number.id))["charged"] is True


async def test_pages_of_numbers_neither_repeat_nor_skip(house):
    user = await house.person(amount="500")
    bought = [(await house.orders.buy(user, WISH)).number.id for _ in range(7)]
    seen, before = [], NEWEST
    while page := await house.listing.page(user, "all", before, 3):
        seen += [shown.number.id for shown in page]
        before = page[-1].number.id
        await house.orders.buy(user, WISH)  # what comes meanwhile is newer than all pages
    assert seen == bought[::-1]


async def test_a_phone_means_its_newest_allocation_and_only_ones_own(house):
    ada, eve = await house.person(1), await house.person(2)
    first = (await house.orders.buy(ada, WISH)).number
    await house.hook(first)
    await house.handling.finish(ada, first.id)
    again = await house.orders.buy_quote(ada, (await house.again.quote(ada, first.id)).id)
    assert again.number.phone == first.phone
    assert (await house.listing.by_phone(ada, first.phone or "")).number.id == again.number.id
    with pytest.raises(NotFound):
        await house.listing.by_phone(eve, first.phone or "")
    assert await house.listing.by_ids(eve, [first.id, again.number.id]) == []


async def test_messages_come_oldest_first_from_a_time_and_page_by_page(house):
    user = await house.person()
    number = (await house.orders.buy(user, WISH)).number
    for place in range(5):
        house.clock.advance(1_000)
        await house.hook(number, f"code 10000{place}")
    shown = await house.listing.one(user, number.id)
    everything = await house.listing.messages(shown, 0, 0, 10)
    assert [one.code for one in everything] == [f"10000{place}" for place in range(5)]
    assert [one.code for one in await house.listing.messages(shown, START + 4_000, 0, 10)] == ["100003", "100004"]
    assert await house.listing.messages(shown, 0, everything[2].id, 1) == [everything[3]]
