"""Outbox, quotes, invitations and SMS: what a row is for, and who gets it."""

import asyncio

from bot.domain.numbers import Purpose, State
from bot.domain.people import Role, Seen
from bot.domain.sms import IncomingSms
from storage import numbers, orphans, outbox, quotes, sms, users
from storage.db import Database
from storage.outbox import Owed
from tests.storage.rows import active, buying, quote


async def _due(db: Database, now: int = 10, limit: int = 50) -> list[Owed]:
    return await outbox.due(db.read, now, limit)


async def _sms_for(db: Database, number_id: int, chat_id: int, count: int, provider_ref: str) -> list[int]:
    found = []
    async with db.transaction() as tx:
        for _ in range(count):
            ordinal = await numbers.count_sms(tx, number_id)
            incoming = IncomingSms(provider_ref, f"s{ordinal}", "S", "text", 0)
            sms_id = await sms.add(tx, "sandbox", incoming, "1234", 0)
            assert sms_id is not None
            await sms.attach(tx, sms_id, number_id, ordinal)
            await outbox.add_sms(tx, chat_id, number_id, sms_id, 0)
            found.append(sms_id)
    return found


async def test_several_wishes_for_a_card_become_one_edit(db: Database) -> None:
    async with db.transaction() as tx:
        number = await active(tx)
        for now in range(5):
            await outbox.want_card(tx, 1, number.id, now)
    (owed,) = await _due(db)
    assert (owed.key, owed.generation, owed.kind) == (f"card:{number.id}", 5, "card")


async def test_codes_come_first_then_notices_then_cards_and_one_for_each_chat(db: Database) -> None:
    async with db.transaction() as tx:
        first, second = await active(tx, "a", 1), await active(tx, "b", 2)
        await outbox.want_card(tx, 1, first.id, 0)
        await outbox.add_notice(tx, "closed:1", 1, "cancelled", 0, number_id=first.id)
        await outbox.want_card(tx, 2, second.id, 0)
    await _sms_for(db, first.id, 1, 2, "p-a")
    order = []
    for _ in range(5):
        owed = await _due(db)
        if not owed:
            break
        assert len({one.chat_id for one in owed}) == len(owed)
        order.append([one.key for one in owed])
        async with db.transaction() as tx:
            for one in owed:
                await outbox.mark_sent(tx, one, 1, 5)
    assert order == [["sms:1", "card:2"], ["sms:2"], ["closed:1"], ["card:1"]]


async def test_a_card_asked_for_while_it_is_sent_stays_owed_and_a_stale_refusal_does_not_close_it(
    db: Database,
) -> None:
    async with db.transaction() as tx:
        number = await active(tx)
        await outbox.want_card(tx, 1, number.id, 0)
    (sending,) = await _due(db)
    async with db.transaction() as tx:
        await outbox.want_card(tx, 1, number.id, 1)
        await outbox.mark_sent(tx, sending, 77, 2)
        await outbox.close(tx, sending, "refused", "x", 2)
    (again,) = await _due(db)
    assert again.generation == 2
    async with db.transaction() as tx:
        assert await outbox.prune(tx, 100, 10) == 0, "what is owed is not pruned"
        await outbox.mark_sent(tx, again, 77, 2)
        assert await outbox.prune(tx, 3, 10) == 1
    assert await _due(db) == []


async def test_a_message_is_owed_once_however_often_it_is_asked_for(db: Database) -> None:
    async with db.transaction() as tx:
        number = await active(tx)
        for _ in range(3):
            await outbox.add_notice(tx, "closed:1", 1, "cancelled", 0, number_id=number.id)
    (owed,) = await _due(db)
    async with db.transaction() as tx:
        await outbox.mark_sent(tx, owed, 1, 1)
        await outbox.add_notice(tx, "closed:1", 1, "cancelled", 2, number_id=number.id)
    assert await _due(db) == []


