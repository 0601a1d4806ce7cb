import asyncio
import dataclasses
import json
from typing import Any

import httpx
import pytest
from hypothesis import given

from bot.clients import ClientSettings, make_client
from bot.domain.errors import (
    BadKey,
    BadRequest,
    CancelTooEarly,
    Denied,
    Gone,
    NoNumbers,
    PriceRisen,
    ProviderError,
    ProviderFault,
    ProviderFunds,
    Throttled,
)
from bot.domain.numbers import Kind, Offer
from bot.domain.time import HOUR, MINUTE, SECOND
from bot.providers.base import BadWebhook, Done, RemoteState, Renewed, Sold, Unknown, WebhookRequest
from bot.providers.fields import Malformed
from bot.providers.http import ProviderHttp
from bot.providers.rest import wire
from bot.providers.rest.adapter import RestProvider
from bot.providers.signature import sign
from tests.providers.contract import a_ref, an_offer, an_sms, assert_refused, bought, fetched
from tests.providers.garbling import garbled
from tests.providers.rest_driver import RestDriver, a_rest
from tests.simulators.rest import API_KEY, WEBHOOK_SECRET

MESSAGE: dict[str, Any] = {
    "id": "s9911",
    "number_id": "n1842",
    "sender": "WhatsApp",
    "text": "Your code: 123-456",
    "code": "123456",
    "received_at": "2026-11-23T10:16:02.000Z",
}
NUMBER: dict[str, Any] = {
    "status": "success",
    "id": "n1842",
    "number": "+12025550143",
    "country": "US",
    "service": "wa",
    "kind": "activation",
    "hours": 0,
    "state": "received",
    "price": "0.3750",
    "currency": "USD",
    "charged": True,
    "created_at": "2026-11-23T10:15:30.250Z",
    "expires_at": "2026-11-23T10:35:30.250Z",
    "closed_at": None,
    "cancel_from": "2026-11-23T10:17:30.250Z",
    "refund_until": None,
    "message_count": 1,
    "messages": [MESSAGE],
}


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("bad_request", 400, BadRequest),
        ("unknown_country", 400, BadRequest),
        ("unknown_service", 400, BadRequest),
        ("insufficient_funds", 402, ProviderFunds),
        ("forbidden", 403, BadKey),
        ("not_found", 404, Gone),
        ("no_such_call", 404, BadRequest),
        ("no_numbers", 409, NoNumbers),
        ("price_risen", 409, PriceRisen),
        ("wrong_state", 409, Denied),
        ("not_refundable", 409, Denied),
        ("cancel_too_early", 409, CancelTooEarly),
        ("idempotency_mismatch", 409, BadRequest),
        ("limit_reached", 409, Throttled),
        ("too_large", 413, BadRequest),
        ("provider_fault", 502, ProviderFault),
        ("unavailable", 503, ProviderFault),
        ("a_code_of_tomorrow", 402, ProviderFunds),
        ("a_code_of_tomorrow", 404, Gone),
        ("a_code_of_tomorrow", 409, Denied),
        ("a_code_of_tomorrow", 418, BadRequest),
        ("a_code_of_tomorrow", 501, ProviderFault),
    ],
)
def test_an_error_of_the_contract_is_a_refusal_by_its_code_or_else_its_status(
    code: str, status: int, error: type[ProviderError]
) -> None:
    refusal = wire.refusal({"status": "error", "code": code, "message": "No."}, status)
    assert type(refusal) is error


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"status": "error", "code": "internal"}, 500),
        ({"status": "error", "code": "no_numbers"}, 200),
        ({"status": "error"}, 409),
        ({"status": "error", "code": 7}, 409),
        ({"code": "no_numbers"}, 409),
        ({}, 502),
    ],
)
def test_what_is_no_error_of_the_contract_refuses_nothing(row: dict[str, Any], status: int) -> None:
    assert wire.refusal(row, status) is None


@pytest.mark.parametrize("at", [None, 17, "soon"])
def test_too_early_without_a_readable_time_is_still_too_early(at: object) -> None:
    row = {"status": "error", "code": "cancel_too_early", "cancel_from": at}
    error = wire.refusal(row, 409)
    assert isinstance(error, CancelTooEarly)
    assert error.at is None


