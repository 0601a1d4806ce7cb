"""Activations by handler_api, at the real program: bought, asked about, moved from state to state, and listed."""

import asyncio
import json

import pytest

from bot.domain.time import DAY, MINUTE, SECOND
from tests.support.outlet import Customer, Outlet, dearer_than
from tests.support.stories import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
GERMANY = {"service": "wa", "country": 43}
WAIT_TO_CANCEL = 120 * SECOND


async def bought(who: Customer, **options: object) -> tuple[int, str]:
    """Its id, and its phone with the plus."""
    word, number_id, phone = (await who.ask("getNumber", **{**GERMANY, **options})).split(":")
    assert word == "ACCESS_NUMBER"
    return int(number_id), f"+{phone}"


def price_of(who: Customer, number_id: int) -> float:
    return float(who.outlet.story.rows("SELECT price FROM numbers WHERE id = ?", number_id)[0]["price"] / 10_000)


async def test_a_number_is_bought_waits_gets_its_code_and_is_finished(ada: Customer):
    number_id, phone = await bought(ada)
    price = price_of(ada, number_id)
    assert phone.startswith("+49")
    assert float((await ada.ask("getBalance")).removeprefix("ACCESS_BALANCE:")) == pytest.approx(1000 - price)
    assert await ada.ask("getStatus", id=number_id) == "STATUS_WAIT_CODE"
    assert await ada.ask("setStatus", id=number_id, status=1) == "ACCESS_READY"
    ada.outlet.story.sms(phone, "Your WhatsApp code is 123-456")
    assert await ada.ask("getStatus", id=number_id) == "STATUS_OK:123456"
    assert await ada.ask("getFullSms", id=number_id) == "FULL_SMS:Your WhatsApp code is 123-456"
    assert await ada.ask("setStatus", id=number_id, status=6) == "ACCESS_ACTIVATION"
    assert await ada.ask("setStatus", id=number_id, status=6) == "ACCESS_ACTIVATION"
    assert await ada.ask("getStatus", id=number_id) == "STATUS_CANCEL"
    assert ada.balance == pytest.approx(1000 - price)


async def test_another_code_is_waited_for_with_the_last_one_in_sight(ada: Customer):
    number_id, phone = await bought(ada)
    assert await ada.ask("setStatus", id=number_id, status=3) == "BAD_STATUS"
    ada.outlet.story.sms(phone, "code 1111")
    assert await ada.ask("setStatus", id=number_id, status=3) == "ACCESS_RETRY_GET"
    assert await ada.ask("getStatus", id=number_id) == "STATUS_WAIT_RETRY:1111"
    assert (await ada.look("getActiveActivations"))["activeActivations"][0]["activationStatus"] == "3"
    ada.outlet.story.sms(phone, "code 2222")
    assert await ada.ask("getStatus", id=number_id) == "STATUS_OK:2222"
    [row] = (await ada.look("getActiveActivations"))["activeActivations"]
    assert (row["activationStatus"], row["smsCode"], row["smsText"]) == ("4", ["1111", "2222"], "[code 2222]")


async def test_a_text_without_a_code_stands_in_its_place_whatever_is_in_it(ada: Customer):
    number_id, phone = await bought(ada)
    text = 'Привет: "мир" 🙂\n<b>&amp;</b>'
    ada.outlet.story.sms(phone, text)
    assert await ada.ask("getStatus", id=number_id) == f"STATUS_OK:{text}"
    assert (await ada.look("getStatusV2", id=number_id))["sms"] == {
        "dateTime": "2023-11-15 01:13:20",
        "code": text,
        "text": text,
    }


async def test_v2_tells_price_currency_and_times(ada: Customer):
    number = await ada.look("getNumberV2", **GERMANY)
    number_id = number["activationId"]
    assert number == {
        "activationId": number_id,
        "phoneNumber": number["phoneNumber"],
        "activationCost": price_of(ada, number_id),
        "currency": 840,
        "countryCode": "43",
        "canGetAnotherSms": "1",
        "activationTime": number["activationTime"],
        "activationEndTime": number["activationEndTime"],
        "activationOperator": "any",
    }
    assert number["phoneNumber"].isdigit()
    assert number["activationTime"][:10] in ("2023-11-15", "2023-11-14")
    assert await ada.look("getStatusV2", id=number_id) == {"verificationType": 0, "sms": None, "call": None}


