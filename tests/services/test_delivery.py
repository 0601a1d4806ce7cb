"""The table in bot.services.delivery, row by row, and what a crash or a full disk does to it."""

import asyncio

import pytest

from bot.domain.numbers import Number
from bot.domain.people import User
from bot.domain.time import DAY, MINUTE, SECOND
from bot.services.delivery import Blocked, Delivery, MaybeSent, Moved, NotSent, Undeliverable
from storage.db import Database, Reader, Row, Value
from tests.support.services import House


async def _with_a_code(house: House, user_id: int = 7, text: str = "Your code is 123456") -> tuple[User, Number]:
    """Somebody whose card is up to date and who is owed one SMS (and the card's edit)."""
    user = await house.person(user_id)
    number = await house.buy(user)
    await house.deliver()
    house.letters.sent.clear()
    house.letters.tried.clear()
    await house.hook(number, text)
    return user, await house.number(number)


async def _row(house: House, key: str) -> tuple[str, int, int]:
    row = await house.db.read.one("SELECT state, copies, attempts FROM outbox WHERE key = $1", key)
    assert row is not None
    return row["state"], row["copies"], row["attempts"]


async def test_done_is_marked_after_success_and_codes_go_first(house: House) -> None:
    _, number = await _with_a_code(house)
    await house.deliver()
    assert [one.owed.key for one in house.letters.sent] == ["sms:1", f"card:{number.id}"]
    assert await _row(house, "sms:1") == ("sent", 0, 0)
    await house.deliver()
    assert len(house.letters.sent) == 2
    assert (await house.number(number)).card_message_id is not None


@pytest.mark.parametrize(
    ("refusal", "wait"), [(NotSent("429", 30.0), 30 * SECOND), (NotSent("no contact"), 5 * SECOND)]
)
async def test_what_surely_was_not_sent_goes_again_freely_and_the_chat_waits(
    house: House, refusal: NotSent, wait: int
) -> None:
    await _with_a_code(house)
    house.letters.says = [refusal]
    await house.deliver()
    assert len(house.letters.tried) == 1, "the card would meet the same refusal"
    assert await _row(house, "sms:1") == ("pending", 0, 1)
    house.clock.advance(wait - 1)
    await house.deliver()
    assert len(house.letters.tried) == 1
    house.clock.advance(1)
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"]


async def test_no_contact_for_long_is_tried_again_each_minute_at_least(house: House) -> None:
    await _with_a_code(house)
    house.letters.says_to = {7: NotSent("no contact")}
    for _ in range(60 * 60):
        await house.deliver(passes=1)
        house.clock.advance(SECOND)
    tries = len(house.letters.tried)
    assert 55 <= tries <= 70
    house.letters.says_to = {}
    house.clock.advance(MINUTE)
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"]


async def test_no_answer_edits_the_card_first_and_sends_two_more_copies_at_most(house: House) -> None:
    _, number = await _with_a_code(house)
    house.letters.says_to = {}
    copies = []
    for _ in range(20):
        house.letters.says = [MaybeSent("timeout")] if "sms:1" in await house.owed() else []
        await house.deliver()
        house.clock.advance(10 * SECOND)
        copies = [one for one in house.letters.tried if one.sms]
    assert len(copies) == 3
    assert {one.sms.ordinal for one in copies if one.sms} == {1}
    assert (await _row(house, "sms:1"))[0] == "unconfirmed"
    kinds = [one.owed.kind for one in house.letters.tried]
    assert kinds[:2] == ["sms", "card"], "the edit, which repeats nothing, comes before the second copy"
    assert f"card:{number.id}" not in await house.owed()


async def test_a_copy_that_arrives_ends_it(house: House) -> None:
    await _with_a_code(house)
    house.letters.says = [MaybeSent("reset")]
    await house.deliver()
    assert (await _row(house, "sms:1"))[:2] == ("pending", 1)
    house.clock.advance(5 * SECOND)
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"]
    assert (await _row(house, "sms:1"))[0] == "sent"


async def test_a_refusal_between_copies_is_no_copy(house: House) -> None:
    await _with_a_code(house)
    tried = [MaybeSent("a"), *[NotSent("no contact")] * 5, MaybeSent("b")]
    house.letters.says = []
    for outcome in tried:
        house.letters.says = [outcome]
        while outcome in house.letters.says:
            house.clock.advance(MINUTE)
            await house.deliver(passes=1)
            if house.letters.says and not house.letters.tried[-1].sms:
                house.letters.says = [outcome]
    assert (await _row(house, "sms:1"))[:2] == ("pending", 2)