async def test_nothing_is_due_for_a_chat_that_is_parked_or_paused(db: Database) -> None:
    async with db.transaction() as tx:
        first, second = await active(tx, "a", 1), await active(tx, "b", 2)
        for number, chat_id in ((first, 1), (second, 2)):
            await outbox.want_card(tx, chat_id, number.id, 0)
    owed = {one.chat_id: one for one in await _due(db)}
    async with db.transaction() as tx:
        await users.park_chat(tx, 1, 5)
        await outbox.park(tx, owed[1])
        await users.pause_chat(tx, 2, 20)
        await outbox.add_notice(tx, "n:1", 1, "cancelled", 5, number_id=first.id)
        await outbox.want_card(tx, 1, first.id, 6)
    assert await _due(db, 19) == []
    assert [one.chat_id for one in await _due(db, 20)] == [2]
    assert (await outbox.depth(db.read)).pending == 1
    assert await users.is_parked(db.read, 1)
    async with db.transaction() as tx:
        await users.unpark_chat(tx, 1)
        assert await outbox.unpark(tx, 1, 30) == 0
    assert [(one.chat_id, one.key) for one in await _due(db, 30)] == [(1, "n:1"), (2, "card:2")]


async def test_what_is_deferred_lets_others_of_its_chat_pass(db: Database) -> None:
    async with db.transaction() as tx:
        number = await active(tx)
        await outbox.want_card(tx, 1, number.id, 0)
    await _sms_for(db, number.id, 1, 1, "p-q")
    (first,) = await _due(db)
    async with db.transaction() as tx:
        await outbox.defer(tx, first, 50, "timeout", 1)
    (card,) = await _due(db)
    assert (first.key, card.key) == ("sms:1", "card:1")
    (later,) = [one for one in await _due(db, 50) if one.kind == "sms"]
    assert (later.copies, later.attempts) == (1, 1)


async def test_what_is_owed_follows_a_chat_that_moved(db: Database) -> None:
    async with db.transaction() as tx:
        number = await active(tx)
        await numbers.set_card(tx, number.id, 1, 55)
        await outbox.want_card(tx, 1, number.id, 0)
        await outbox.move_chat(tx, 1, -1001)
        await outbox.move_chat(tx, 1, -1001)
    (owed,) = await _due(db)
    assert owed.chat_id == -1001
    user = await users.of_chat(db.read, -1001)
    assert user is not None
    assert user.id == 1
    found = await numbers.get(db.read, number.id)
    assert found is not None
    assert (found.card_chat_id, found.card_message_id) == (-1001, None)


async def test_at_the_start_all_but_cards_may_have_been_sent_already(db: Database) -> None:
    async with db.transaction() as tx:
        number = await active(tx)
        await outbox.want_card(tx, 1, number.id, 0)
        await outbox.suspect_in_flight(tx)
    await _sms_for(db, number.id, 1, 1, "p-q")
    async with db.transaction() as tx:
        await outbox.suspect_in_flight(tx)
        await outbox.suspect_in_flight(tx)
    rows = await db.read.all("SELECT kind, copies FROM outbox ORDER BY kind")
    assert [tuple(row) for row in rows] == [("card", 0), ("sms", 1)]


async def test_a_quote_is_its_persons_alone_and_survives_while_its_purchase_is_unanswered(db: Database) -> None:
    async with db.transaction() as tx:
        number = await buying(tx, "bought")
        await quotes.add(tx, quote("renewal", purpose=Purpose.RENEW, number_id=number.id), 0)
        await quotes.add(tx, quote("idle"), 0)
    assert await quotes.owned(db.read, "bought", 1) is not None
    assert await quotes.owned(db.read, "bought", 2) is None
    assert await quotes.owned(db.read, "none", 1) is None
    found = await quotes.owned(db.read, "renewal", 1)
    assert found == quote("renewal", purpose=Purpose.RENEW, number_id=number.id, offer=found.offer if found else None)
    async with db.transaction() as tx:
        assert await quotes.prune(tx, 999, 10) == 0
        assert await quotes.prune(tx, 1_001, 1) == 1
        assert await quotes.prune(tx, 1_001, 10) == 1
    assert await quotes.owned(db.read, "bought", 1) is not None


async def test_of_two_who_open_one_invitation_one_gets_in(db: Database) -> None:
    async with db.transaction() as tx:
        await users.add_invite(tx, "hash", Role.MEMBER, 1, 0, 100)

    async def use(user_id: int, now: int = 5) -> Role | None:
        async with db.transaction() as tx:
            return await users.use_invite(tx, "hash", user_id, now)

    assert sorted(map(str, await asyncio.gather(use(1), use(2)))) == ["None", "member"]
    async with db.transaction() as tx:
        await users.add_invite(tx, "late", Role.MEMBER, 1, 0, 5)
        assert await users.use_invite(tx, "late", 2, 5) is None
        await users.add_invite(tx, "owner", Role.OWNER, None, 0, 100)
        await users.drop_unused_invites(tx, Role.OWNER)
        assert await users.use_invite(tx, "owner", 2, 5) is None