# giving back


async def test_a_cancel_is_denied_at_first_and_gives_the_money_back_later_and_can_be_repeated(ada: Customer):
    number_id, _ = await bought(ada)
    assert await ada.ask("setStatus", id=number_id, status=8) == "EARLY_CANCEL_DENIED"
    assert await ada.ask("getStatus", id=number_id) == "STATUS_WAIT_CODE"
    ada.outlet.clock.advance(WAIT_TO_CANCEL)
    assert await ada.ask("setStatus", id=number_id, status=8) == "ACCESS_CANCEL"
    assert ada.balance == 1000
    assert await ada.ask("setStatus", id=number_id, status=-1) == "ACCESS_CANCEL"
    assert await ada.ask("setStatus", id=number_id, status=6) == "BAD_STATUS"
    assert await ada.ask("setStatus", id=number_id, status=1) == "BAD_STATUS"
    assert await ada.ask("getStatus", id=number_id) == await ada.ask("getStatusV2", id=number_id) == "STATUS_CANCEL"


async def test_after_a_code_nothing_is_given_back_and_before_one_nothing_is_finished(ada: Customer):
    number_id, phone = await bought(ada)
    assert await ada.ask("setStatus", id=number_id, status=6) == "BAD_STATUS"
    ada.outlet.story.sms(phone, "code 3333")
    ada.outlet.clock.advance(WAIT_TO_CANCEL)
    assert await ada.ask("setStatus", id=number_id, status=8) == "BAD_STATUS"
    assert await ada.ask("getStatus", id=number_id) == "STATUS_OK:3333"


async def test_a_number_without_a_code_ends_by_time_and_costs_nothing(ada: Customer):
    number_id, _ = await bought(ada)
    ada.outlet.clock.advance(20 * MINUTE)
    assert await ada.ask("getStatus", id=number_id) == "STATUS_CANCEL"
    assert await ada.ask("setStatus", id=number_id, status=8) == "BAD_STATUS"
    assert ada.balance == 1000


@pytest.mark.parametrize("status", ["", "0", "2", "9", "x", "66"])
async def test_a_status_that_there_is_not_is_bad(ada: Customer, status: str):
    number_id, _ = await bought(ada)
    assert await ada.ask("setStatus", id=number_id, status=status) == "BAD_STATUS"


async def test_a_number_of_somebody_else_is_not_there(ada: Customer, outlet: Outlet):
    number_id, _ = await bought(ada)
    eve = await outlet.customer()
    for wanted in (number_id, 99999, "x", "", -1, "9" * 40):
        assert await eve.ask("getStatus", id=wanted) == "NO_ACTIVATION"
        assert await eve.ask("getStatusV2", id=wanted) == "NO_ACTIVATION"
        assert await eve.ask("setStatus", id=wanted, status=8) == "NO_ACTIVATION"
        assert await eve.ask("getExtraActivation", activationId=wanted) == "WRONG_ACTIVATION_ID"
    assert await eve.ask("getActiveActivations") == "NO_ACTIVATIONS"
    assert await eve.look("getHistory") == []


# prices and orders


async def test_a_highest_price_is_kept_to_and_the_price_that_is_asked_is_named(ada: Customer):
    cost = (await ada.look("getPrices", **GERMANY))["43"]["wa"]["cost"]
    assert await ada.ask("getNumber", **GERMANY, maxPrice=cost - 0.0001) == dearer_than(cost)
    assert await ada.ask("getNumber", **GERMANY, maxPrice="much") == dearer_than(cost)
    number_id, _ = await bought(ada, maxPrice=cost)
    assert price_of(ada, number_id) == cost


async def test_an_order_is_bought_once_however_often_and_at_once_it_is_placed(ada: Customer):
    answers = await asyncio.gather(*(ada.ask("getNumberV2", **GERMANY, orderId="o-1") for _ in range(5)))
    bought_once = [answer for answer in answers if answer.startswith("{")]
    assert (len(bought_once), answers.count("ORDER_ALREADY_EXISTS")) == (1, 4)
    assert await ada.ask("getNumber", service="tg", country=6, orderId="o-1") == "ORDER_ALREADY_EXISTS"
    [row] = (await ada.look("getActiveActivations"))["activeActivations"]
    assert row["activationId"] == str(json.loads(bought_once[0])["activationId"])


