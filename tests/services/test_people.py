"""Who may do what: links, roles, strangers, and money by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.domain.errors import BadAmount, LinkUsed, NotAllowed, NotFound, NotInvited, QuoteGone, TooLittleMoney
from bot.domain.people import Role, Seen, User
from bot.services.access import Access, Door
from storage import ledger
from storage.db import Fault
from tests.support.services import House, keep_house

PRIVATE = Door()


async def _owner(house: House) -> User:
    token = await house.access.owner_token()
    assert token is not None
    return await house.access.redeem(await house.access.see(Seen(1, "Ada")), token)


async def test_the_owners_link_works_once(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", door=PRIVATE) as house:
        token = await house.access.owner_token()
        first, second = [await house.access.see(Seen(user_id, "Ada")) for user_id in (1, 2)]
        assert first.role is Role.GUEST
        assert token is not None
        results = await asyncio.gather(
            *(house.access.redeem(user, token) for user in (first, second)), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in results) == ["LinkUsed", "User"]
        assert await house.access.owner_token() is None


async def test_a_new_link_for_the_owner_makes_the_old_one_void(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", door=PRIVATE) as house:
        old, new = await house.access.owner_token(), await house.access.owner_token()
        user = await house.access.see(Seen(1, "Ada"))
        with pytest.raises(LinkUsed):
            await house.access.redeem(user, str(old))
        assert (await house.access.redeem(user, str(new))).role is Role.OWNER


async def test_once_admins_are_configured_an_old_link_for_the_owner_is_void(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", door=PRIVATE) as house:
        old = await house.access.owner_token()
        later = Access(house.db, house.clock, house.timing, Door(admin_ids=frozenset({5})))
        assert await later.owner_token() is None
        with pytest.raises(LinkUsed):
            await later.redeem(await later.see(Seen(1, "Eve")), str(old))


async def test_admin_ids_make_and_unmake_admins(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", door=PRIVATE) as house:
        await house.access.see(Seen(5, "Bo"))
        named = Access(house.db, house.clock, house.timing, Door(admin_ids=frozenset({5})))
        assert (await named.see(Seen(5, "Bo"))).role is Role.ADMIN
        assert await named.owner_token() is None
        assert (await house.access.see(Seen(5, "Bo"))).role is Role.MEMBER
        assert await house.access.owner_token() is not None


async def test_an_invitation_lets_one_person_in_until_it_expires(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", door=PRIVATE) as house:
        owner = await _owner(house)
        guests = [await house.access.see(Seen(user_id, "Guest")) for user_id in range(10, 16)]
        token = await house.access.invite(owner)
        results = await asyncio.gather(*(house.access.redeem(guest, token) for guest in guests), return_exceptions=True)
        assert sum(isinstance(one, User) and one.role is Role.MEMBER for one in results) == 1
        late = await house.access.invite(owner)
        house.clock.advance(house.timing.invite_life)
        for wrong in (late, token, "", "made up", "x" * 5000, "\ud800"):
            with pytest.raises(LinkUsed):
                await house.access.redeem(guests[0], wrong)
        assert (await house.access.see(Seen(10, "Guest"))).role is (await house.access.see(Seen(10, "Guest"))).role


async def test_a_members_link_takes_no_admins_role(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", door=PRIVATE) as house:
        owner = await _owner(house)
        assert (await house.access.redeem(owner, await house.access.invite(owner))).role is Role.OWNER


@pytest.mark.parametrize("door", [PRIVATE, Door(open_to_all=True)])
async def test_a_removed_member_stays_out_until_they_are_invited_again(tmp_path: Path, door: Door) -> None:
    async with keep_house(tmp_path / "a.db", door=door) as house:
        owner = await _owner(house)
        user = await house.person()
        number = await house.buy(user)
        assert (await house.access.remove(owner, user.id)).role is Role.GUEST
        removed = await house.access.see(Seen(user.id, "Another name", language="de"))
        assert removed.role is Role.GUEST
        with pytest.raises(NotInvited):
            await house.quote(removed)
        await house.hook(number)
        await house.deliver()
        assert house.letters.texts() == ["Your code is 123456"], "what they bought stays theirs"
        assert (await house.numbers.finish(removed, number.id)).state.value == "completed"
        assert (await house.access.redeem(removed, await house.access.invite(owner))).role is Role.MEMBER
        with pytest.raises(NotAllowed):
            await house.access.remove(owner, owner.id)
        with pytest.raises(NotFound):
            await house.access.remove(owner, 404)


async def test_members_do_nothing_that_admins_do(house: House) -> None:
    user = await house.person()
    verbs: list[Awaitable[object]] = [
        house.access.invite(user),
        house.access.people(user),
        house.access.remove(user, user.id),
        house.wallet.credit(user, user.id, "5", "thanks", key="k"),
    ]
    for verb in verbs:
        with pytest.raises(NotAllowed):
            await verb


async def test_guests_are_refused_in_every_verb(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", door=PRIVATE) as house:
        guest = await house.access.see(Seen(8, "Guest"))
        member = await house.person()
        number, quote_id = await house.buy(member), await house.quote(member)
        offer = (await house.purchases.quoted(member, quote_id)).offer
        uninvited: list[Awaitable[object]] = [
            house.purchases.quote(guest, offer),
            house.purchases.begin(guest, quote_id),
            house.purchases.allocate(guest, quote_id),
            house.renewals.quote(guest, number.id, 4),
            house.renewals.begin(guest, quote_id),
            house.wallet.account(guest),
            house.access.invite(guest),
            house.access.people(guest),
            house.access.remove(guest, member.id),
            house.wallet.credit(guest, guest.id, "5", "thanks", key="k"),
        ]
        for verb in uninvited:
            with pytest.raises(NotInvited):
                await verb
        assert await house.numbers.open_numbers(guest) == []
        assert await house.wallet.balance(guest) == 0


async def test_a_stranger_gets_nowhere_with_anothers_number_or_quote(house: House) -> None:
    user, stranger = await house.person(7), await house.person(8)
    used = await house.buy(user)
    await house.hook(used)
    fresh, rental = await house.buy(user), await house.buy(user, hours=24)
    quote_id = await house.quote(user)
    renewal = await house.renewals.quote(user, rental.id, 4)
    tables = ("numbers", "number_events", "quotes", "renewals", "transfers", "outbox", "sms", "accounts")

    async def everything() -> list[tuple[object, ...]]:
        return [tuple(row) for table in tables for row in await house.db.read.all(f"SELECT * FROM {table}")]  # noqa: S608

    before, calls = await everything(), len(house.wire.calls)
    with_ids: list[Callable[[User, int], Awaitable[object]]] = [
        house.numbers.view,
        house.numbers.another_code,
        house.numbers.finish,
        house.numbers.cancel,
        house.numbers.release,
        house.numbers.messages,
        lambda who, number_id: house.renewals.quote(who, number_id, 4),
    ]
    for verb in with_ids:
        for number_id in (used.id, fresh.id, rental.id, 0, -1, 10**17):
            with pytest.raises(NotFound):
                await verb(stranger, number_id)
    for quoted in (quote_id, renewal.id, "made up", "", "\ud800"):
        with pytest.raises(QuoteGone):
            await house.purchases.quoted(stranger, quoted)
        with pytest.raises(QuoteGone):
            await house.purchases.allocate(stranger, quoted)
        with pytest.raises(QuoteGone):
            await house.renewals.begin(stranger, quoted)
    assert await house.numbers.open_numbers(stranger) == []
    assert await house.numbers.history(stranger, before_id=10**15, limit=10) == []
    assert await everything() == before
    assert len(house.wire.calls) == calls


async def test_a_quote_to_renew_buys_nothing(house: House) -> None:
    user = await house.person()
    rental = await house.buy(user, hours=24)
    quote = await house.renewals.quote(user, rental.id, 4)
    with pytest.raises(QuoteGone):
        await house.purchases.allocate(user, quote.id)


async def test_a_name_and_a_clients_language_are_noted_when_they_change(house: House) -> None:
    await house.access.see(Seen(7, "Old", "old", "en"))
    assert (await house.access.see(Seen(7, "Old", "old", "de"))).language == "de"
    user = await house.access.see(Seen(7, "New \ud800", "", "de"))
    assert (user.name, user.username) == ("New ?", "")
    chosen = await house.access.choose_language(user, "ru")
    assert (await house.access.see(Seen(7, "New", "", "fr"))).language == chosen.language == "ru"
    assert (await house.access.choose_hide_codes(user, True)).hide_codes
    commits: list[str] = []
    house.db._hook = commits.append
    await house.access.see(Seen(7, "New", "", "fr"))
    assert commits == [], "nothing new is not written"


async def test_a_welcome_is_given_once(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", door=Door(open_to_all=True, welcome=50_000)) as house:
        for name in ("A", "B", "C"):
            user = await house.access.see(Seen(7, name))
        assert await house.wallet.balance(user) == 50_000


async def test_a_credit_with_the_same_key_is_given_once(house: House) -> None:
    user = await house.person(amount="0")
    balances = await asyncio.gather(
        *(house.wallet.credit_as(None, user.id, "2.50", "thanks", key="k") for _ in range(5))
    )
    assert balances == [25_000] * 5
    assert await house.wallet.credit_as(None, user.id, "-2,5", "back", key="d") == 0
    assert await house.wallet.credit_as(None, user.id, "-2,5", "back", key="d") == 0, "repeated, not refused"


@pytest.mark.parametrize(
    "amount",
    ["", "x", "0", "-0", "0.00001", "NaN", "sNaN", "Infinity", "1e400", "-1e400", "1e-400", "1000000001", "--1", "1 2"],
)
async def test_an_amount_that_is_none_is_refused(house: House, amount: str) -> None:
    user = await house.person(amount="0")
    with pytest.raises(BadAmount):
        await house.wallet.credit_as(None, user.id, amount, "thanks", key="k")
    assert await house.db.read.all("SELECT id FROM transfers") == []


async def test_nobody_is_put_below_zero_and_a_reason_is_needed(house: House) -> None:
    user = await house.person(amount="3")
    with pytest.raises(TooLittleMoney) as refused:
        await house.wallet.credit_as(None, user.id, "-3.0001", "back", key="d")
    assert refused.value.missing == 1
    with pytest.raises(BadAmount):
        await house.wallet.credit_as(None, user.id, "1", "  ", key="d")
    for nobody in (404, 10**30):
        with pytest.raises(NotFound):
            await house.wallet.credit_as(None, nobody, "1", "thanks", key="d")
    assert await house.wallet.balance(user) == 30_000


async def test_a_statement_shows_what_can_be_spent_what_is_held_and_the_newest_entries(house: House) -> None:
    user = await house.person(amount="20")
    number = await house.buy(user)
    account = await house.wallet.account(user)
    assert (account.available, account.held) == (200_000 - number.price, number.price)
    assert [(entry.kind, entry.amount) for entry in account.entries] == [("hold", -number.price), ("credit", 200_000)]
    await house.hook(number)
    account = await house.wallet.account(user)
    assert (account.available, account.held) == (200_000 - number.price, 0)
    assert await ledger.captured(house.db.read, f"n{number.id}")


async def test_who_used_two_links_at_once_is_in_once(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", door=PRIVATE) as house:
        owner = await _owner(house)
        links = [await house.access.invite(owner) for _ in range(2)]
        guest = await house.access.see(Seen(2, "Bob"))
        results = [await house.access.redeem(guest, link) for link in links]
        assert [user.role for user in results] == [Role.MEMBER, Role.MEMBER]


async def test_a_new_name_keeps_nobody_out_while_it_cannot_be_written_down(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", door=Door(open_to_all=True)) as house:
        await house.access.see(Seen(2, "Bob"))
        house.db._condition.fault = Fault.DAMAGED
        user = await house.access.see(Seen(2, "Robert"))
        assert (user.role, user.name) == (Role.MEMBER, "Bob")
        house.db._condition.fault = None
        assert (await house.access.see(Seen(2, "Robert"))).name == "Robert"
