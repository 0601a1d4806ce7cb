"""Keys of the API: shown once, kept as hashes, ended at once; and the tokens made from them."""

import pytest

from bot.domain.errors import LimitReached, NotFound, NotInvited, OutOfScope, Unauthorized
from bot.domain.keys import Scope
from bot.domain.people import Role
from bot.domain.time import HOUR, MINUTE
from bot.services.keys import MOST_KEYS, MOST_TOKENS, require_full


async def test_a_key_tells_whose_call_it_is_and_what_it_may_do(house):
    user = await house.person()
    for scope in Scope:
        key, text = await house.keys.make(user, "laptop", scope)
        caller = await house.keys.identify(text)
        assert (caller.user.id, caller.scope, caller.key_id) == (user.id, scope, key.id)
    require_full(caller)
    with pytest.raises(OutOfScope):
        require_full(await house.keys.identify((await house.keys.make(user, "", Scope.READ))[1]))


async def test_neither_a_key_nor_a_token_stands_in_the_database(house):
    user = await house.person()
    _, text = await house.keys.make(user, "laptop", Scope.FULL)
    token = await house.keys.token(text)
    tables = await house.db.read.all("SELECT name FROM sqlite_master WHERE type = 'table'")
    for table in tables:
        for row in await house.db.read.all(f"SELECT * FROM {table['name']}"):  # noqa: S608
            held = " ".join(map(str, tuple(row)))
            assert text not in held
            assert text.removeprefix("cpk_")[8:] not in held
            assert token.text.removeprefix("cpt_") not in held


async def test_no_two_keys_are_alike_and_each_has_32_random_bytes(house):
    user = await house.person()
    texts = {(await house.keys.make(user, "", Scope.READ))[1] for _ in range(5)}
    assert len(texts) == 5
    assert {len(text) for text in texts} == {4 + 43}


@pytest.mark.parametrize(
    "secret", ["", "cpk_", "cpt_", "cpk_" + "a" * 43, "x" * 10_000, "\ud800", "ключ", "' OR 1=1 --"]
)
async def test_what_is_no_key_is_refused(house, secret):
    await house.keys.make(await house.person(), "", Scope.FULL)
    with pytest.raises(Unauthorized):
        await house.keys.identify(secret)
    with pytest.raises(Unauthorized):
        await house.keys.token(secret)


async def test_a_revoked_key_is_refused_at_once_with_its_tokens(house):
    user = await house.person()
    key, text = await house.keys.make(user, "", Scope.FULL)
    _, other = await house.keys.make(user, "", Scope.FULL)
    token = await house.keys.token(text)
    assert (await house.keys.identify(token.text)).key_id == key.id
    await house.keys.revoke(user, key.id)
    for secret in (text, token.text):
        with pytest.raises(Unauthorized):
            await house.keys.identify(secret)
        assert not await house.keys.still_works(secret)
    assert await house.keys.still_works(other)
    with pytest.raises(NotFound):
        await house.keys.revoke(user, key.id)


async def test_a_token_ends_by_its_time_and_by_word(house):
    user = await house.person()
    _, text = await house.keys.make(user, "", Scope.READ)
    first, second = [await house.keys.token(text) for _ in range(2)]
    assert first.expires_at == house.clock() + HOUR
    await house.keys.end_token(second.text)
    with pytest.raises(Unauthorized):
        await house.keys.identify(second.text)
    house.clock.advance(HOUR - 1)
    assert (await house.keys.identify(first.text)).scope is Scope.READ
    house.clock.advance(1)
    with pytest.raises(Unauthorized):
        await house.keys.identify(first.text)
    await house.housekeeping.prune()
    assert await house.db.read.all("SELECT * FROM api_tokens") == []


async def test_a_token_makes_no_further_token(house):
    _, text = await house.keys.make(await house.person(), "", Scope.FULL)
    token = await house.keys.token(text)
    with pytest.raises(Unauthorized):
        await house.keys.token(token.text)


