"""Orders of events that nobody had thought of, found by the state machine of tests/chaos/stateful."""

from bot.domain.time import DAY, HOUR, MINUTE, SECOND, Ms
from bot.providers.base import WebhookRequest
from bot.providers.sandbox.notify import Notification
from bot.providers.sandbox.records import Received
from bot.providers.signature import sign
from tests.support.services import SECRET, House


async def _hook(house: House, row: dict[str, object], text: str = "Your code is 123456") -> None:
    """A text arrives on what the supplier has sold, and is told of, whether the number is known here or not."""
    sms_id = house.world.receive(str(row["phone"]), "Sender", text)
    assert sms_id is not None
    body = Notification("m", str(row["provider_ref"]), Received(sms_id, "Sender", text, house.clock())).body()
    request = WebhookRequest(sign(SECRET, "m", house.clock() // SECOND, body), body)
    await house.inbox.webhook(house.providers["sandbox"], request)


async def test_a_late_sms_of_a_number_that_is_found_after_its_end_is_free(house: House) -> None:
    """The answer to the purchase was lost, the number ended unused, and a text came after that."""
    user = await house.person()
    house.world.faults.add("allocate", "lost_answer")
    number = await house.buy(user)
    house.clock.advance(21 * MINUTE)
    await _hook(house, house.world.record()[0])
    await house.check()
    await house.expire()
    assert await house.state(number) == "expired"
    assert (await house.ledger_of(number)) == ["hold", "release"]
    await house.deliver()
    assert house.letters.texts() == ["Your code is 123456"]


async def _away(house: House, span: Ms) -> None:
    """The program does not run for so long, and finds the supplier down when it is back."""
    house.clock.advance(span)
    house.world.mode = "down"
    for sweep in (house.poll, house.expire, house.check):
        await sweep()
    house.world.mode = "normal"


async def _ask_again(house: House) -> None:
    house.clock.advance(house.timing.retry_longest)
    for sweep in (house.poll, house.expire, house.check, house.deliver):
        await sweep()


async def test_after_a_day_off_one_question_in_vain_gives_up_no_number_that_was_used(house: House) -> None:
    number = await house.buy(await house.person())
    house.text(number)
    await _away(house, DAY + HOUR)
    assert await house.state(number) == "active"
    await _ask_again(house)
    assert await house.state(number) == "completed"
    assert house.letters.texts() == ["Your code is 123456"]
    assert await house.ledger_of(number) == ["hold", "capture"]


async def test_after_hours_off_one_question_in_vain_loses_no_last_sms(house: House) -> None:
    number = await house.buy(await house.person())
    await house.hook(number, "First: 111111")
    house.text(number, "Second: 222222")
    await _away(house, 3 * HOUR)
    await _ask_again(house)
    assert house.letters.texts() == ["First: 111111", "Second: 222222"]


async def test_after_a_day_off_one_question_in_vain_gives_up_no_purchase(house: House) -> None:
    user = await house.person()
    house.world.faults.add("allocate", "lost_answer")
    number = await house.buy(user, hours=72)
    await _away(house, DAY + HOUR)
    assert await house.state(number) == "buying"
    await _ask_again(house)
    assert await house.state(number) == "active"


async def test_after_a_day_off_one_question_in_vain_gives_up_no_renewal(house: House) -> None:
    user = await house.person()
    number = await house.buy(user, hours=72)
    house.world.faults.add("renew", "lost_answer")
    quote = await house.renewals.quote(user, number.id, 24)
    renewal, _ = await house.renewals.begin(user, quote.id)
    await house.renewals.renew(renewal)
    await _away(house, DAY + HOUR)
    await _ask_again(house)
    assert [row["state"] for row in await house.db.read.all("SELECT state FROM renewals")] == ["done"]
    assert (await house.number(number)).expires_at == house.world.phones()[0]["expires_at"]


async def test_after_a_day_off_one_question_in_vain_leaves_no_orphan_open(house: House) -> None:
    """Sold after its purchase was given up, and not given back yet."""

    async def give_up() -> None:
        house.clock.advance(house.timing.answer_due)
        await house.check()

    house.wire.before["allocate"] = give_up
    assert (await house.buy(await house.person())).state == "failed"
    await _away(house, DAY + HOUR)
    assert [row["closed_at"] for row in await house.db.read.all("SELECT closed_at FROM orphans")] == [None]


async def test_a_provider_that_never_answers_again_is_given_up_after_a_day_of_asking(house: House) -> None:
    user = await house.person()
    number = await house.buy(user)
    house.world.mode = "down"
    house.clock.advance(21 * MINUTE)
    begun = house.clock()
    while await house.state(number) == "active" and house.clock() < begun + 3 * DAY:
        await house.expire()
        house.clock.advance(MINUTE)
    assert DAY <= house.clock() - begun <= DAY + HOUR
    assert await house.ledger_of(number) == ["hold", "release"]
