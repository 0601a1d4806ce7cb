"""Rentals by handler_api, at the real program."""

import pytest

from bot.domain.time import HOUR, MINUTE
from tests.support.outlet import Customer, Outlet, dearer_than

pytestmark = pytest.mark.asyncio(loop_scope="module")
A_DAY = {"service": "wa", "country": 43, "rent_time": 24}


async def rented(who: Customer, **options: object) -> tuple[int, str]:
    """Its id, and its phone with the plus."""
    answer = await who.look("getRentNumber", **{**A_DAY, **options})
    assert answer["status"] == "success", answer
    return answer["phone"]["id"], f"+{answer['phone']['number']}"


async def refused(who: Customer, action: str, **params: object) -> str:
    answer = await who.look(action, **params)
    assert set(answer) == {"status", "message"}
    assert answer["status"] == "error"
    return str(answer["message"])


async def test_what_is_for_rent_is_told_for_a_country_and_a_length(ada: Customer):
    answer = await ada.look("getRentServicesAndCountries", rent_time=24, country=43)
    assert set(answer) == {"countries", "operators", "services", "currency"}
    assert 43 in answer["countries"].values()
    assert answer["currency"] == 840
    assert set(answer["services"]["full"]) == {"cost", "quant"}
    longer = await ada.look("getRentServicesAndCountries", time=168, country=43)
    assert longer["services"]["wa"]["cost"] > answer["services"]["wa"]["cost"]
    assert list((await ada.look("getRentServicesAndCountries"))["countries"].values()) == sorted(
        answer["countries"].values()
    )
    assert await refused(ada, "getRentServicesAndCountries", rent_time=25) == "OUT_OF_STOCK"
    assert await refused(ada, "getRentServicesAndCountries", rent_time=24, country=171) == "OUT_OF_STOCK"
    assert await refused(ada, "getRentServicesAndCountries", rent_time=24, country=43, operator="mts") == "OUT_OF_STOCK"


async def test_a_rental_costs_what_was_told_and_shows_every_sms_newest_first(ada: Customer):
    told = (await ada.look("getRentServicesAndCountries", rent_time=24, country=43))["services"]["wa"]["cost"]
    rent_id, phone = await rented(ada)
    assert ada.balance == pytest.approx(1000 - told)
    assert await refused(ada, "getRentStatus", id=rent_id) == "STATUS_WAIT_CODE"
    for n in range(12):
        ada.outlet.story.sms(phone, f"text {n}", "Sender")
    answer = await ada.look("getRentStatus", id=rent_id)
    assert (answer["status"], answer["quantity"], len(answer["values"])) == ("success", "12", 10)
    assert answer["values"]["0"] == {
        "phoneFrom": "Sender",
        "text": "text 11",
        "service": "wa",
        "date": answer["values"]["0"]["date"],
    }
    second = await ada.look("getRentStatus", id=rent_id, page=2, size=10)
    assert [row["text"] for row in second["values"].values()] == ["text 1", "text 0"]
    assert (await ada.look("getRentStatus", id=rent_id, page=3))["values"] == {}


async def test_a_rental_ends_at_its_time_and_its_end_was_told_in_moscows(ada: Customer):
    now = ada.outlet.clock()
    answer = await ada.look("getRentNumber", **A_DAY)
    [row] = ada.outlet.story.rows("SELECT expires_at FROM numbers WHERE id = ?", answer["phone"]["id"])
    assert row["expires_at"] == now + 24 * HOUR
    assert answer["phone"]["endDate"][10] == "T"
    ada.outlet.clock.advance(24 * HOUR)
    assert await refused(ada, "getRentStatus", id=answer["phone"]["id"]) == "STATUS_FINISH"
    assert await refused(ada, "setRentStatus", id=answer["phone"]["id"], status=1) == "ALREADY_FINISH"
    assert await refused(ada, "continueRentNumber", id=answer["phone"]["id"], rent_time=4) == "RENT_DIE"


async def test_a_rental_is_given_back_for_its_money_within_the_window(ada: Customer):
    rent_id, phone = await rented(ada)
    assert await ada.look("setRentStatus", id=rent_id, status=2) == {"status": "success"}
    assert ada.balance == 1000
    assert await refused(ada, "setRentStatus", id=rent_id, status=2) == "ALREADY_CANCEL"
    assert await refused(ada, "getRentStatus", id=rent_id) == "STATUS_CANCEL"
    ada.outlet.story.sms(phone, "late")
    assert await refused(ada, "getRentStatus", id=rent_id) == "STATUS_CANCEL"


async def test_after_its_window_or_an_sms_a_rental_can_be_finished_only(ada: Customer):
    late, _ = await rented(ada)
    used, phone = await rented(ada)
    ada.outlet.story.sms(phone, "hello")
    assert await refused(ada, "setRentStatus", id=used, status=2) == "CANT_CANCEL"
    ada.outlet.clock.advance(20 * MINUTE)
    assert await refused(ada, "setRentStatus", id=late, status=2) == "CANT_CANCEL"
    before = ada.balance
    for rent_id in (late, used):
        assert await ada.look("setRentStatus", id=rent_id, status=1) == {"status": "success"}
    assert ada.balance == before < 1000
    assert (await ada.look("getRentStatus", id=used))["values"]["0"]["text"] == "hello"