async def test_a_blocked_chat_is_parked_and_delays_nobody(house: House) -> None:
    await _with_a_code(house, 7)
    await _with_a_code_for(house, 8)
    house.letters.says_to = {7: Blocked("Forbidden")}
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"]
    assert sorted(await house.owed("parked")) == ["card:1", "sms:1"]
    tried = len(house.letters.tried)
    for _ in range(5):
        house.clock.advance(MINUTE)
        await house.deliver()
    assert len(house.letters.tried) == tried, "nobody knocks at a closed door"


async def test_what_was_owed_to_a_blocked_chat_goes_out_when_its_person_returns(house: House) -> None:
    _, number = await _with_a_code(house)
    house.letters.says_to = {7: Blocked("Forbidden")}
    await house.deliver()
    await house.hook(number, "Second: 222222")
    assert set(await house.owed("parked")) == {"card:1", "sms:1", "sms:2"}
    house.letters.says_to = {}
    assert await house.returns.came_back(7) == 2
    assert await house.returns.came_back(7) == 0
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456", "Second: 222222"]


async def test_who_is_back_before_the_refusal_arrives_is_not_shut_out_by_it(house: House) -> None:
    """The send was refused while they had the bot blocked; the answer comes after they have written again."""
    await _with_a_code(house)
    house.letters.says_to = {7: Blocked("Forbidden")}
    gate = house.letters.gates[7] = asyncio.Event()
    tried = len(house.letters.tried)
    await house.delivery.sweep()
    while len(house.letters.tried) == tried:  # noqa: ASYNC110 - the sender is on its way
        await asyncio.sleep(0)
    assert await house.returns.came_back(7) == 0
    gate.set()
    await house.delivery.drain(5)
    house.letters.says_to = {}
    house.clock.advance(MINUTE)
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"]


async def test_copies_are_not_used_up_by_a_block(house: House) -> None:
    await _with_a_code(house)
    house.letters.says = [MaybeSent("timeout")]
    await house.deliver()
    for _ in range(4):
        house.letters.says_to = {7: Blocked("Forbidden")}
        house.clock.advance(MINUTE)
        await house.deliver()
        await house.returns.came_back(7)
    house.letters.says_to = {}
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"]


async def test_what_nobody_came_back_for_is_forgotten_after_a_week(house: House) -> None:
    await _with_a_code(house)
    house.letters.says_to = {7: Blocked("Forbidden")}
    await house.deliver()
    house.clock.advance(6 * DAY)
    await house.housekeeping.prune()
    assert await house.owed("parked") != []
    house.clock.advance(2 * DAY)
    await house.housekeeping.prune()
    assert await house.owed("parked") == []
    async with house.db.transaction() as tx:
        await tx.all("UPDATE sms SET text = ''")


async def test_a_chat_that_moved_is_followed(house: House) -> None:
    _, number = await _with_a_code(house)
    house.letters.says_to = {7: Moved(-1007)}
    await house.deliver(passes=2)
    await house.deliver()
    assert {one.owed.chat_id for one in house.letters.sent} == {-1007}
    assert house.letters.texts() == ["Your code is 123456"]
    assert number.id == 1


async def test_a_refusal_for_good_is_kept_with_its_reason(house: House, caplog: pytest.LogCaptureFixture) -> None:
    await _with_a_code(house)
    house.letters.says = [Undeliverable("message is too strange")]
    await house.deliver()
    assert (await _row(house, "sms:1"))[0] == "refused"
    assert "sms:1" in caplog.text
    assert "123456" not in caplog.text
    row = await house.db.read.one("SELECT error FROM outbox WHERE key = 'sms:1'")
    assert row is not None
    assert row["error"] == "message is too strange"


async def test_a_message_that_cannot_be_written_stops_no_other(house: House) -> None:
    await _with_a_code(house, 7)
    await _with_a_code_for(house, 8)
    house.letters.says_to = {7: ValueError("a bug")}  # type: ignore[dict-item]
    for _ in range(3):
        await house.deliver()
        house.clock.advance(MINUTE)
    assert house.letters.texts(8) == ["Your code is 123456"]
    house.letters.says_to = {}
    await house.deliver()
    assert house.letters.texts(7) == ["Your code is 123456"]


