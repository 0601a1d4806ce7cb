"""SMS from both sides: each is kept once and delivered, whatever its number has become."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.config import load
from bot.domain.errors import ProviderFault
from bot.domain.numbers import State
from bot.domain.sms import IncomingSms
from bot.domain.time import DAY, MINUTE
from bot.providers.base import BadWebhook, WebhookRequest
from bot.services.inbox import Hook, Inbox, NoSuchHook, Stranger
from tests.support.services import HOOK_SECRET, House, direct, keep_house


async def test_an_sms_told_by_webhook_and_by_poll_is_delivered_once(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    sms_id = house.text(number)
    request = house.told(number, sms_id)
    results = await asyncio.gather(
        *(house.inbox.webhook(house.providers["sandbox"], request) for _ in range(5)), house.watch.poll()
    )
    await house.background.drain(5)
    await house.poll()
    assert sum(result.fresh for result in results if result) <= 1
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"]
    assert await house.ledger_of(number) == ["hold", "capture"]
    assert (await house.number(number)).sms_count == 1


async def test_two_equal_sms_are_both_delivered_and_paid_once(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    await house.hook(number)
    await house.hook(number)
    house.clock.advance(5_000)
    await house.poll()
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"] * 2
    assert [one.sms.ordinal for one in house.letters.sent if one.sms] == [1, 2]
    assert await house.ledger_of(number) == ["hold", "capture"]


async def test_a_poll_finds_what_no_webhook_told(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.text(number, "Your code is 246810")
    await house.poll()
    await house.deliver()
    assert house.letters.texts() == ["Your code is 246810"]
    assert house.letters.sent[0].sms is not None
    assert house.letters.sent[0].sms.code == "246810"


async def test_a_late_sms_after_a_cancel_is_delivered_free(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.numbers.cancel(user, number.id)
    await house.check()
    await house.hook(number, "Late: 909090")
    assert (await house.state(number), await house.ledger_of(number)) == ("cancelled", ["hold", "release"])
    await house.deliver()
    assert house.letters.texts() == ["Late: 909090"]


async def test_a_late_sms_after_the_end_is_delivered_free(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.now = int(number.expires_at or 0)
    await house.expire()
    assert await house.state(number) == "expired"
    house.clock.advance(MINUTE)
    await house.hook(number, "Late: 909090")
    assert await house.ledger_of(number) == ["hold", "release"]
    await house.deliver()
    assert house.letters.texts() == ["Late: 909090"]


async def test_an_sms_past_the_end_of_a_number_not_settled_yet_is_free_unless_the_provider_charges_it(
    house: House,
) -> None:
    user = await house.person()
    free, paid = await house.buy(user), await house.buy(user, "tg")
    house.text(paid, "In time: 111111")
    house.clock.now = int(free.expires_at or 0) + 1
    await house.hook(free, "Late: 909090")
    assert await house.ledger_of(free) == ["hold"]
    await house.expire()
    assert (await house.state(free), await house.ledger_of(free)) == ("expired", ["hold", "release"])
    assert (await house.state(paid), await house.ledger_of(paid)) == ("completed", ["hold", "capture"])
    await house.deliver()
    assert sorted(house.letters.texts()) == ["In time: 111111", "Late: 909090"]


async def test_an_sms_on_a_number_that_its_provider_took_back_is_free(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.clock.advance(3 * MINUTE)
    await house.providers["sandbox"].cancel(str(number.provider_ref))
    house.text(number, "Late: 909090")
    await house.poll()
    found = await house.number(number)
    assert (found.state, found.reason) == (State.CANCELLED, "provider_cancelled")
    assert await house.ledger_of(number) == ["hold", "release"]
    await house.deliver()
    assert house.letters.texts() == ["Late: 909090"]


async def test_half_a_surrogate_pair_in_an_sms_loses_no_code(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    broken = IncomingSms(str(number.provider_ref), "s-\ud83d", "Bank\udc00", "\ud83d code 778899\x00", house.clock())
    assert (await house.inbox.receive("sandbox", [broken])).fresh == 1
    assert (await house.inbox.receive("sandbox", [broken])).fresh == 0
    await house.deliver()
    assert [one.sms.code for one in house.letters.sent if one.sms] == ["778899"]


async def test_a_wrong_secret_or_a_provider_without_one_is_no_hook(house: House) -> None:
    assert house.inbox.admit("sandbox", HOOK_SECRET, "192.0.2.1") is house.providers["sandbox"]
    for name, secret in (
        ("sandbox", ""),
        ("sandbox", HOOK_SECRET[:-1]),
        ("sandbox", HOOK_SECRET + "\ud800"),
        ("sandbox", "ключ"),
        ("nobody", HOOK_SECRET),
    ):
        with pytest.raises(NoSuchHook):
            house.inbox.admit(name, secret, "192.0.2.1")
    for hooks in ({}, {"sandbox": Hook("")}):
        inbox = Inbox(house.db, house.clock, house.registry, house.woken.append, hooks)
        with pytest.raises(NoSuchHook):
            inbox.admit("sandbox", "", "192.0.2.1")


@pytest.mark.parametrize(
    ("sources", "allowed", "refused"),
    [
        ("", ("192.0.2.1", "2001:db8::1", "", "a-socket"), ()),
        ("192.0.2.1", ("192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201"), ("192.0.2.2", "::192.0.2.1", "", "x")),
        ("192.0.2.0/24", ("192.0.2.255", "::ffff:192.0.2.9"), ("192.0.3.0", "::ffff:192.0.3.0", "2001:db8::1")),
        ("::ffff:192.0.2.0/120", ("192.0.2.7", "::ffff:192.0.2.7"), ("192.0.3.7", "::ffff:192.0.3.7")),
        ("2001:db8::/32", ("2001:db8:9::1", "2001:0DB8::1"), ("2001:db9::", "192.0.2.1")),
        ("fe80::/10", ("fe80::1%eth0", "fe80::1"), ("fec0::1",)),
        ("198.51.100.7, 2001:db8::5", ("198.51.100.7", "2001:db8::5"), ("198.51.100.8", "2001:db8::6")),
        ("0.0.0.0/0", ("203.0.113.1", "::ffff:203.0.113.1"), ("2001:db8::1",)),
    ],
)
async def test_a_webhook_is_admitted_from_where_its_provider_sends(
    house: House, sources: str, allowed: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    named = load({"PROVIDERS__A__KIND": "sandbox", "PROVIDERS__A__WEBHOOK_FROM": sources}, None)
    hooks = {"sandbox": Hook(HOOK_SECRET, named.providers["a"].webhook_from)}
    inbox = Inbox(house.db, house.clock, house.registry, house.woken.append, hooks)
    for peer in allowed:
        assert inbox.admit("sandbox", HOOK_SECRET, peer)
    for peer in refused:
        with pytest.raises(Stranger):
            inbox.admit("sandbox", HOOK_SECRET, peer)
        with pytest.raises(NoSuchHook):  # to who does not know the path it looks like any other
            inbox.admit("sandbox", HOOK_SECRET + "x", peer)


async def test_a_forged_webhook_is_refused(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    true = house.told(number, house.text(number))
    forged = WebhookRequest(true.headers, true.body.replace(b"123456", b"654321"))
    with pytest.raises(BadWebhook) as refused:
        await house.inbox.webhook(house.providers["sandbox"], forged)
    assert refused.value.forged
    assert (await house.number(number)).sms_count == 0


async def test_an_untrusted_webhook_is_a_hint_and_the_provider_is_asked(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", signed=False) as house:
        user = await house.person()
        number = await house.buy(user)
        lie = WebhookRequest({}, house.told(number, "made-up", "Your code is 666666").body)
        assert (await house.inbox.webhook(house.providers["sandbox"], lie)).told == 0
        assert (await house.number(number)).sms_count == 0
        house.text(number, "Your code is 123456")
        assert (await house.inbox.webhook(house.providers["sandbox"], lie)).fresh == 1
        house.world.mode = "down"
        with pytest.raises(ProviderFault):
            await house.inbox.webhook(house.providers["sandbox"], lie)
        await house.deliver()
        assert house.letters.texts() == ["Your code is 123456"]


async def test_a_rolled_back_sms_is_taken_when_it_is_told_again(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db") as house:
        user = await house.person()
        number = await house.buy(user)
        house.db._hook = _refuse
        with pytest.raises(RuntimeError):
            await house.inbox.receive("sandbox", [direct(number, "s-1", at=house.clock())])
        house.db._hook = lambda _point: None
        assert (await house.number(number)).sms_count == 0
        assert (await house.inbox.receive("sandbox", [direct(number, "s-1", at=house.clock())])).fresh == 1


def _refuse(point: str) -> None:
    raise RuntimeError(point)


async def test_texts_are_forgotten_after_their_retention_and_still_known(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    await house.hook(number)
    await house.deliver()
    house.clock.advance(31 * DAY)
    assert await house.housekeeping.prune() is False
    row = await house.db.read.one("SELECT text, code, sender FROM sms")
    assert row is not None
    assert tuple(row) == ("", None, "")
    house.clock.now -= 31 * DAY
    await house.poll()
    assert (await house.number(number)).sms_count == 1


async def test_a_text_without_a_code_does_not_hide_the_code_before_it(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    await house.hook(number, "Your code is 123456")
    await house.hook(number, "Welcome! Tell your friends.")
    assert (await house.numbers.view(user, number.id)).code == "123456"


async def test_what_is_left_of_an_sms_counts_only_where_the_whole_of_it_is_not_known(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    assert number.provider_ref is not None
    await house.hook(number, "20009064 is your code")
    again = IncomingSms(number.provider_ref, "h:1", "", "20009064", house.clock.now, vague=True)
    other = IncomingSms(number.provider_ref, "h:2", "", "778899", house.clock.now, vague=True)
    assert (await house.inbox.receive("sandbox", [again])).fresh == 0
    assert (await house.inbox.receive("sandbox", [other])).fresh == 1
    await house.deliver()
    assert house.letters.texts() == ["20009064 is your code", "778899"]


class Unreadable(str):
    """A text that can be kept, and not be looked into."""

    def __getitem__(self, place: object) -> str:
        raise ValueError(str(self))

    def __iter__(self) -> Iterator[str]:
        raise ValueError(str(self))


async def test_an_sms_arrives_also_where_looking_for_its_code_fails(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    number = await house.buy(await house.person())
    told = replace(direct(number, "s1"), text=Unreadable("Your code is 778899"))
    assert (await house.inbox.receive("sandbox", [told])).fresh == 1
    await house.deliver()
    assert house.letters.texts() == ["Your code is 778899"]
    assert await house.ledger_of(number) == ["hold", "capture"]
    assert [line for line in caplog.messages if "ValueError" in line]
    assert "778899" not in caplog.text