async def test_an_order_under_which_nothing_was_sold_can_be_placed_again(ada: Customer):
    cost = (await ada.look("getPrices", **GERMANY))["43"]["wa"]["cost"]
    assert (await ada.ask("getNumberV2", **GERMANY, orderId="o-2", maxPrice=0.01)).startswith("WRONG_MAX_PRICE")
    ada.outlet.story.sandbox.faults.add("allocate", "refuse:no_numbers")
    assert await ada.ask("getNumberV2", **GERMANY, orderId="o-2", maxPrice=cost) == "NO_NUMBERS"
    assert (await ada.look("getNumberV2", **GERMANY, orderId="o-2", maxPrice=cost))["activationCost"] == cost
    assert await ada.ask("getNumberV2", **GERMANY, orderId="o-2", maxPrice=cost) == "ORDER_ALREADY_EXISTS"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"service": "zzzzz"}, "BAD_SERVICE"),
        ({"service": ""}, "BAD_SERVICE"),
        ({"country": 999}, "BAD_COUNTRY"),
        ({"country": "US"}, "BAD_COUNTRY"),
        ({"operator": "mts"}, "NO_NUMBERS"),
        ({"activationType": 2}, "NO_NUMBERS"),
        ({"orderId": "x" * 129}, "BAD_VALUES"),
        ({"service": "acz", "country": 155}, "NO_NUMBERS"),
    ],
)
async def test_what_cannot_be_bought_is_refused_with_its_word(ada: Customer, options: dict[str, object], word: str):
    assert await ada.ask("getNumber", **{**GERMANY, **options}) == word
    assert ada.balance == 1000


@pytest.mark.parametrize("fault", ["no_numbers", "provider_funds", "bad_key", "provider_fault", "throttled", "denied"])
async def test_whatever_is_amiss_at_the_supplier_there_are_no_numbers_and_nothing_is_paid(ada: Customer, fault: str):
    ada.outlet.story.sandbox.faults.add("allocate", f"refuse:{fault}")
    assert await ada.ask("getNumber", **GERMANY) == "NO_NUMBERS"
    assert ada.balance == 1000


async def test_a_price_that_rose_at_the_supplier_is_named(ada: Customer):
    cost = (await ada.look("getPrices", **GERMANY))["43"]["wa"]["cost"]
    ada.outlet.story.sandbox.faults.add("allocate", "price_risen")
    assert await ada.ask("getNumber", **GERMANY) == dearer_than(cost)


async def test_too_little_money_is_no_balance(outlet: Outlet):
    poor = await outlet.customer(money=0.01)
    assert await poor.ask("getBalance") == "ACCESS_BALANCE:0.01"
    assert await poor.ask("getNumber", **GERMANY) == "NO_BALANCE"


async def test_a_purchase_without_an_answer_is_undecided_and_is_listed_once_it_is_found(ada: Customer):
    ada.outlet.story.sandbox.faults.add("allocate", "lost_answer")
    assert await ada.ask("getNumberV2", **GERMANY, orderId="o-3") == "SERVER_ERROR"
    assert await ada.ask("getNumberV2", **GERMANY, orderId="o-3") == "ORDER_ALREADY_EXISTS"
    assert await ada.ask("getActiveActivations") == "NO_ACTIVATIONS"
    ada.outlet.clock.advance(5 * SECOND)
    owned = "SELECT state FROM numbers WHERE user_id = ?"
    await until(lambda: ada.outlet.story.rows(owned, ada.user.id) == [{"state": "active"}])
    [row] = (await ada.look("getActiveActivations"))["activeActivations"]
    assert await ada.ask("getStatus", id=row["activationId"]) == "STATUS_WAIT_CODE"


# lists


