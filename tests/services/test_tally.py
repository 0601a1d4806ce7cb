"""Our own record: what counts, from when on it is shown, how long it is kept, and that a restart loses nothing."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.numbers import Kind, Number
from bot.domain.people import User
from bot.domain.record import ENOUGH, NEWEST, WINDOW, Record
from bot.domain.time import DAY, MINUTE, SECOND, Ms
from bot.services.tally import PAGE, SETTLED, Tally
from tests.support.history import Ended, remember
from tests.support.services import START, House, keep_house

HERE = ("sandbox", "wa", "GB")
NOTHING = Record(0, 0, None)
Ending = Callable[[House, User, Number], Awaitable[object]]


async def _tallied(house: House) -> Tally:
    house.clock.advance(SETTLED)
    await house.tally.catch_up()
    return house.tally


def _anew(house: House) -> Tally:
    """What a process that starts now has in memory."""
    return Tally(house.db.read, house.clock)


# What counts


async def _finished(house: House, user: User, number: Number) -> None:
    house.clock.advance(30 * SECOND)
    await house.hook(number)
    await house.numbers.finish(user, number.id)


async def _ran_out_after_a_code(house: House, user: User, number: Number) -> None:
    house.clock.advance(30 * SECOND)
    await house.hook(number)
    await _ran_out(house, user, number)


async def _ran_out(house: House, _user: User, number: Number) -> None:
    house.clock.now = int(number.expires_at or 0)
    await house.expire()
    await house.check()


async def _never_answered_for(house: House, user: User, number: Number) -> None:
    house.registry._providers.clear()
    await house.keep_asking(2 * DAY)


def _cancelled_after(span: Ms) -> Ending:
    async def cancel(house: House, user: User, number: Number) -> None:
        house.clock.advance(span)
        await house.numbers.cancel(user, number.id)
        house.clock.now = max(house.clock.now, int(number.cancel_from or 0) + house.timing.cancel_slack)
        await house.check()

    return cancel


async def _cancelled_by_its_provider(house: House, user: User, number: Number) -> None:
    house.clock.advance(2 * MINUTE)
    await house.providers["sandbox"].cancel(str(number.provider_ref))
    await house.poll()


async def _code_came_as_the_cancel_was_queued(house: House, user: User, number: Number) -> None:
    await house.numbers.cancel(user, number.id)
    house.clock.advance(30 * SECOND)
    await house.hook(number)
    await house.numbers.finish(user, number.id)


async def _came_too_late(house: House, user: User, number: Number) -> None:
    await _ran_out(house, user, number)
    house.clock.advance(1)
    await house.hook(number)


@pytest.mark.parametrize(
    ("end", "state", "counted"),
    [
        (_finished, "completed", Record(1, 1, 30_000)),
        (_ran_out_after_a_code, "completed", Record(1, 1, 30_000)),
        (_code_came_as_the_cancel_was_queued, "completed", Record(1, 1, 30_000)),
        (_ran_out, "expired", Record(1, 0, None)),
        (_never_answered_for, "expired", Record(1, 0, None)),
        (_came_too_late, "expired", Record(1, 0, None)),
        (_cancelled_by_its_provider, "cancelled", Record(1, 0, None)),
        (_cancelled_after(2 * MINUTE), "cancelled", Record(1, 0, None)),
        (_cancelled_after(2 * MINUTE - 1), "cancelled", NOTHING),
        (_cancelled_after(0), "cancelled", NOTHING),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_a_code_is_a_success_and_none_a_failure_unless_it_was_not_waited_for(
    house: House, end: Ending, state: str, counted: Record
) -> None:
    user = await house.person()
    number = await house.buy(user)
    await end(house, user, number)
    assert await house.state(number) == state
    assert (await _tallied(house)).of(*HERE) == counted
    again = _anew(house)
    await again.catch_up()
    assert again.of(*HERE) == counted


async def test_what_is_open_was_never_sold_or_is_rented_counts_for_nothing(house: House) -> None:
    user = await house.person(amount="500")
    await house.hook(await house.buy(user))
    house.world.faults.add("allocate", "refuse:no_numbers")
    assert (await house.buy(user)).state.value == "failed"
    rental = await house.buy(user, hours=4)
    await house.numbers.release(user, rental.id)
    await house.check()
    assert await house.state(rental) == "cancelled"
    assert (await _tallied(house)).of(*HERE) == NOTHING
    await remember(house.db, [Ended(house.clock(), 1_000, kind=Kind.RENTAL)])
    assert (await _tallied(house)).of(*HERE) == NOTHING


async def test_a_code_that_came_before_the_sale_was_confirmed_took_no_time(house: House) -> None:
    await remember(house.db, [Ended(START, code_after=-200)])
    assert (await _tallied(house)).of(*HERE) == Record(1, 1, 0)


# The figures


@pytest.mark.parametrize(
    ("after_s", "median_s"),
    [
        ([None], None),
        ([7], 7),
        ([7, None, None], 7),
        ([9, 1, 5], 5),
        ([9, 1, 5, None, 6], 5.5),
        ([3, 3, 3, 900], 3),
    ],
)
async def test_the_time_is_the_median_of_the_successes(
    house: House, after_s: list[int | None], median_s: float | None
) -> None:
    lived = 20 * MINUTE
    await remember(house.db, [Ended(START, None if after is None else after * 1_000, lived=lived) for after in after_s])
    record = (await _tallied(house)).of(*HERE)
    assert record.median_ms == (None if median_s is None else median_s * 1_000)
    assert (record.samples, record.successes) == (len(after_s), len(after_s) - after_s.count(None))


@pytest.mark.parametrize(
    ("samples", "successes", "percent"), [(20, 20, 100), (200, 199, 99), (24, 0, 0), (21, 14, 66), (50, 46, 92)]
)
def test_a_rate_is_rounded_down_so_that_only_all_of_them_are_a_hundred(
    samples: int, successes: int, percent: int
) -> None:
    assert Record(samples, successes, None).percent == percent


async def test_nineteen_tell_too_little_and_twenty_are_a_rate(house: House) -> None:
    (offer,) = [one for one in await house.offers.countries(Kind.ACTIVATION, "wa") if one.country == "GB"]
    await remember(house.db, [Ended(START, 5_000)] * (ENOUGH - 1))
    await _tallied(house)
    assert house.offers.record(offer) is None
    assert not await house.offers.any_rated(Kind.ACTIVATION, "wa")
    await remember(house.db, [Ended(house.clock())])
    await _tallied(house)
    assert house.offers.record(offer) == Record(20, 19, 5_000)
    assert await house.offers.any_rated(Kind.ACTIVATION, "wa")
    assert house.offers.record(replace(offer, kind=Kind.RENTAL, hours=4)) is None, "rentals are not rated"
    assert house.offers.record(replace(offer, provider="other")) is None
    assert not await house.offers.any_rated(Kind.ACTIVATION, "tg")
    assert not await house.offers.any_rated(Kind.RENTAL, "wa")


async def test_the_same_service_and_country_has_a_record_for_each_provider(house: House) -> None:
    await remember(
        house.db,
        [Ended(START, 1_000, "one"), Ended(START, 3_000, "one"), Ended(START, None, "two"), Ended(START, 9_000, "two"),
         Ended(START, 5_000, "one", "tg"), Ended(START, None, "one", "wa", "DE")],
    )  # fmt: skip
    tally = await _tallied(house)
    assert tally.of("one", "wa", "GB") == Record(2, 2, 2_000)
    assert tally.of("two", "wa", "GB") == Record(2, 1, 9_000)
    assert tally.of_provider("one") == Record(4, 3, 3_000)
    assert tally.of_provider("nobody") == NOTHING


# What is kept, and for how long


async def test_thirty_days_are_kept_to_the_millisecond(house: House) -> None:
    now = START + SETTLED
    await remember(house.db, [Ended(now - WINDOW - 1, 1_000), Ended(now - WINDOW, 2_000), Ended(START, 4_000)])
    assert (await _tallied(house)).of(*HERE) == Record(2, 2, 3_000)
    house.clock.advance(1)
    await house.tally.sweep()
    assert house.tally.of(*HERE) == Record(1, 1, 4_000)
    house.clock.advance(WINDOW)
    await house.tally.sweep()
    assert house.tally.of(*HERE) == NOTHING
    assert house.tally._samples == {}, "what is forgotten takes no room"


async def test_the_newest_two_hundred_of_each_count(house: House) -> None:
    failed = [Ended(START + at) for at in range(100)]
    worked = [Ended(START + 100 + at, 1_000) for at in range(NEWEST - 50)]
    await remember(house.db, [*failed, *worked, Ended(START, 1_000, country="DE")])
    house.clock.advance(MINUTE)
    tally = await _tallied(house)
    assert tally.of(*HERE) == Record(NEWEST, NEWEST - 50, 1_000)
    assert tally.of("sandbox", "wa", "DE").samples == 1


async def test_what_has_just_ended_is_left_for_the_next_pass(house: House) -> None:
    """An end is dated before its transaction waits for its turn: one that is older can be committed later."""
    await remember(house.db, [Ended(START + 5, 1_000)])
    house.clock.now = START + 4 + SETTLED
    assert not await house.tally.sweep()
    await remember(house.db, [Ended(START, 1_000)])
    house.clock.advance(1)
    await house.tally.sweep()
    assert house.tally.of(*HERE).samples == 2


async def test_a_pass_reads_a_page_and_says_whether_there_is_more(house: House) -> None:
    await remember(house.db, [Ended(START)] * (2 * PAGE + 1))
    house.clock.advance(SETTLED)
    assert [await house.tally.sweep() for _ in range(4)] == [True, True, False, False]
    assert house.tally.of_provider("sandbox").samples == NEWEST


@pytest.mark.parametrize("seed", range(3))
async def test_a_restart_has_the_figures_that_were_counted_bit_by_bit(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    keys = [(provider, country) for provider in ("one", "two") for country in ("GB", "DE")]
    async with keep_house(tmp_path / "house.db") as house:
        for _ in range(20):
            now = house.clock()
            await remember(
                house.db,
                [
                    _some_end(chance, provider, country, now - chance.randrange(DAY))
                    for provider, country in chance.choices(keys, weights=(1, 20, 4, 1), k=26)
                ],
            )
            house.clock.advance(2 * DAY)
            while await house.tally.sweep():
                pass
        again = _anew(house)
        await again.catch_up()
        seen = {key: house.tally.of(key[0], "wa", key[1]) for key in keys}
        assert {key: again.of(key[0], "wa", key[1]) for key in keys} == seen
        assert max(record.samples for record in seen.values()) == NEWEST, "or the bound was not tried"
        assert again.of_provider("one") == house.tally.of_provider("one")


def _some_end(chance: random.Random, provider: str, country: str, closed_at: Ms) -> Ended:
    code_after = chance.choice((None, chance.randrange(300_000)))
    asked_after = None if code_after is not None else chance.choice((None, chance.randrange(240_000)))
    return Ended(closed_at, code_after, provider, "wa", country, asked_after=asked_after)