@given(garbled(NUMBER))
def test_a_garbled_number_is_read_or_refused_and_nothing_else(value: Any) -> None:
    for read in (wire.sold, wire.renewed, wire.number_id, wire.state):
        try:
            if not isinstance(value, dict):
                return
            result: Any = read(value)
        except Malformed:
            continue
        if isinstance(result, Sold):
            assert result.phone.startswith("+")
            assert isinstance(result.cost, int)


@given(garbled({"type": "sms.received", "data": {"number": NUMBER, "message": MESSAGE}}))
def test_a_garbled_event_is_read_or_refused_and_nothing_else(value: Any) -> None:
    try:
        event = wire.event(json.dumps(value).encode())
    except Malformed:
        return
    if event is not None:
        assert wire.ID.fullmatch(event[0])


# tokens


async def test_one_token_serves_many_calls_and_is_made_again_before_it_ends() -> None:
    async with a_rest(token_s=600) as driver:
        await asyncio.gather(*(driver.provider.balance() for _ in range(10)))
        assert driver.simulator.requests.count("POST auth") == 1
        driver.advance(600 * SECOND - MINUTE - 1)
        await driver.provider.balance()
        assert driver.simulator.requests.count("POST auth") == 1
        driver.advance(1)
        await driver.provider.balance()
        assert driver.simulator.requests.count("POST auth") == 2


async def test_a_token_that_ended_early_is_made_again_and_the_call_repeated_once() -> None:
    async with a_rest() as driver:
        sold = await bought(driver)
        driver.next_call("fetch", "revoked")
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.WAITING
        driver.next_call("allocate", "revoked")
        await bought(driver, number=2)
        assert driver.charged(a_ref(2)) == [False]


async def test_a_token_that_never_holds_is_a_bad_key_and_not_a_loop() -> None:
    async with a_rest() as driver:
        driver.simulator.fault("balance", "revoked", times=5)
        with pytest.raises(BadKey):
            await driver.provider.balance()
        assert driver.simulator.requests.count("GET balance") == 2


async def test_a_wrong_key_is_told_as_that_for_every_verb() -> None:
    async with a_rest(api_key="cp_wrong") as driver:
        with pytest.raises(BadKey):
            await driver.provider.balance()
        offer = Offer("rest", "wa", "GB", Kind.ACTIVATION, 10_000, 10_000, 1)
        assert_refused(await driver.provider.allocate(offer, a_ref()), BadKey)
        assert_refused(await driver.provider.cancel("sb-1"), BadKey)


@pytest.mark.parametrize("fault", ["garbage", "lost_answer", "status:502", "status:302"])
async def test_a_purchase_for_which_no_token_could_be_made_was_surely_not_made(fault: str) -> None:
    async with a_rest() as driver:
        offer = await an_offer(driver)
        driver.simulator.end_tokens()
        driver.simulator.fault("auth", fault)
        assert_refused(await driver.provider.allocate(offer, a_ref()), ProviderFault)
        assert driver.charged(a_ref()) == []
        assert isinstance(await driver.provider.allocate(offer, a_ref()), Sold)


# purchases


@pytest.mark.parametrize("fault", ["status:500", "status:502", "status:503", "status:404", "lost_answer"])
async def test_a_purchase_without_a_usable_answer_is_unknown(fault: str) -> None:
    async with a_rest() as driver:
        offer = await an_offer(driver)
        driver.next_call("allocate", fault)
        assert isinstance(await driver.provider.allocate(offer, a_ref()), Unknown)


async def test_a_redirect_is_not_followed_and_nothing_was_bought() -> None:
    async with a_rest() as driver:
        offer = await an_offer(driver)
        driver.next_call("allocate", "status:302")
        assert_refused(await driver.provider.allocate(offer, a_ref()), ProviderFault)


async def test_a_rate_limit_is_waited_for_and_not_asked_again_meanwhile() -> None:
    async with a_rest() as driver:
        offer = await an_offer(driver)
        driver.next_call("allocate", "busy:30")
        error = assert_refused(await driver.provider.allocate(offer, a_ref()), Throttled)
        assert isinstance(error, Throttled)
        assert error.retry_after_s == 30.0
        asked = len(driver.simulator.requests)
        with pytest.raises(Throttled):
            await driver.provider.balance()
        assert len(driver.simulator.requests) == asked