async def test_open_activations_are_listed_with_what_came_on_them(ada: Customer):
    assert await ada.ask("getActiveActivations") == "NO_ACTIVATIONS"
    first, phone = await bought(ada)
    second, other = await bought(ada, service="tg", country=6)
    ada.outlet.story.sms(phone, "code 4444")
    newest, oldest = (await ada.look("getActiveActivations"))["activeActivations"]
    assert [row["activationId"] for row in (oldest, newest)] == [str(first), str(second)]
    assert newest == {
        "activationId": str(second),
        "serviceCode": "tg",
        "phoneNumber": other.removeprefix("+"),
        "activationCost": price_of(ada, second),
        "activationStatus": "4",
        "smsCode": None,
        "smsText": None,
        "activationTime": newest["activationTime"],
        "discount": "0.00",
        "repeated": "0",
        "countryCode": "6",
        "countryName": "Indonesia",
        "canGetAnotherSms": "1",
        "currency": 840,
    }
    assert (oldest["smsCode"], oldest["smsText"]) == (["4444"], "[code 4444]")
    [page] = (await ada.look("getActiveActivations", start=1, limit=1))["activeActivations"]
    assert page == oldest


async def test_the_record_tells_how_each_activation_ended_newest_first(ada: Customer):
    used, phone = await bought(ada)
    given_back, _ = await bought(ada)
    opened, _ = await bought(ada)
    ada.outlet.story.sms(phone, "code 5555")
    assert await ada.ask("setStatus", id=used, status=6) == "ACCESS_ACTIVATION"
    ada.outlet.clock.advance(WAIT_TO_CANCEL)
    assert await ada.ask("setStatus", id=given_back, status=8) == "ACCESS_CANCEL"
    now = ada.outlet.clock() // SECOND
    rows = await ada.look("getHistory", start=now - 3600, end=now, offset=0, limit=10)
    assert [(row["id"], row["status"], row["sms"]) for row in rows] == [
        (opened, "4", None),
        (given_back, "8", None),
        (used, "6", "code 5555"),
    ]
    assert rows[2]["phone"] == phone.removeprefix("+")
    assert rows[2]["cost"] == price_of(ada, used)
    assert [row["id"] for row in await ada.look("getHistory", start=now - 3600, end=now, offset=1, limit=1)] == [
        given_back
    ]
    assert await ada.look("getHistory", start=now - 7200, end=now - 3600) == []
    assert [row["id"] for row in await ada.look("getHistory")] == [opened, given_back, used]


async def test_an_sms_that_came_after_the_money_went_back_is_no_part_of_the_record(ada: Customer):
    number_id, phone = await bought(ada)
    ada.outlet.clock.advance(20 * MINUTE)
    assert await ada.ask("getStatus", id=number_id) == "STATUS_CANCEL"
    ada.outlet.story.sms(phone, "late 6666")
    [row] = await ada.look("getHistory")
    assert (row["status"], row["sms"]) == ("8", None)


@pytest.mark.parametrize(
    "span", [{"start": "x"}, {"end": "-1"}, {"start": 200, "end": 100}, {"start": 0, "end": 31 * DAY // SECOND}]
)
async def test_a_record_of_no_span_or_of_too_long_a_one_is_refused(ada: Customer, span: dict[str, object]):
    assert await ada.ask("getHistory", **span) == "WRONG_DATE"


# the same number again


async def test_a_used_number_is_had_once_more_at_the_price_that_was_told(ada: Customer):
    number_id, phone = await bought(ada)
    assert await ada.ask("checkExtraActivation", activationId=number_id) == "RENEW_ACTIVATION_NOT_AVAILABLE"
    ada.outlet.story.sms(phone, "code 7777")
    assert await ada.ask("setStatus", id=number_id, status=6) == "ACCESS_ACTIVATION"
    told = await ada.look("checkExtraActivation", activationId=number_id)
    assert told == {
        "status": "success",
        "cost": told["cost"],
        "service": "wa",
        "phone": int(phone.removeprefix("+")),
        "country": 43,
    }
    word, again, same = (await ada.ask("getExtraActivation", activationId=number_id, orderId="again-1")).split(":")
    assert (word, f"+{same}", price_of(ada, int(again))) == ("ACCESS_NUMBER", phone, told["cost"])
    assert await ada.ask("getExtraActivation", id=number_id) == "RENEW_ACTIVATION_NOT_AVAILABLE"  # as some send it
    [row] = (await ada.look("getActiveActivations"))["activeActivations"]
    assert (row["activationId"], row["repeated"]) == (again, "1")
