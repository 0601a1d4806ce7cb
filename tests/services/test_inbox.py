"""SMS from both sides: each is kept once and delivered, whatever its number has become."""

import asyncio
from pathlib import Path

import pytest

from bot.domain.errors import ProviderFault
from bot.domain.numbers import State
from bot.domain.sms import IncomingSms
from bot.domain.time import DAY, MINUTE
from bot.providers.base import BadWebhook, WebhookRequest
from bot.services.inbox import NoSuchHook
from tests.support.services import HOOK_SECRET, House, direct, keep_house


async def test_an_sms_told_by_webhook_and_by_poll_is_delivered_once(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    sms_id = house.text(number)
    request = house.told(number, sms_id)
    results = await asyncio.gather(
        *(house.inbox.webhook("sandbox", HOOK_SECRET, request) for _ in range(5)), house.watch.poll()
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
    assert house.watch.last_contact == {"sandbox": house.clock()}


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
    user = await house.person()
    number = await house.buy(user)
    request = house.told(number, house.text(number))
    for name, secret in (
        ("sandbox", ""),
        ("sandbox", HOOK_SECRET[:-1]),
        ("sandbox", HOOK_SECRET + "\ud800"),
        ("sandbox", "ключ"),
        ("nobody", HOOK_SECRET),
    ):
        with pytest.raises(NoSuchHook):
            await house.inbox.webhook(name, secret, request)
    house.inbox._secrets = {}
    with pytest.raises(NoSuchHook):
        await house.inbox.webhook("sandbox", "", request)
    assert (await house.number(number)).sms_count == 0


async def test_a_forged_webhook_is_refused(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    true = house.told(number, house.text(number))
    forged = WebhookRequest(true.headers, true.body.replace(b"123456", b"654321"))
    with pytest.raises(BadWebhook) as refused:
        await house.inbox.webhook("sandbox", HOOK_SECRET, forged)
    assert refused.value.forged
    assert (await house.number(number)).sms_count == 0


async def test_an_untrusted_webhook_is_a_hint_and_the_provider_is_asked(tmp_path: Path) -> None:
    async with keep_house(tmp_path / "a.db", signed=False) as house:
        user = await house.person()
        number = await house.buy(user)
        lie = WebhookRequest({}, house.told(number, "made-up", "Your code is 666666").body)
        assert (await house.inbox.webhook("sandbox", HOOK_SECRET, lie)).told == 0
        assert (await house.number(number)).sms_count == 0
        house.text(number, "Your code is 123456")
        assert (await house.inbox.webhook("sandbox", HOOK_SECRET, lie)).fresh == 1
        house.world.mode = "down"
        with pytest.raises(ProviderFault):
            await house.inbox.webhook("sandbox", HOOK_SECRET, lie)
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