async def test_the_oldest_of_too_many_tokens_makes_room(house):
    _, text = await house.keys.make(await house.person(), "", Scope.FULL)
    tokens = []
    for _ in range(MOST_TOKENS + 1):
        house.clock.advance(1)
        tokens.append(await house.keys.token(text))
    assert not await house.keys.still_works(tokens[0].text)
    assert await house.keys.still_works(tokens[1].text)
    assert len(await house.db.read.all("SELECT * FROM api_tokens")) == MOST_TOKENS


async def test_the_keys_of_somebody_who_was_removed_stop(house):
    user = await house.person()
    _, text = await house.keys.make(user, "", Scope.FULL)
    token = await house.keys.token(text)
    async with house.db.transaction() as tx:
        await tx.all("UPDATE users SET role = $2, removed = 1 WHERE id = $1", user.id, Role.GUEST)
    for secret in (text, token.text):
        with pytest.raises(NotInvited):
            await house.keys.identify(secret)


async def test_somebody_elses_key_is_not_there(house):
    ada, eve = await house.person(1), await house.person(2)
    key, text = await house.keys.make(ada, "mine", Scope.FULL)
    assert await house.keys.of(eve) == []
    with pytest.raises(NotFound):
        await house.keys.one(eve, key.id)
    with pytest.raises(NotFound):
        await house.keys.rename(eve, key.id, "hers")
    with pytest.raises(NotFound):
        await house.keys.revoke(eve, key.id)
    assert [one.name for one in await house.keys.of(ada)] == ["mine"]
    assert await house.keys.still_works(text)


async def test_a_person_has_so_many_keys_and_a_revoked_one_makes_room(house):
    user = await house.person()
    keys = [await house.keys.make(user, "", Scope.READ) for _ in range(MOST_KEYS)]
    with pytest.raises(LimitReached):
        await house.keys.make(user, "", Scope.READ)
    await house.keys.revoke(user, keys[3][0].id)
    made, _ = await house.keys.make(user, "", Scope.READ)
    assert made.name == "Key 4"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("laptop", "laptop"),
        ("", "Key 1"),
        ("  a\n b\t", "a b"),
        ("x" * 99, "x" * 32),
        ("\u202eevil", "evil"),
        ("Сервер 2", "Сервер 2"),
    ],
)
async def test_a_name_is_one_short_line(house, typed, kept):
    key, _ = await house.keys.make(await house.person(), typed, Scope.READ)
    assert key.name == kept


async def test_a_key_is_renamed_but_not_to_nothing(house):
    user = await house.person()
    key, _ = await house.keys.make(user, "laptop", Scope.READ)
    assert (await house.keys.rename(user, key.id, "server")).name == "server"
    with pytest.raises(NotFound):
        await house.keys.rename(user, key.id, " \n ")
    assert (await house.keys.one(user, key.id)).name == "server"


async def test_the_last_use_is_noted_to_the_minute_and_not_at_each_call(house):
    user = await house.person()
    key, text = await house.keys.make(user, "", Scope.READ)
    assert key.used_at is None
    first = house.clock()
    for _ in range(30):
        house.clock.advance(1_000)
        await house.keys.identify(text)
    await house.background.drain(2)
    assert (await house.keys.one(user, key.id)).used_at == first + 1_000
    house.clock.advance(MINUTE)
    await house.keys.identify(text)
    await house.background.drain(2)
    assert (await house.keys.one(user, key.id)).used_at == house.clock()


async def test_a_key_is_renamed_by_its_person_alone_and_on_one_line(house):
    ann, bob = await house.person(1), await house.person(2)
    key, _ = await house.keys.make(ann, "laptop", Scope.FULL)
    assert (await house.keys.rename(ann, key.id, " my \n phone ")).name == "my phone"
    with pytest.raises(NotFound):
        await house.keys.rename(bob, key.id, "mine")
    assert (await house.keys.one(ann, key.id)).name == "my phone"
    await house.keys.revoke(ann, key.id)
    with pytest.raises(NotFound):
        await house.keys.rename(ann, key.id, "again")
