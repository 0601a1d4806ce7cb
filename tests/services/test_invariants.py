"""The books after every step of lives that nobody planned; and that the check sees what it is there to see."""

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bot.domain.errors import CodepigeonError
from bot.domain.numbers import Number
from bot.domain.people import User
from bot.domain.time import HOUR, MINUTE, SECOND
from bot.services.delivery import Blocked, MaybeSent, NotSent
from tests.support.services import House, check_books, keep_house

FAULTS = ("lost_answer", "garbage", "refuse:provider_fault", "refuse:throttled", "refuse:denied")


class Life:
    """Random verbs of two people at a provider and a Telegram that fail now and then."""

    def __init__(self, house: House, chance: random.Random, people: list[User]) -> None:
        self.house, self.chance, self.people = house, chance, people
        self.told = 0

    async def step(self) -> None:
        steps: list[Callable[[], Awaitable[object]]] = [
            self.buy, self.buy, self.rent, self.sms, self.sms, self.sms, self.cancel, self.finish, self.release,
            self.renew, self.pass_time, self.pass_time, self.sweep, self.sweep, self.deliver, self.fault, self.restart,
        ]  # fmt: skip
        with suppress(CodepigeonError):
            await self.chance.choice(steps)()

    async def buy(self) -> None:
        await self.house.buy(self.chance.choice(self.people))

    async def rent(self) -> None:
        await self.house.buy(self.chance.choice(self.people), hours=4)

    async def _any(self) -> Number:
        rows = await self.house.db.read.all("SELECT id FROM numbers ORDER BY id DESC LIMIT 6")
        return await self.house.number(self.chance.choice(rows)["id"]) if rows else await self._any_bought()

    async def _any_bought(self) -> Number:
        return await self.house.buy(self.people[0])

    async def sms(self) -> None:
        number = await self._any()
        if number.phone is None:
            return
        self.told += 1
        if self.chance.random() < 0.5:
            await self.house.hook(number, f"Your code is {1000 + self.told}")
        else:
            self.house.text(number, f"Your code is {1000 + self.told}")

    async def _verb(self, verb: Callable[[User, int], Awaitable[object]]) -> None:
        number = await self._any()
        owner = next(user for user in self.people if user.id == number.user_id)
        await verb(owner, number.id)

    async def cancel(self) -> None:
        await self._verb(self.house.numbers.cancel)

    async def finish(self) -> None:
        await self._verb(self.house.numbers.finish)

    async def release(self) -> None:
        await self._verb(self.house.numbers.release)

    async def renew(self) -> None:
        async def verb(user: User, number_id: int) -> None:
            quote = await self.house.renewals.quote(user, number_id, 4)
            renewal, fresh = await self.house.renewals.begin(user, quote.id)
            if fresh and self.chance.random() < 0.8:
                await self.house.renewals.renew(renewal)

        await self._verb(verb)

    async def pass_time(self) -> None:
        self.house.clock.advance(self.chance.choice((SECOND, 20 * SECOND, MINUTE, 3 * MINUTE, 25 * MINUTE)))

    async def sweep(self) -> None:
        for sweep in (self.house.poll, self.house.expire, self.house.check):
            await sweep()

    async def deliver(self) -> None:
        moods = [None, None, None, MaybeSent("timeout"), NotSent("no contact"), Blocked("Forbidden")]
        self.house.letters.says = [self.chance.choice(moods) for _ in range(3)]
        await self.house.deliver(passes=4)
        if self.chance.random() < 0.5:
            for user in self.people:
                await self.house.returns.came_back(user.id)

    async def fault(self) -> None:
        verb = self.chance.choice(("allocate", "cancel", "fetch", "find", "renew", "finish"))
        self.house.world.faults.add(verb, self.chance.choice(FAULTS))
        self.house.world.mode = self.chance.choice(("normal", "normal", "normal", "down"))

    async def restart(self) -> None:
        self.house.delivery = self.house.new_delivery()
        await self.house.reconcile.after_start()

    async def come_to_rest(self) -> None:
        """The world is well again, and time passes: everything must end."""
        self.house.world.mode = "normal"
        self.house.world.faults.clear()
        self.house.letters.says = []
        for _ in range(40):
            self.house.clock.advance(11 * MINUTE)
            await self.sweep()
            for user in self.people:
                await self.house.returns.came_back(user.id)
            await self.house.deliver()
        self.house.clock.advance(12 * HOUR)
        await self.sweep()
        await self.house.deliver()


@pytest.mark.parametrize("seed", range(6))
async def test_the_books_hold_after_every_step_of_a_random_life_and_everything_ends(tmp_path: Path, seed: int) -> None:
    async with keep_house(tmp_path / "a.db") as house:
        life = Life(house, random.Random(seed), [await house.person(1, "300"), await house.person(2, "300")])
        for place in range(150):
            await life.step()
            if place % 5 == 0:
                await check_books(house.db.read)
        await life.come_to_rest()
        await check_books(house.db.read)
        open_ones = await house.db.read.all("SELECT id, state FROM numbers WHERE closed_at IS NULL")
        assert [tuple(row) for row in open_ones] == []
        assert [tuple(row) for row in await house.db.read.all("SELECT id FROM renewals WHERE state = 'pending'")] == []
        assert await house.money(1) == ((await house.money(1))[0], 0)
        assert house.world.open_numbers() == 0
        assert await house.owed("pending", "parked") == []
        owed = await house.db.read.all("SELECT id FROM sms WHERE number_id IS NOT NULL")
        sent = {letter.owed.sms_id for letter in house.letters.sent}
        given_up = await house.db.read.all("SELECT sms_id FROM outbox WHERE state = 'unconfirmed'")
        assert {row["id"] for row in owed} - sent <= {row["sms_id"] for row in given_up}
        await _check_against_the_supplier(house)


async def _check_against_the_supplier(house: House) -> None:
    """Nobody paid for an activation that the supplier did not charge."""
    charged = {row["ref"]: row["charged"] for row in house.world.record()}
    for row in await house.db.read.all("SELECT id, ref, kind, state FROM numbers WHERE kind = 'activation'"):
        captured = await house.db.read.one(
            "SELECT 1 FROM transfers WHERE hold_id = $1 AND kind = 'capture'", f"n{row['id']}:hold"
        )
        if captured is not None:
            assert charged[row["ref"]], row["id"]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE accounts SET balance = balance + 1 WHERE id = 'income'",
        "UPDATE numbers SET sms_count = sms_count + 1 WHERE id = 1",
        "DELETE FROM outbox WHERE kind = 'sms'",
        "UPDATE number_events SET to_state = 'expired' WHERE to_state = 'active'",
        "UPDATE outbox SET copies = 4",
        """INSERT INTO transfers (id, kind, from_account, to_account, amount, hold_id, reason, created_at)
           SELECT 'n2:release', 'release', 'holds', from_account, amount, id, '', 0 FROM transfers
           WHERE id = 'n2:hold'""",
    ],
)
async def test_the_check_sees_damage(house: House, damage: str) -> None:
    user = await house.person()
    number = await house.buy(user)
    await house.buy(user)
    await house.hook(number)
    await check_books(house.db.read)
    with pytest.raises(AssertionError):  # noqa: PT012
        async with house.db.transaction() as tx:
            await tx.all(damage)
            await check_books(tx)
