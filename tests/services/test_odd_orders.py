"""Orders of events that nobody had thought of, found by the state machine of tests/chaos/stateful."""

from bot.domain.time import MINUTE, SECOND
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