async def test_after_a_start_a_blocked_chat_is_tried_once_more(house: House) -> None:
    """That its person came back may have been in an update that died with the process."""
    await _with_a_code(house)
    house.letters.says_to = {7: Blocked("Forbidden")}
    await house.deliver()
    tried = len(house.letters.tried)
    await house.reconcile.after_start()
    await house.deliver()
    assert len(house.letters.tried) == tried + 1, "still blocked: one send, and the rest waits again"
    house.letters.says_to = {}
    await house.reconcile.after_start()
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"]
    assert (await _row(house, "sms:1"))[0] == "sent"


async def test_each_chat_gets_its_messages_in_order(house: House) -> None:
    users = [await house.person(user_id) for user_id in (7, 8, 9)]
    bought = {user.id: await house.buy(user) for user in users}
    for place in range(12):
        for user in users:
            await house.hook(bought[user.id], f"{place} is code {1000 + place}")
    await house.deliver(passes=200)
    for user in users:
        assert house.letters.texts(user.id) == [f"{place} is code {1000 + place}" for place in range(12)]


async def test_one_slow_chat_delays_no_other_and_gets_one_message_at_a_time(house: House) -> None:
    await _with_a_code(house, 7)
    gate = house.letters.gates[7] = asyncio.Event()
    await house.delivery.sweep()
    await asyncio.sleep(0.05)
    for user_id in (8, 9):
        await _with_a_code_for(house, user_id)
    for _ in range(20):
        await house.delivery.sweep()
        await asyncio.sleep(0.005)
    assert sorted(one.owed.chat_id for one in house.letters.sent if one.sms) == [8, 9]
    assert [one.owed.chat_id for one in house.letters.tried].count(7) == 1
    gate.set()
    await house.deliver()
    assert house.letters.texts(7) == ["Your code is 123456"]


async def _with_a_code_for(house: House, user_id: int) -> None:
    user = await house.person(user_id)
    await house.hook(await house.buy(user))


