"""What owners can do with their webhooks, and what is refused."""

import asyncio

import pytest

from bot.domain.errors import AddressRefused, LimitReached, NotFound, NotInvited, WebhookOff
from bot.domain.people import Role, User
from bot.domain.time import MINUTE
from bot.domain.webhooks import MOST_WEBHOOKS, Off, Progress, Topic
from bot.services.webhooks import TESTS_A_MINUTE
from tests.support.receiver import receiving
from tests.support.services import House

HERE = "http://127.0.0.1:9/hook"


async def test_five_addresses_and_not_one_more_also_when_asked_for_at_once(house: House) -> None:
    me, other = await house.person(7), await house.person(8)
    asked = [house.webhooks.register(me, f"{HERE}/{n}") for n in range(MOST_WEBHOOKS + 3)]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, LimitReached) for one in results) == 3
    mine = await house.webhooks.of(me)
    assert [one.slot for one in mine] == [1, 2, 3, 4, 5]
    assert len({one.secret for one in mine}) == 5
    await house.webhooks.register(other, HERE)
    await house.webhooks.remove(me, mine[2].id)
    again = await house.webhooks.register(me, HERE)
    assert again.slot == 3
    assert again.id not in [one.id for one in mine]


async def test_a_new_one_is_told_of_everything_unless_it_chooses(house: House) -> None:
    me = await house.person()
    assert (await house.webhooks.register(me, HERE)).topics == frozenset(Topic)
    chosen = await house.webhooks.register(me, HERE, [Topic.SMS_RECEIVED])
    assert chosen.topics == {Topic.SMS_RECEIVED}
    assert (await house.webhooks.change(me, chosen.id, topics=[])).topics == frozenset()
    assert chosen.secret.startswith("whsec_")


@pytest.mark.parametrize(
    ("url", "reason"),
    [("example", "no_url"), ("https://10.0.0.7/", "not_reachable"), ("http://93.184.215.14/", "not_secure")],
)
async def test_an_address_is_refused_when_it_is_registered_and_when_it_is_changed(
    house: House, url: str, reason: str
) -> None:
    me = await house.person()
    webhook = await house.webhooks.register(me, HERE)
    with pytest.raises(AddressRefused) as refused:
        await house.webhooks.register(me, url)
    assert refused.value.reason == reason
    with pytest.raises(AddressRefused):
        await house.webhooks.change(me, webhook.id, url=url)
    assert [one.url for one in await house.webhooks.of(me)] == [HERE]


async def test_nobody_sees_or_touches_another_s(house: House) -> None:
    me, other = await house.person(7), await house.person(8)
    webhook = await house.webhooks.register(me, HERE)
    sent = await house.webhooks.test(me, webhook.id)
    verbs = [
        house.webhooks.view(other, webhook.id),
        house.webhooks.change(other, webhook.id, topics=[]),
        house.webhooks.new_secret(other, webhook.id),
        house.webhooks.switch(other, webhook.id, on=False),
        house.webhooks.remove(other, webhook.id),
        house.webhooks.test(other, webhook.id),
        house.webhooks.delivery(other, sent.id),
        house.webhooks.deliveries(other, webhook.id, 10),
        house.webhooks.resend(other, sent.id),
        house.webhooks.resend_failed(other, webhook.id),
    ]
    for verb in verbs:
        with pytest.raises(NotFound):
            await verb
    assert await house.webhooks.view(me, webhook.id) == webhook
    assert await house.webhooks.of(other) == []


async def test_a_guest_can_do_nothing(house: House) -> None:
    me = await house.person()
    webhook = await house.webhooks.register(me, HERE)
    guest = User(me.id, me.name, "", "en", Role.GUEST, False, 0, removed=True)
    for verb in (
        house.webhooks.register(guest, HERE),
        house.webhooks.of(guest),
        house.webhooks.test(guest, webhook.id),
        house.webhooks.view(guest, webhook.id),
    ):
        with pytest.raises(NotInvited):
            await verb


async def test_what_is_off_sends_nothing_again(house: House) -> None:
    me = await house.person()
    webhook = await house.webhooks.register(me, HERE)
    await house.buy(me)
    off = await house.webhooks.switch(me, webhook.id, on=False)
    assert off.off is Off.OWNER
    [delivery] = await house.webhooks.deliveries(me, webhook.id, 10)
    assert (delivery.progress, delivery.error) == (Progress.FAILED, "switched_off")
    for verb in (house.webhooks.resend(me, delivery.id), house.webhooks.resend_failed(me, webhook.id)):
        with pytest.raises(WebhookOff):
            await verb
    await house.buy(me)
    assert len(await house.webhooks.deliveries(me, webhook.id, 10)) == 1
    await house.deliver()
    assert house.letters.notices() == []  # it was their own wish


async def test_switching_on_what_is_on_forgets_nothing(house: House) -> None:
    me = await house.person()
    async with receiving() as receiver:
        receiver.status = lambda _call: 500
        webhook = await house.webhooks.register(me, receiver.url)
        await house.buy(me)
        await house.post()
        failing = await house.webhooks.switch(me, webhook.id, on=True)
        assert failing.failing_since is not None
        await house.webhooks.switch(me, webhook.id, on=False)
        assert (await house.webhooks.switch(me, webhook.id, on=True)).failing_since is None


async def test_so_many_tests_a_minute_and_no_more(house: House) -> None:
    me = await house.person()
    webhook = await house.webhooks.register(me, HERE)
    for _ in range(TESTS_A_MINUTE):
        await house.webhooks.test(me, webhook.id)
    with pytest.raises(LimitReached, match="webhook_tests"):
        await house.webhooks.test(me, webhook.id)
    house.clock.advance(MINUTE)
    await house.webhooks.test(me, webhook.id)


async def test_a_test_of_what_cannot_be_reached_says_so(house: House) -> None:
    me = await house.person()
    webhook = await house.webhooks.register(me, HERE)
    sent = await house.webhooks.test(me, webhook.id)
    waiting = await house.webhooks.outcome(me, sent.id, within_s=0)
    assert (waiting.progress, waiting.attempts) == (Progress.PENDING, 0)
    await house.post()
    found = await house.webhooks.outcome(me, sent.id)
    assert (found.progress, found.status, found.error) == (Progress.FAILED, None, "no_contact")


async def test_pages_of_deliveries_and_those_of_one_kind(house: House) -> None:
    me = await house.person(amount="500")
    async with receiving() as receiver:
        webhook = await house.webhooks.register(me, receiver.url)
        for _ in range(5):
            await house.buy(me)
        await house.post()
        receiver.status = lambda _call: 500
        await house.buy(me)
        await house.post()
    first = await house.webhooks.deliveries(me, webhook.id, 4)
    rest = await house.webhooks.deliveries(me, webhook.id, 4, first[-1].event_id)
    assert [one.event_id for one in (*first, *rest)] == [6, 5, 4, 3, 2, 1]
    assert [one.event_id for one in await house.webhooks.deliveries(me, webhook.id, 9, progress=Progress.PENDING)] == [
        6
    ]
    assert (await house.webhooks.backlog(webhook)).pending == 1