async def test_a_purchase_repeated_under_its_reference_is_the_same_number() -> None:
    async with a_rest() as driver:
        offer = await an_offer(driver)
        driver.next_call("allocate", "lost_answer")
        assert isinstance(await driver.provider.allocate(offer, a_ref()), Unknown)
        found = await driver.provider.find(offer, a_ref(), driver.now())
        assert found == await driver.provider.allocate(offer, a_ref())
        assert driver.charged(a_ref()) == [False]
        dearer = dataclasses.replace(offer, cost=offer.cost + 1)
        assert_refused(await driver.provider.allocate(dearer, a_ref()), BadRequest)


async def test_looking_for_a_purchase_buys_nothing() -> None:
    async with a_rest() as driver:
        offer = await an_offer(driver)
        for _ in range(3):
            assert await driver.provider.find(offer, a_ref(), driver.now()) is None
        assert driver.charged(a_ref()) == []


async def test_a_purchase_that_is_still_being_decided_is_unknown_until_it_is() -> None:
    async with a_rest() as driver:
        offer = await an_offer(driver)
        driver.simulator.decide_later = True
        for number in (1, 2):
            assert isinstance(await driver.provider.allocate(offer, a_ref(number)), Unknown)
            with pytest.raises(ProviderFault):
                await driver.provider.find(offer, a_ref(number), driver.now())
        driver.simulator.decide(sold=True)
        assert await driver.provider.find(offer, a_ref(1), driver.now()) is not None


async def test_a_purchase_that_came_to_nothing_is_found_as_nothing() -> None:
    async with a_rest() as driver:
        offer = await an_offer(driver)
        driver.simulator.decide_later = True
        assert isinstance(await driver.provider.allocate(offer, a_ref()), Unknown)
        driver.simulator.decide(sold=False)
        assert await driver.provider.find(offer, a_ref(), driver.now()) is None


async def test_concurrent_lost_purchases_keep_exactly_one_number_each() -> None:
    async with a_rest() as driver:
        offer = await an_offer(driver)
        driver.simulator.fault("allocate", "lost_answer", times=10)
        outcomes = await asyncio.gather(*(driver.provider.allocate(offer, a_ref(number)) for number in range(20)))
        assert sum(isinstance(one, Unknown) for one in outcomes) == 10
        found = [await driver.provider.find(offer, a_ref(number), driver.now()) for number in range(20)]
        assert len({one.provider_ref for one in found if one is not None}) == 20
        assert [driver.charged(a_ref(number)) for number in range(20)] == [[False]] * 20


async def test_a_cancel_that_the_supplier_behind_confirms_later_is_unknown_until_then() -> None:
    async with a_rest() as driver:
        sold = await bought(driver)
        driver.advance(2 * MINUTE)
        driver.simulator.confirm_later = True
        assert isinstance(await driver.provider.cancel(sold.provider_ref), Unknown)
        assert (await fetched(driver, sold.provider_ref)).state is RemoteState.WAITING
        await driver.simulator.confirm()
        driver.simulator.confirm_later = False
        assert await driver.provider.cancel(sold.provider_ref) == Done()
        assert driver.charged(a_ref()) == [False]


async def test_a_renewal_repeated_under_its_key_adds_its_hours_once() -> None:
    async with a_rest() as driver:
        sold = await bought(driver, Kind.RENTAL)
        cost = await driver.provider.renewal_cost(sold.provider_ref, 4)
        ends = Renewed(sold.provider_ref, sold.expires_at + 4 * HOUR)
        for _ in range(2):
            assert await driver.provider.renew(sold.provider_ref, 4, cost, "n1:renew:1") == ends


# lists


