"""A row that cannot be settled, whatever the reason, stops no other; and it is tried again."""

from bot.domain.numbers import Number
from bot.domain.people import User
from bot.domain.time import MINUTE, SECOND
from bot.services.reconcile import PAGE
from bot.services.rhythm import Sweep
from tests.support.services import House


async def refuse_to_change(house: House, number: Number) -> None:
    """From now on the database takes no change of its state."""
    async with house.db.transaction() as tx:
        await tx.all(
            f"""CREATE TRIGGER planted BEFORE UPDATE OF state ON numbers WHEN NEW.id = {number.id}
                BEGIN SELECT RAISE(ABORT, 'planted'); END"""
        )


async def mend(house: House) -> None:
    async with house.db.transaction() as tx:
        await tx.all("DROP TRIGGER planted")


async def two_bought(house: House) -> tuple[User, Number, Number]:
    user = await house.person()
    return user, await house.buy(user), await house.buy(user)


async def test_a_number_that_cannot_be_expired_lets_the_next_one_expire(house: House) -> None:
    _, bad, good = await two_bought(house)
    await refuse_to_change(house, bad)
    house.clock.now = int(good.expires_at or 0) + SECOND
    await house.expire()
    await house.check()
    assert (await house.state(bad), await house.state(good)) == ("active", "expired")
    await mend(house)
    house.clock.advance(house.timing.retry_longest)
    await house.expire()
    await house.check()
    assert await house.state(bad) == "expired"


async def test_a_cancel_that_cannot_be_settled_lets_the_next_one_be(house: House) -> None:
    user, bad, good = await two_bought(house)
    house.clock.advance(3 * MINUTE)
    for number in (bad, good):
        await house.numbers.cancel(user, number.id)
    await refuse_to_change(house, bad)
    await house.check()
    assert (await house.state(bad), await house.state(good)) == ("cancelling", "cancelled")
    await mend(house)
    house.clock.advance(house.timing.retry_longest)
    await house.check()
    assert await house.state(bad) == "cancelled"
    assert await house.ledger_of(bad) == ["hold", "release"]


async def test_a_renewal_that_cannot_be_settled_is_asked_about_again_and_later(house: House) -> None:
    user = await house.person(amount="200")
    number = await house.buy(user, hours=24)
    quote = await house.renewals.quote(user, number.id, 24)
    house.world.faults.add("renew", "lost_answer")
    renewal, _ = await house.renewals.begin(user, quote.id)
    await house.renewals.renew(renewal)
    async with house.db.transaction() as tx:
        await tx.all(
            """CREATE TRIGGER planted BEFORE UPDATE OF state ON renewals BEGIN SELECT RAISE(ABORT, 'planted'); END"""
        )
    house.clock.advance(house.timing.answer_due)
    await house.check()
    asked = house.wire.count("fetch")
    await house.check()
    assert house.wire.count("fetch") == asked, "not at once"
    await mend(house)
    house.clock.advance(house.timing.retry_longest)
    await house.check()
    assert await house.ledger_of(number) == ["hold", "capture", "hold", "capture"]


async def test_a_rental_that_cannot_be_read_lets_the_others_be_read(house: House) -> None:
    user = await house.person(amount="500")
    first, second = await house.buy(user, hours=24), await house.buy(user, hours=24)
    for number in (first, second):
        house.text(number)

    async def planted() -> None:
        raise ValueError("planted")

    house.wire.before["fetch"] = planted
    for _ in range(5):
        house.clock.advance(MINUTE)
        await house.poll()
    await house.deliver()
    assert len(house.letters.texts()) == 2


async def test_more_than_a_page_of_what_is_undecided_is_gone_through_without_a_pause(house: House) -> None:
    user = await house.person(amount="5000")
    house.world.faults.add("allocate", "lost_answer", times=PAGE + 1)
    bought = [await house.buy(user) for _ in range(PAGE + 1)]
    house.clock.advance(house.timing.answer_due)
    house.woken.clear()
    await house.check()
    assert Sweep.RECONCILE in house.woken
    await house.check()
    assert {await house.state(number) for number in bought} == {"active"}