async def test_open_rentals_are_listed_by_pages(ada: Customer):
    assert await refused(ada, "getRentList") == "NO_NUMBERS"
    rentals = [await rented(ada) for _ in range(3)]
    closed, _ = await rented(ada)
    assert await ada.look("setRentStatus", id=closed, status=2) == {"status": "success"}
    values = (await ada.look("getRentList"))["values"]
    newest_first = [{"id": str(rent_id), "phone": phone.removeprefix("+")} for rent_id, phone in reversed(rentals)]
    assert list(values.values()) == newest_first
    assert list((await ada.look("getRentList", length=2, page=2))["values"].values()) == newest_first[2:]


async def test_a_rental_is_prolonged_for_the_price_that_was_told_and_the_record_shows_it(ada: Customer):
    rent_id, phone = await rented(ada)
    told = await ada.look("continueRentInfo", id=rent_id, hours=4, needHistory="true")
    assert told == {"status": "success", "price": told["price"], "currency": 840, "hours": 4, "history": {}}
    before = ada.balance
    [end] = ada.outlet.story.rows("SELECT expires_at FROM numbers WHERE id = ?", rent_id)
    answer = await ada.look("continueRentNumber", id=rent_id, rent_time=4)
    assert answer["phone"]["id"] == rent_id
    assert f"+{answer['phone']['number']}" == phone
    [later] = ada.outlet.story.rows("SELECT expires_at FROM numbers WHERE id = ?", rent_id)
    assert later["expires_at"] == end["expires_at"] + 4 * HOUR
    assert ada.balance == pytest.approx(before - told["price"])
    [row] = (await ada.look("continueRentInfo", id=rent_id, hours=4, needHistory="true"))["history"].values()
    assert (row["hours"], float(row["price"])) == (4, told["price"])
    assert "history" not in await ada.look("continueRentInfo", id=rent_id, hours=4)


async def test_a_renewal_under_an_order_and_a_highest_price_happens_once_and_at_that_price(ada: Customer):
    rent_id, _ = await rented(ada)
    price = (await ada.look("continueRentInfo", id=rent_id, hours=4))["price"]
    too_low = {"id": rent_id, "rent_time": 4, "maxPrice": price - 0.01}
    assert await refused(ada, "continueRentNumber", **too_low) == dearer_than(price)
    before = ada.balance
    for _ in range(2):
        assert (await ada.look("continueRentNumber", id=rent_id, rent_time=4, orderId="more"))["status"] == "success"
    assert ada.balance == pytest.approx(before - price)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"service": "zzzzz"}, "BAD_SERVICE"),
        ({"country": 999}, "BAD_COUNTRY"),
        ({"rent_time": 0}, "INVALID_TIME"),
        ({"rent_time": 1345}, "INVALID_TIME"),
        ({"rent_time": "day"}, "INVALID_TIME"),
        ({"rent_time": 25}, "NO_NUMBERS"),
        ({"operator": "mts"}, "NO_NUMBERS"),
        ({"incomingCall": "true"}, "NO_NUMBERS"),
        ({"maxPrice": 0.01}, "WRONG_MAX_PRICE"),
    ],
)
async def test_what_cannot_be_rented_is_refused_with_its_word(ada: Customer, options: dict[str, object], word: str):
    assert (await refused(ada, "getRentNumber", **{**A_DAY, **options})).partition(":")[0] == word
    assert ada.balance == 1000


async def test_rentals_and_activations_are_not_taken_for_each_other_nor_for_somebody_elses(
    ada: Customer, outlet: Outlet
):
    rent_id, _ = await rented(ada)
    _, number_id, _ = (await ada.ask("getNumber", service="wa", country=43)).split(":")
    assert await ada.ask("getStatus", id=rent_id) == await ada.ask("setStatus", id=rent_id, status=6) == "NO_ACTIVATION"
    eve = await outlet.customer()
    for who, wanted in ((ada, number_id), (ada, "x"), (ada, ""), (eve, rent_id)):
        assert await refused(who, "getRentStatus", id=wanted) == "NO_ID_RENT"
        assert await refused(who, "setRentStatus", id=wanted, status=2) == "NO_ID_RENT"
        assert await refused(who, "continueRentInfo", id=wanted, hours=4) == "NO_ID_RENT"
        assert await refused(who, "continueRentNumber", id=wanted, rent_time=4) == "NO_ID_RENT"
    assert await refused(ada, "setRentStatus", id=rent_id, status=3) == "INCORECT_STATUS"
    assert await refused(eve, "getRentList") == "NO_NUMBERS"