async def test_a_long_price_list_comes_in_pages() -> None:
    async with a_rest() as driver:
        whole = await driver.provider.stock(Kind.ACTIVATION, "wa")
        driver.simulator.page_limit = 25
        driver.simulator.requests.clear()
        assert await driver.provider.stock(Kind.ACTIVATION, "wa") == whole
        assert len(driver.simulator.requests) == -(-len(whole) // 25) > 2


async def test_a_list_that_never_ends_is_a_fault() -> None:
    async def forever(request: httpx.Request) -> httpx.Response:
        token = {"status": "success", "access_token": "t", "expires_in": 60}
        return httpx.Response(200, json={**token, "prices": [], "next_cursor": "again"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(forever)) as client:
        http = ProviderHttp(client, timeout_s=5.0, max_in_flight=1)
        provider = RestProvider("rest", http, url="http://rest.test", api_key=API_KEY, clock=lambda: 0)
        with pytest.raises(ProviderFault):
            await provider.stock(Kind.ACTIVATION)


async def test_many_numbers_are_read_a_hundred_at_a_time() -> None:
    async with a_rest() as driver:
        refs = [(await bought(driver, number=number)).provider_ref for number in range(120)]
        driver.simulator.requests.clear()
        rows = await driver.provider.fetch([*refs, "no such/id", "gone"])
        assert [row.provider_ref for row in rows] == [*refs, "no such/id", "gone"]
        assert {row.state for row in rows[:120]} == {RemoteState.WAITING}
        assert {row.state for row in rows[120:]} == {RemoteState.GONE}
        assert driver.simulator.requests == ["GET numbers"] * 2


async def test_a_rental_with_many_sms_shows_all_of_them_in_their_order() -> None:
    async with a_rest() as driver:
        sold = await bought(driver, Kind.RENTAL)
        texts = [f"code {number:04d}" for number in range(430)]
        for text in texts:
            driver.text(sold.phone, "A", text)
        assert [sms.text for sms in (await fetched(driver, sold.provider_ref)).sms] == texts


@pytest.mark.parametrize(
    "url", ["http://rest.test", "http://rest.test/", "http://rest.test/api", "http://rest.test/api/"]
)
async def test_the_address_may_be_written_with_or_without_its_api(url: str) -> None:
    async with a_rest() as driver:
        provider = RestProvider("rest", driver.http, url=url, api_key=API_KEY, clock=driver.now)
        assert await provider.balance() > 0


async def test_the_key_goes_out_once_and_in_no_address() -> None:
    seen: list[httpx.Request] = []

    async def note(request: httpx.Request) -> None:
        seen.append(request)

    async with a_rest() as driver:
        client = driver.http._client
        client.event_hooks = {"request": [note]}
        await bought(driver)
        assert [API_KEY in request.content.decode() for request in seen].count(True) == 1
        assert not any(API_KEY in str(request.url) + str(request.headers) for request in seen)


async def test_a_supplier_that_is_not_there_has_sold_nothing() -> None:
    async with make_client(ClientSettings()) as client:
        http = ProviderHttp(client, timeout_s=5.0, max_in_flight=1)
        provider = RestProvider("rest", http, url="http://127.0.0.1:9", api_key=API_KEY, clock=lambda: 0)
        offer = Offer("rest", "wa", "GB", Kind.ACTIVATION, 10_000, 10_000, 1)
        assert_refused(await provider.allocate(offer, a_ref()), ProviderFault)


# webhooks


def event(driver: RestDriver, body: dict[str, Any], secret: str = WEBHOOK_SECRET) -> WebhookRequest:
    raw = json.dumps(body).encode()
    return WebhookRequest(sign(secret, "e1", driver.now() // SECOND, raw), raw)


@pytest.mark.parametrize(
    "kind", ["number.active", "number.completed", "number.expiring", "number.renewed", "number.new"]
)
async def test_an_event_about_a_number_says_which_without_an_sms(kind: str) -> None:
    async with a_rest() as driver:
        [told] = driver.provider.parse_webhook(event(driver, {"type": kind, "data": {"number": NUMBER}}))
        assert (told.provider_ref, told.trusted, told.sms) == ("n1842", True, ())


async def test_a_test_event_is_taken_and_says_nothing() -> None:
    async with a_rest() as driver:
        assert driver.provider.parse_webhook(event(driver, {"type": "webhook.test", "data": {}})) == ()


async def test_a_signed_event_that_cannot_be_read_is_refused_and_not_as_forged() -> None:
    async with a_rest() as driver:
        for body in ({}, {"type": "sms.received", "data": {}}, {"type": "sms.received", "data": {"number": NUMBER}}):
            with pytest.raises(BadWebhook) as caught:
                driver.provider.parse_webhook(event(driver, body))
            assert not caught.value.forged


async def test_without_a_secret_an_event_is_a_hint() -> None:
    async with a_rest() as driver:
        provider = RestProvider("rest", driver.http, url="http://rest.test", api_key=API_KEY, clock=driver.now)
        [told] = provider.parse_webhook(driver.webhook(an_sms(driver)))
        assert not told.trusted


async def test_an_event_signed_with_another_secret_is_forged() -> None:
    async with a_rest() as driver:
        with pytest.raises(BadWebhook) as caught:
            driver.provider.parse_webhook(event(driver, {"type": "webhook.test", "data": {}}, "whsec_b3RoZXI="))
        assert caught.value.forged