async def test_a_card_asked_for_again_while_it_is_sent_is_sent_again(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    gate = house.letters.gates[7] = asyncio.Event()
    await house.delivery.sweep()
    await asyncio.sleep(0.05)
    await house.numbers.cancel(user, number.id)
    gate.set()
    await house.deliver()
    shown = [one.view.number.state.value for one in house.letters.sent if one.view and one.owed.kind == "card"]
    assert shown == ["active", "cancelling"]


async def test_ten_thousand_messages_for_one_chat_starve_no_other(house: House) -> None:
    user, number = await _with_a_code(house, 7)
    async with house.db.transaction() as tx:
        await tx.all(
            """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
               INSERT INTO outbox (key, chat_id, kind, priority, number_id, notice, next_attempt_at, created_at)
               SELECT 'bulk:' || i, $1, 'notice', 0, $2, 'cancelled', 0, 0 FROM n""",
            user.id,
            number.id,
        )
    await _with_a_code_for(house, 8)
    started = asyncio.get_running_loop().time()
    await house.delivery.sweep()
    await house.delivery.drain(5)
    assert house.letters.texts(8) == ["Your code is 123456"]
    assert asyncio.get_running_loop().time() - started < 1.0
    async with house.db.transaction() as tx:
        await tx.all("DELETE FROM outbox WHERE key LIKE 'bulk:%'")


async def _a_life_that_ends_before_its_mark(house: House) -> None:
    """The process dies between a send and the commit that marks it; the next one starts over the same database."""
    sent = len(house.letters.texts())

    def die(point: str) -> None:
        if len(house.letters.texts()) > sent:
            raise OSError(point)

    house.db._hook = die
    await house.delivery.sweep()
    await house.delivery.drain(5)
    house.db._hook = lambda _point: None
    house.delivery = house.new_delivery()
    await house.reconcile.after_start()


async def test_a_crash_between_a_send_and_its_mark_costs_one_more_copy(house: House) -> None:
    await _with_a_code(house)
    await _a_life_that_ends_before_its_mark(house)
    assert house.letters.texts() == ["Your code is 123456"]
    assert (await _row(house, "sms:1"))[:2] == ("pending", 1)
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"] * 2
    assert (await _row(house, "sms:1"))[0] == "sent"


async def test_however_often_it_crashes_there_are_three_copies_at_most(house: House) -> None:
    await _with_a_code(house)
    for _ in range(6):
        await _a_life_that_ends_before_its_mark(house)
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"] * 3
    assert (await _row(house, "sms:1"))[0] == "unconfirmed"


async def test_a_crash_before_anything_was_sent_loses_nothing(house: House) -> None:
    await _with_a_code(house)
    house.delivery = house.new_delivery()
    await house.reconcile.after_start()
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"]


def _dead(point: str) -> None:
    raise OSError(point)


async def test_a_sent_message_that_cannot_be_marked_is_not_sent_again_by_the_same_process(house: House) -> None:
    """A disk that is full: the send succeeds, the mark fails, for as long as it takes."""
    await _with_a_code(house)
    house.db._hook = _dead
    for _ in range(10):
        await house.delivery.sweep()
        await house.delivery.drain(5)
        house.clock.advance(SECOND)
    assert house.letters.texts() == ["Your code is 123456"]
    woken = len(house.woken)
    await house.delivery.sweep()
    await house.delivery.drain(5)
    assert len(house.woken) == woken, "it waits for the interval, and does not spin"
    house.db._hook = lambda _point: None
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"]
    assert (await _row(house, "sms:1"))[0] == "sent"


async def test_what_is_owed_to_nobody_is_refused(house: House) -> None:
    user, number = await _with_a_code(house)
    async with house.db.transaction() as tx:
        await tx.all(
            """INSERT INTO outbox (key, chat_id, kind, priority, number_id, next_attempt_at, created_at)
               VALUES ('sms:404', $1, 'sms', 0, $2, 0, 0)""",
            user.id,
            number.id,
        )
    await house.deliver()
    assert (await _row(house, "sms:404"))[0] == "refused"


async def test_settled_messages_are_forgotten_in_portions(house: House) -> None:
    user, number = await _with_a_code(house)
    await house.deliver()
    async with house.db.transaction() as tx:
        await tx.all(
            """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
               INSERT INTO outbox (key, chat_id, kind, priority, number_id, notice, state, done_at, next_attempt_at,
                                   created_at)
               SELECT 'old:' || i, $1, 'notice', 0, $2, 'cancelled', 'sent', 1, 0, 0 FROM n""",
            user.id,
            number.id,
        )
    passes = 0
    while await house.housekeeping.prune():
        passes += 1
    assert passes == 2
    assert len(await house.owed("sent")) == 2


class _LateReader:
    """Reads at once, and hands over what it read when it is told to."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.has_read = asyncio.Event()
        self.hand_over = asyncio.Event()

    async def all(self, sql: str, *args: Value) -> list[Row]:
        rows = await self._reader.all(sql, *args)
        if "FROM outbox o" in sql:
            self.has_read.set()
            await self.hand_over.wait()
        return rows

    async def one(self, sql: str, *args: Value) -> Row | None:
        return await self._reader.one(sql, *args)


class _LateDatabase:
    """The house's database with a reader of its own."""

    def __init__(self, db: Database) -> None:
        self.read = _LateReader(db.read)
        self.transaction = db.transaction


async def test_a_message_that_is_marked_while_the_next_sweep_reads_is_not_sent_again(house: House) -> None:
    """The sweep's list was read before the mark, and arrives after it."""
    user, _ = await _with_a_code(house)
    late = _LateDatabase(house.db)
    late.read.hand_over.set()
    delivery = Delivery(
        late, house.clock, house.timing, house.numbers, house.letters, house.returns, lambda _sweep: None
    )  # type: ignore[arg-type]
    gate = house.letters.gates[user.id] = asyncio.Event()
    await delivery.sweep()  # the code is under way
    late.read.has_read.clear()
    late.read.hand_over.clear()
    second = asyncio.create_task(delivery.sweep())
    await late.read.has_read.wait()
    gate.set()
    await delivery.drain(5)
    late.read.hand_over.set()
    await second
    await delivery.drain(5)
    assert house.letters.texts() == ["Your code is 123456"]


async def test_a_message_that_cannot_be_written_waits_before_it_is_tried_again(house: House) -> None:
    await _with_a_code(house, 7)
    house.letters.says_to = {7: ValueError("a bug")}  # type: ignore[dict-item]
    await house.deliver()
    tried = len(house.letters.tried)
    await house.deliver()
    assert len(house.letters.tried) == tried
    state, _, attempts = await _row(house, "sms:1")
    assert (state, attempts > 0) == ("pending", True)