async def test_an_sms_is_kept_once_by_its_id_and_equal_texts_are_two(db: Database) -> None:
    async with db.transaction() as tx:
        one = IncomingSms("p", "s1", "S", "same", 0)
        assert await sms.add(tx, "sandbox", one, None, 0) is not None
        assert await sms.add(tx, "sandbox", one, None, 0) is None
        assert await sms.add(tx, "sandbox", IncomingSms("p", "s2", "S", "same", 0), None, 0) is not None
        assert await sms.add(tx, "sandbox", IncomingSms("p2", "s1", "S", "same", 0), None, 0) is not None
        assert await sms.add(tx, "other", one, None, 0) is not None
        assert await sms.unclaimed(tx, "sandbox", "p") == [1, 2]


async def test_what_live_numbers_have_is_known_to_a_poll(db: Database) -> None:
    async with db.transaction() as tx:
        live, closed = await active(tx, "a"), await active(tx, "b")
    await _sms_for(db, live.id, 1, 2, "p-a")
    await _sms_for(db, closed.id, 1, 1, "p-b")
    async with db.transaction() as tx:
        await numbers.move(tx, closed.id, closed.state, State.COMPLETED, "x", 1)
    assert await sms.known(db.read, "sandbox", "p-a", "p-z") == {("p-a", "s1"), ("p-a", "s2")}
    assert await sms.known(db.read, "other", "p-a", "p-z") == set()


async def test_came_before_goes_by_both_clocks(db: Database) -> None:
    async with db.transaction() as tx:
        number = await active(tx)
        for sms_id, (ours, theirs) in enumerate([(50, 150), (150, 50)]):
            kept = await sms.add(tx, "sandbox", IncomingSms("p-q", str(sms_id), "", "", theirs), None, ours)
            await sms.attach(tx, int(kept or 0), number.id, sms_id)
    assert not await sms.came_before(db.read, number.id, 100, 100)
    assert await sms.came_before(db.read, number.id, 151, 151)


async def test_texts_are_emptied_in_portions_and_their_rows_stay(db: Database) -> None:
    async with db.transaction() as tx:
        for place in range(5):
            await sms.add(tx, "sandbox", IncomingSms("p", str(place), "S", "secret", 0), "1", place)
        assert [await sms.prune(tx, 4, 3) for _ in range(3)] == [3, 1, 0]
    rows = await db.read.all("SELECT text FROM sms ORDER BY id")
    assert [row["text"] for row in rows] == ["", "", "", "", "secret"]


async def test_an_orphan_is_noted_once_and_asked_about_until_it_is_closed(db: Database) -> None:
    async with db.transaction() as tx:
        number = await buying(tx)
        for _ in range(2):
            await orphans.add(tx, "sandbox", "lost", number.id, 5)
    (orphan,) = await orphans.to_check(db.read, "sandbox", 5, 10)
    assert await orphans.to_check(db.read, "other", 5, 10) == []
    async with db.transaction() as tx:
        await orphans.defer(tx, orphan, 9)
    assert await orphans.to_check(db.read, "sandbox", 8, 10) == []
    (orphan,) = await orphans.to_check(db.read, "sandbox", 9, 10)
    assert orphan.check_attempts == 1
    async with db.transaction() as tx:
        await orphans.close(tx, orphan, "cancelled", 10)
    assert await orphans.to_check(db.read, "sandbox", 99, 10) == []


async def test_a_newer_name_is_noted_and_a_role_is_given_to_new_people_only(db: Database) -> None:
    async with db.transaction() as tx:
        user = await users.upsert(tx, Seen(1, "New", "new", "de"), Role.ADMIN, 5)
    assert (user.name, user.username, user.language, user.role) == ("New", "new", "de", Role.MEMBER)
    assert not await users.has_owner(db.read)
    async with db.transaction() as tx:
        assert await users.set_role(tx, 1, Role.OWNER)
        assert not await users.set_role(tx, 404, Role.MEMBER)
    assert await users.has_owner(db.read)
    assert [user.id for user in await users.admitted(db.read)] == [1, 2]
